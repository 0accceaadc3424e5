"""Images to take the place of python, redis and caddy where no registry can be reached.

    python -m tests.containers.stand_ins                (`make image STAND_INS=1` calls it)

Debian's packages by debootstrap, which wants root and Debian or its kin; those images that Docker
has already are left alone. They have what the real ones promise: the names, users and folders
that deploy/ relies on. The machine's own certificates go with them, for networks that need them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.engines.install_godot import find_mirror

from .docker import DEPLOY

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
PYTHON = ("trixie", "python3", "python3-venv", "python-is-python3")  # which is 3.13
SERVICES = ("bookworm", "redis-server", "caddy", "wget")  # which are 7 and 2

_REDIS = ["RUN mkdir /data && chown redis:redis /data", "VOLUME /data", "WORKDIR /data"]
_CADDY = [
    "ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data",
    'CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]',
]
IMAGES = {
    "python:3.13-slim": (PYTHON, []),
    "redis:7-alpine": (SERVICES, _REDIS),
    "caddy:2-alpine": (SERVICES, _CADDY),
    "debian:bookworm-slim": (SERVICES, []),  # for the tests of the unit
}


def main() -> int:
    """The exit code: 0 if all are there now."""
    named = set(re.findall(r"image: (\S+:\S+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    assert named <= set(IMAGES), f"no stand-in for {named - set(IMAGES)}"
    made: set[tuple[str, ...]] = set()
    for name, (packages, lines) in IMAGES.items():
        if _docker("image", "inspect", name, check=False) == 0:
            continue
        base = f"stand-in:{packages[0]}"
        if packages not in made:
            made.add(packages)
            _make_base(base, *packages)
        print(f"Making {name} ...", flush=True)
        text = "\n".join([f"FROM {base}", *lines])
        _docker("build", "--quiet", "--tag", name, "-", given=text)
    return 0


def _make_base(name: str, suite: str, *packages: str) -> None:
    print(f"Making a Debian {suite} with {', '.join(packages)} ...", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        wanted = ",".join(["ca-certificates", "netbase", "tzdata", *packages])
        packaged = f"--include={wanted}"
        _run("debootstrap", "--variant=minbase", packaged, suite, str(root), find_mirror())
        if BUNDLE.exists():
            (root / BUNDLE.relative_to("/")).write_bytes(BUNDLE.read_bytes())
            (root / "etc/pip.conf").write_text(f"[global]\ncert = {BUNDLE}\n")
        # As the real ones do, so that no caches of packages count in the size.
        (root / "etc/apt/apt.conf.d/clean").write_text(
            'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nDir::Cache::archives "";\n'
        )
        archive = Path(folder) / "root.tar"
        leave = [f"--exclude=./var/{each}/*" for each in ("cache/apt", "lib/apt/lists")]
        _run("tar", "--create", "--directory", str(root), "--file", str(archive), *leave, ".")
        _docker("import", str(archive), name)


def _docker(*arguments: str, given: str = "", check: bool = True) -> int:
    return _run("docker", *arguments, given=given, check=check)


def _run(*command: str, given: str = "", check: bool = True) -> int:
    done = subprocess.run(
        command, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    if check and done.returncode:
        sys.exit(f"stand_ins: {' '.join(command)}\n{done.stdout[-2000:]}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
