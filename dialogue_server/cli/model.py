"""`dialogue-server model`: the embedded model's weights."""

from __future__ import annotations

from pathlib import Path

import click

from ..backends import weights, weights_get
from ..backends.weights import DEFAULT, KNOWN
from .invocation import Invocation


@click.group()
def model() -> None:
    """The embedded model: fetch its weights, or see which are here.

    \b
      dialogue-server model list
      dialogue-server model get
    """


@model.command("list")
@click.pass_obj
def list_models(invocation: Invocation, /) -> None:
    """List the models that are known by name, and whether they are here."""
    rows = []
    for known in KNOWN.values():
        found = weights.look_up(known.name)
        rows.append(
            (
                known.name + (" *" if known.name == DEFAULT else ""),
                f"{known.size / 1e6:.0f} MB",
                known.licence,
                str(found.path) if found else "not here",
                known.about,
            )
        )
    others = sorted(
        path
        for path in weights.cache_folder().glob("*.gguf")
        if path.name not in {known.file for known in KNOWN.values()}
    )
    rows += [(path.name, _megabytes(path), "", str(path), "fetched by you") for path in others]
    invocation.terminal.table(("name", "size", "licence", "where", "about"), rows)
    invocation.terminal.note("* is used by default. Any GGUF file works: --local-model FILE.")


@model.command("get")
@click.argument("source", metavar="[NAME|URL|FILE]", default=DEFAULT)
@click.pass_obj
def get_model(invocation: Invocation, /, source: str) -> None:
    """Fetch weights, once, or check a file that is here already.

    NAME is one of `dialogue-server model list`; without it, the default. What was interrupted
    goes on where it stopped. A second run needs no network.

    \b
      dialogue-server model get
      dialogue-server model get smollm2-135m
      dialogue-server model get https://example.org/model.gguf
    """
    terminal = invocation.terminal
    known = KNOWN.get(source)
    if known is not None:
        terminal.say(f"{known.name}: {known.about}. {known.size / 1e6:.0f} MB.")
        terminal.say(f"Licence: {known.licence} ({known.licence_url}).")
    with terminal.progress() as bar:
        found = weights_get.get(source, bar.update)
    terminal.say(f"Ready: {found.path} ({_megabytes(found.path)}).")
    default = found.weights is not None and found.weights.name == DEFAULT
    if not default:
        name = found.weights.name if found.weights else found.path
        terminal.say(f"Use it with --local-model {name}, or [local] model in dialogue.toml.")


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.0f} MB"
