"""Fetches the services that the tests run for real, Redis, nginx and Caddy: `make test` calls this.

    python tests/services/install_services.py      (into .tools/services)

Those of the system serve, where they are on the PATH. Else Debian's packages are unpacked into a
folder of our own: no root is needed, and nothing is installed or started outside of a test.
Elsewhere than on Debian and its kin, install `redis` (or `valkey`), `nginx` and `caddy` by hand.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / ".tools" / "services"
PACKAGES = {
    "redis-server": ("redis-tools", "libjemalloc2", "liblzf1", "libatomic1", "libsystemd0"),
    "caddy": ("caddy",),
    "nginx": ("nginx", "libpcre2-8-0", "libcrypt1", "zlib1g"),
}
"""The packages that hold a program, and what it needs that a small system may lack."""
OTHER_NAMES = {"redis-server": ("valkey-server",)}
PLACES = ("usr/bin", "usr/sbin")
_LAUNCHER = """\
#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
libraries=$(find "$root/usr/lib" "$root/lib" -maxdepth 1 -type d 2>/dev/null | tr '\\n' ':')
LD_LIBRARY_PATH="$libraries$LD_LIBRARY_PATH" exec "$root/{program}" "$@"
"""


def find(name: str) -> str | None:
    """The path of a service's program; None if it is not there."""
    for each in (name, *OTHER_NAMES.get(name, ())):
        found = shutil.which(each) or shutil.which(each, path="/usr/sbin:/usr/local/sbin")
        if found:
            return found
    ours = TARGET / "bin" / name
    return str(ours) if ours.exists() else None


def install(name: str) -> None:
    """Unpack a program, and a launcher that finds its libraries. Raises OSError or
    CalledProcessError."""
    folder = TARGET / "packages" / name
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    print(f"Fetching {name} ...", flush=True)
    _run("apt-get", "download", "-qq", *PACKAGES[name], cwd=folder)
    for package in sorted(folder.glob("*.deb")):
        _run("dpkg-deb", "--extract", str(package), str(TARGET))
    # Debian's redis-server is a link to a program of redis-tools, in a package of its own.
    names = ("redis-check-rdb", name) if name == "redis-server" else (name,)
    program = next(
        f"{place}/{each}" for each in names for place in PLACES if (TARGET / place / each).exists()
    )
    if Path(program).name != name:
        link = TARGET / Path(program).parent / name
        link.unlink(missing_ok=True)
        link.symlink_to(Path(program).name)
        program = f"{Path(program).parent}/{name}"
    launcher = TARGET / "bin" / name
    launcher.parent.mkdir(exist_ok=True)
    launcher.write_text(_LAUNCHER.format(program=program))
    launcher.chmod(0o755)
    shutil.rmtree(folder)


def main() -> int:
    """The exit code: 0 if all services are there now."""
    missing = [name for name in PACKAGES if find(name) is None]
    if not missing:
        return 0
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        print(f"install_services: install {' and '.join(missing)} by hand.", file=sys.stderr)
        return 1
    try:
        for name in missing:
            install(name)
            _run(find(name) or name, "version" if name == "caddy" else "-v")
    except (OSError, StopIteration, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or error
        print(f"install_services: {said}\nTry `apt-get update` once.", file=sys.stderr)
        return 1
    return 0


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
