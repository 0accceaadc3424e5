"""The settings' table, and the reference that is generated from it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dialogue_server.settings import Settings
from dialogue_server.settings_table import options, render_reference, section_types

REFERENCE = Path(__file__).parents[1] / "docs" / "settings.md"


def test_every_setting_has_a_default_and_one_line_of_help():
    for option in options():
        assert option.help.endswith("."), option.key
        assert "\n" not in option.help, option.key
        assert msgspec.convert(option.default, type=option.type) == option.default, option.key


def test_names_variables_and_flags_are_unique():
    table = list(options())
    assert len({o.key for o in table}) == len(table)
    assert len({o.variable for o in table}) == len(table)
    flags = [flag for o in table for flag in o.flags]
    assert len(set(flags)) == len(flags)


def test_every_field_of_every_section_is_an_option():
    fields = {
        f"{section}.{name}"
        for section, struct in section_types().items()
        for name in struct.__struct_fields__
    }
    assert {o.key for o in options()} == fields


def test_sections_are_those_of_the_settings_struct():
    assert tuple(section_types()) == Settings.__struct_fields__


def test_a_key_gives_its_variable_and_its_flags():
    port = next(o for o in options() if o.key == "server.port")
    assert port.variable == "DIALOGUE_SERVER_PORT"
    assert port.flags == ("--port", "--server-port")
    depth = next(o for o in options() if o.key == "limits.state_depth")
    assert depth.flags == ("--limits-state-depth",)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("server.port", "an integer from 0 to 65535"),
        ("server.log_format", "one of auto, json, console"),
        ("server.host", "text"),
        ("server.shutdown_grace", "a number, at least 0 (seconds)"),
        ("model.gap_timeout", "a number above 0 (seconds)"),
        ("model.temperature", "a number from 0 to 2"),
        ("limits.message_bytes", "an integer, at least 1024 (bytes)"),
    ],
)
def test_what_a_setting_takes_is_said_in_words(key: str, expected: str):
    assert next(o for o in options() if o.key == key).expected == expected


def test_every_setting_stands_in_the_reference_with_its_variable_and_flag():
    text = render_reference()
    for option in options():
        assert f"### {option.key}\n" in text
        assert f"`{option.variable}`" in text
        assert all(f"`{flag}`" in text for flag in option.flags)


def test_the_reference_in_the_docs_is_fresh():
    assert REFERENCE.read_text(encoding="utf-8") == render_reference(), (
        "docs/settings.md is stale: run `dialogue-server settings --markdown > docs/settings.md`"
    )
