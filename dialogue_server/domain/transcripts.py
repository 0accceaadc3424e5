"""A stored conversation to be read: as a page, and as rows of a table. Only the branch in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from . import spreadsheet
from .conversation import Archive, Node

COLUMNS = ("id", "speaker", "text", "context")


def branch(archive: Archive) -> tuple[Node, ...]:
    """The nodes from the first to the newest of the branch in force."""
    nodes = {node.id: node for node in archive.nodes}
    path: list[Node] = []
    at = archive.head
    while at in nodes and len(path) < len(nodes):
        path.append(nodes[at])
        at = nodes[at].parent
    return tuple(reversed(path))


def table(archive: Archive) -> str:
    """CSV with the columns of COLUMNS."""
    return spreadsheet.encode(COLUMNS, map(_row, branch(archive)))


def _row(node: Node) -> tuple[str, str, str, str]:
    notes = [node.kind, *(_shown(cue) for cue in _cues(node))]
    if node.kind == "npc" and node.reason not in ("", "complete"):
        notes.append(node.reason)
    return node.id, node.speaker, node.text, "; ".join(notes)


def _cues(node: Node) -> list[list[Any]]:
    return [cue for cue in node.meta.get("cues", []) if cue[1] in ("mood", "action")]


def _shown(cue: list[Any]) -> str:
    _, kind, name, args, *_ = cue
    if kind == "mood":
        return f"{name} {args.get('intensity', '')}".strip()
    return f"*{name}{''.join(f' {key}={value}' for key, value in args.items())}*"


def page(archive: Archive, names: Mapping[str, str]) -> str:
    """The conversation as one self-contained HTML page; `names` are those of the NPCs by id."""
    key, path = archive.key, branch(archive)
    aside = len(archive.nodes) - len(path)
    about = f"{len(path)} lines with {key.player}" + (
        f"; {aside} more on branches that were left" if aside else ""
    )
    title = escape(f"{key.conversation}")
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body><main>",
            f"<h1>{title}</h1><p class=about>{escape(about)}</p>",
            *_lines(path, names),
            "</main></body></html>",
            "",
        ]
    )


def _lines(path: tuple[Node, ...], names: Mapping[str, str]) -> Iterator[str]:
    day = ""
    for node in path:
        at = datetime.fromtimestamp(node.at, UTC)
        if f"{at:%Y-%m-%d}" != day:
            day = f"{at:%Y-%m-%d}"
            yield f"<h2>{day}</h2>"
        who = names.get(node.speaker, node.speaker)
        name = f"<b>{escape(who)}</b> " if who else ""
        ended = node.reason if node.reason not in ("", "complete") else ""
        note = f" <i class=note>{escape(ended)}</i>" if ended else ""
        yield (
            f"<p class={node.kind}><time>{at:%H:%M}</time> {name}"
            f"{''.join(_with_cues(node))}{note}</p>"
        )


def _with_cues(node: Node) -> Iterator[str]:
    """The text with its cues where they happened."""
    at = 0
    for cue in _cues(node):
        offset = max(at, int(cue[0]))
        yield escape(node.text[at:offset])
        yield f" <i class={cue[1]}>{escape(_shown(cue))}</i> "
        at = offset
    yield escape(node.text[at:])


_STYLE = """
:root{color-scheme:light dark}
body{font:17px/1.6 Georgia,serif;max-width:42rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:.9rem;color:GrayText;font-weight:400;margin-top:2rem}
.about,time,.note{color:GrayText;font:.8rem system-ui,sans-serif}
p{margin:.5rem 0;white-space:pre-wrap}.player{padding-left:2rem}.event{color:GrayText}
.mood,.action{font:.8rem system-ui,sans-serif;border:1px solid GrayText;border-radius:.6rem}
.mood,.action{padding:0 .5rem}.action{font-weight:600}
"""
