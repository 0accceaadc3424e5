"""A source is found in its file, or named as it is."""

from __future__ import annotations

from dialogue_server.domain.sources import Place, Sources


def test_a_source_is_found_in_its_file_or_named_as_it_is() -> None:
    sources = Sources({"personas/mira.toml": 'id = "mira"\n\n[[knowledge]]\ntext = "Wet."\n'})
    source = "personas/mira.toml:knowledge[0]"
    assert sources.place(source) == Place("personas/mira.toml", 3, "knowledge[0]")
    assert str(sources.place(source)) == "personas/mira.toml:3 knowledge[0]"
    assert str(sources.place("world.toml:lore[0]")) == "world.toml lore[0]"
    assert str(sources.place("rules")) == "rules"
    assert sources.line("personas/mira.toml", "id") == 1
    assert sources.line("nowhere.toml", "id") == 0
