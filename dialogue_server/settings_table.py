"""Every setting described: its key, variable, flags and bounds; the reference is written from it.

The Structs of settings.py say all; here they become a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct

from .settings import Settings
from .settings_option import Section


class Option(Struct, frozen=True):
    """One setting, described. `type` is what msgspec converts to, bounds included."""

    section: str
    name: str
    type: Any
    default: Any
    help: str
    unit: str
    short_flag: str
    path: bool
    choices: tuple[str, ...]
    kind: Any
    """The type without bounds: int, float, str or a Literal."""
    bounds: tuple[float, float]
    """Lowest and highest, infinite where open."""
    exclusive: bool
    """Whether the lowest itself is refused."""

    @property
    def key(self) -> str:
        """The dotted key: "server.port"."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"DIALOGUE_{self.section}_{self.name}".upper()

    @property
    def flags(self) -> tuple[str, ...]:
        """The command-line flags, the short spelling first if there is one."""
        full = "--" + f"{self.section}-{self.name}".replace("_", "-")
        short = self.short_flag
        return (short, full) if short and short != full else (full,)

    @property
    def expected(self) -> str:
        """What may stand there, in words: "an integer from 0 to 65535"."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind is str:
            return "text"
        noun = "an integer" if self.kind is int else "a number"
        low, high = self.bounds
        if math.isfinite(high):
            noun += f" from {low:g} to {high:g}"
        elif math.isfinite(low):
            noun += f" above {low:g}" if self.exclusive else f", at least {low:g}"
        return noun + (f" ({self.unit})" if self.unit else "")


def section_types() -> dict[str, type[Section]]:
    """The sections' Structs by name, in the order of the file."""
    return get_type_hints(Settings)


def options() -> Iterator[Option]:
    """Every setting, in the order of the file."""
    for section, struct in section_types().items():
        defaults = struct()
        for name, hint in get_type_hints(struct, include_extras=True).items():
            kind, meta = get_args(hint if get_origin(hint) is Annotated else get_args(hint)[0])
            low = meta.ge if meta.ge is not None else meta.gt
            yield Option(
                section=section,
                name=name,
                type=hint,
                kind=kind,
                exclusive=meta.gt is not None,
                default=getattr(defaults, name),
                help=meta.description,
                unit=meta.extra["unit"],
                short_flag=meta.extra["flag"],
                path=meta.extra["path"],
                choices=get_args(kind) if get_origin(kind) is Literal else (),
                bounds=(
                    -math.inf if low is None else low,
                    math.inf if meta.le is None else meta.le,
                ),
            )


def render_reference() -> str:
    """docs/settings.md: the text of the whole reference."""
    lines = [
        "# Settings",
        "",
        "Generated from `dialogue_server/settings.py` by `dialogue-server settings --markdown`;",
        "a test fails when it is stale.",
        "",
        "Later sources win: the defaults below, the file `dialogue.toml` in the world's folder",
        "(or the one named by `--config` or `DIALOGUE_CONFIG`), the environment, the command",
        "line. In the file, relative paths start at the file's folder; elsewhere at the current",
        "one. An unknown name or a wrong value stops the start and says where it stands.",
        "A key is never a setting: it is read from the environment variable that `model.key_env`",
        "or `access.key_env` names, or from the file `model.key_file` or `access.key_file`.",
    ]
    section = ""
    for option in options():
        if option.section != section:
            section = option.section
            lines += ["", f"## [{section}]", "", section_types()[section].__doc__ or ""]
        default = "unset" if option.default is None else f"`{_toml(option.default)}`"
        flags = ", ".join(f"`{flag}`" for flag in option.flags)
        lines += [
            "",
            f"### {option.key}",
            "",
            option.help,
            "",
            f"- Default: {default}. Takes {option.expected}.",
            f"- `{option.variable}`; {flags}",
        ]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
