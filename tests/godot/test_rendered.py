"""The demo on a real screen (a virtual one, drawn in software): the text grows, and is seen."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.godot.engine import INSTALL, Engine, find_xvfb
from tests.godot.server_process import ServerProcess

SAVED = re.compile(r"SAVED (\w+) OK revealed=(\d+) box=(-?\d+),(-?\d+),(\d+),(\d+)")


def test_the_demo_is_played_by_key_presses_and_its_text_grows(
    engine: Engine, server: ServerProcess, screen: str, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("GODOT_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    run = engine.run(
        *("--rendering-method", "gl_compatibility", "--rendering-driver", "opengl3"),
        *("--audio-driver", "Dummy", "--resolution", "1280x720", "res://tests/pictures.tscn"),
        *("--", f"url={server.url}", f"folder={folder}"),
        seconds=90,
        headless=False,
        environment={"DISPLAY": screen, "LIBGL_ALWAYS_SOFTWARE": "1"},
    )
    assert run.code == 0, run.text + server.log
    assert "SCRIPT ERROR" not in run.text, run.text
    assert not re.search(r"^ERROR:", run.text, re.MULTILINE), run.text
    said = dict(line.split(" ", 1) for line in run.beginning("SAID"))
    assert "straw" in said["tove"]
    assert "wind" in said["jory_before"], "the quest is under way, and he hides it"
    assert "heron" in said["jory_after"], "the lamp is lit, and he confesses"
    saved = [match for line in run.lines if (match := SAVED.fullmatch(line))]
    pictures = {match[1]: Picture(folder / f"{match[1]}.png") for match in saved}
    ink = []
    for match in saved:
        if match[1].startswith("reveal"):
            left, top, width, height = (int(number) for number in match.groups()[2:])
            ink.append(pictures[match[1]].dark(left, top, width, height))
    assert 100 < ink[0] < ink[1] < ink[2], f"dark pixels in the label: {ink}"
    lit = pictures["lamp_lit"].brightness(1110, 226, 20, 24)
    dark = pictures["with_glass"].brightness(1110, 226, 20, 24)
    assert lit > dark + 60, f"the lamp's glass: {dark} before, {lit} after"


class Picture:
    """A PNG as the engine saves it: 8 bits, RGB or RGBA, not interlaced."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        packed, at = b"", 8
        while at < len(data):
            (size,) = struct.unpack_from(">I", data, at)
            kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
            if kind == b"IHDR":
                self.width, self.height, bits, colour = struct.unpack_from(">IIBB", body)
                assert bits == 8
                self.channels = {2: 3, 6: 4}[colour]
            elif kind == b"IDAT":
                packed += body
            at += size + 12
        self.rows = self._unfilter(zlib.decompress(packed))

    def dark(self, left: int, top: int, width: int, height: int) -> int:
        """How many pixels of a rectangle are as dark as ink."""
        return sum(value < 110 for value in self._greys(left, top, width, height))

    def brightness(self, left: int, top: int, width: int, height: int) -> float:
        """The mean grey of a rectangle, 0 to 255."""
        greys = self._greys(left, top, width, height)
        return sum(greys) / len(greys)

    def _greys(self, left: int, top: int, width: int, height: int) -> list[float]:
        n = self.channels
        return [
            sum(row[x * n : x * n + 3]) / 3
            for row in self.rows[top : top + height]
            for x in range(left, left + width)
        ]

    def _unfilter(self, raw: bytes) -> list[bytearray]:
        n, stride = self.channels, self.width * self.channels
        rows: list[bytearray] = []
        above = bytearray(stride)
        for number in range(self.height):
            start = number * (stride + 1)
            kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
            for i in range(stride if kind else 0):
                a = line[i - n] if i >= n else 0
                b, c = above[i], above[i - n] if i >= n else 0
                line[i] = (line[i] + _predict(kind, a, b, c)) & 0xFF
            rows.append(line)
            above = line
        return rows


def _predict(kind: int, a: int, b: int, c: int) -> int:
    """The PNG filters (W3C PNG, 9.2)."""
    if kind == 4:
        p = a + b - c
        return min((a, b, c), key=lambda value: abs(p - value))
    return (0, a, b, (a + b) // 2)[kind]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[str]:
    """A virtual screen's name. Without a program for it: skipped here, failed in CI."""
    program = find_xvfb()
    if program is None:
        reason = f"there is no Xvfb; `{INSTALL}` installs one for the tests"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    reader, writer = os.pipe()
    command = [str(program), "-displayfd", str(writer), "-screen", "0", "1280x720x24"]
    command += ["-nolisten", "tcp"]
    with (tmp_path / "xvfb.log").open("wb") as log:
        process = subprocess.Popen(command, pass_fds=[writer], stdout=log, stderr=log)
    os.close(writer)
    try:
        with os.fdopen(reader) as answer:
            number = answer.readline().strip()
        assert number, (tmp_path / "xvfb.log").read_text(errors="replace")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(timeout=10)
