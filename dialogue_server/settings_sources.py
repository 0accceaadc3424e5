"""Reads the settings: defaults < dialogue.toml < environment < command line.

Every error names its source (file and key, variable, or flag), what was expected there, and
for an unknown name the nearest one that exists.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .errors import SettingsError
from .settings import MEMORY, Settings
from .settings_table import Option, options, section_types

FILE_NAME = "dialogue.toml"
PREFIX = "DIALOGUE_"
CONFIG_VARIABLE = "DIALOGUE_CONFIG"
_KEY_VARIABLES = {
    "model.key_env": "DIALOGUE_MODEL_KEY_ENV",
    "access.key_env": "DIALOGUE_ACCESS_KEY_ENV",
}
_KEPT_OUT = {
    "model": {"key", "api_key", "token"},
    "access": {"key", "keys", "secret", "token"},
}
_NOT_SETTINGS = {CONFIG_VARIABLE, "DIALOGUE_MODEL_FILE"}  # the second is weights.VARIABLE

# Kubernetes writes variables of this form for a service called "dialogue" or "dialogue-server"
# into every pod beside it (enableServiceLinks); they are nobody's settings.
_SERVICE_LINK = re.compile(r"(_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


class Loaded(msgspec.Struct, frozen=True):
    """The settings in force. `origins` says by dotted key where a value came from, for those
    that are not defaults; `file` is the settings file that was read, if any."""

    settings: Settings
    origins: dict[str, str]
    file: Path | None


def load(
    *,
    folder: Path | None = None,
    config: Path | None = None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
) -> Loaded:
    """Read all sources.

    `folder` is the world's folder as given on the command line, `flags` the flags that were
    given, by dotted key. Raises SettingsError.
    """
    table = {option.key: option for option in options()}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    flags = flags or {}

    def put(option: Option, value: Any, origin: str, base: Path, strict: bool) -> None:
        values[option.key] = _resolve(option, _convert(option, value, origin, strict), base)
        origins[option.key] = origin

    file = _settings_file(folder, config, environ, flags)
    if file is not None:
        for key, value in _read_file(file, table).items():
            put(table[key], value, f"{file}: {key}", file.parent, True)
    for variable, value in _read_environment(
        environ, table, _key_variables(values, environ, flags)
    ):
        option = next(o for o in table.values() if o.variable == variable)
        put(option, value, variable, Path(), False)
    for key, value in flags.items():
        put(table[key], value, table[key].flags[0], Path(), False)
    for key in _KEY_VARIABLES:
        if not re.fullmatch(r"([A-Za-z_]\w*)?", str(values.get(key, "")), re.ASCII):
            raise SettingsError(
                f"{origins[key]}: names the environment variable that holds the key, such as "
                "MY_API_KEY, and what stands there is no such name; a key itself belongs into "
                "that variable"
            )
    if folder is not None:
        put(table["content.folder"], str(folder), "DIR", Path(), False)
    world = Path(values.get("content.folder", table["content.folder"].default))
    values.setdefault("store.path", str(world / table["store.path"].default))

    tree: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        tree.setdefault(table[key].section, {})[table[key].name] = value
    settings = msgspec.convert(tree, Settings)
    return Loaded(settings=settings, origins=origins, file=file)


def _settings_file(
    folder: Path | None, config: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> Path | None:
    """The file to read: the one asked for, which must exist, or the world folder's."""
    asked, origin = config, "--config"
    if asked is None and environ.get(CONFIG_VARIABLE):
        asked, origin = Path(environ[CONFIG_VARIABLE]), CONFIG_VARIABLE
    if asked is not None:
        if not asked.is_file():
            raise SettingsError(f"{origin}: there is no file {asked}")
        return asked
    world = folder or flags.get("content.folder") or environ.get("DIALOGUE_CONTENT_FOLDER") or "."
    beside = Path(world) / FILE_NAME
    return beside if beside.is_file() else None


def _read_file(file: Path, table: Mapping[str, Option]) -> dict[str, Any]:
    """The file's values by dotted key, every name checked."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: is not UTF-8 text; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: is not valid TOML: {error}") from error
    values: dict[str, Any] = {}
    sections = list(section_types())
    for section, entries in data.items():
        if section not in sections:
            raise SettingsError(f"{file}: unknown section [{section}]{_nearest(section, sections)}")
        if not isinstance(entries, dict):
            raise SettingsError(f"{file}: {section}: expected a table, written [{section}]")
        for name, value in entries.items():
            key = f"{section}.{name}"
            if section in _KEPT_OUT and name in _KEPT_OUT[section]:
                raise SettingsError(
                    f"{file}: {key}: a key does not belong into a file that gets shared; put it "
                    f"into an environment variable and name that with {section}.key_env"
                )
            if key not in table:
                names = [o.name for o in table.values() if o.section == section]
                raise SettingsError(f"{file}: unknown setting {key}{_nearest(name, names)}")
            values[key] = value
    return values


def _key_variables(
    values: Mapping[str, Any], environ: Mapping[str, str], flags: Mapping[str, Any]
) -> set[str]:
    """The variables that hold keys, which are then no settings to check."""
    return {
        str(flags.get(key) or environ.get(variable) or values.get(key, ""))
        for key, variable in _KEY_VARIABLES.items()
    }


def _read_environment(
    environ: Mapping[str, str], table: Mapping[str, Option], key_variables: set[str]
) -> list[tuple[str, str]]:
    """The variables that are settings. An empty one counts as unset."""
    known = [option.variable for option in table.values()]
    found = []
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS | key_variables:
            continue
        if _SERVICE_LINK.search(variable) or _SERVICE_ADDRESS.match(value):
            continue
        if variable not in known:
            raise SettingsError(
                f"unknown environment variable {variable}{_nearest(variable, known)}; "
                "every variable that begins with DIALOGUE_ must be a setting"
            )
        if value:
            found.append((variable, value))
    return found


def _convert(option: Option, value: Any, origin: str, strict: bool) -> Any:
    try:
        return msgspec.convert(value, type=option.type, strict=strict)
    except msgspec.ValidationError as error:
        near = _nearest(str(value), option.choices) if option.choices else ""
        raise SettingsError(
            f"{origin}: expected {option.expected}, found {_shown(value)}{near}"
        ) from error


def _resolve(option: Option, value: Any, base: Path) -> Any:
    """A path made relative to the file or folder that it was written in."""
    if not option.path or not value or value == MEMORY or "://" in value:
        return value
    if option.key == "local.model" and not _names_a_file(value, base):
        return value
    return str(base / Path(value).expanduser())


def _names_a_file(value: str, base: Path) -> bool:
    """Whether it is a path, and not the name of a model, which may end in .gguf as well."""
    return "/" in value or "\\" in value or (base / value).is_file()


def _nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """`, did you mean X?`, or the list where nothing is near."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f", did you mean {close[0]}?"
    return f"; there are: {', '.join(known)}" if len(known) <= 16 else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
