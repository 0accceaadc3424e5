"""Installs the Godot engine for the tests, into a folder of its own.

    python tests/engines/install_godot.py [FOLDER]      (default: .tools/godot)

Makes FOLDER/bin/godot (4.6, with software OpenGL) and FOLDER/bin/Xvfb, about 550 MB; downloads
170 MB from the Debian mirror that this machine's apt already uses. Nothing outside FOLDER is
touched and no root is needed: the packages are of a newer Debian than most machines have, so
they are unpacked, not installed, and run with their own C library. Run again, it does nothing;
interrupted, it goes on where it was.

Elsewhere than on Debian (amd64), install Godot 4.6 by hand and set GODOT to the program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

SUITES = ("forky", "sid")
PACKAGES = ("godot", "libgl1", "libglx-mesa0", "libgl1-mesa-dri", "libegl1", "dash", "xvfb")
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
NOT_UNPACKED = ("doc", "man", "locale", "lintian", "bug")

GODOT_LAUNCHER = """\
#!/bin/sh
# The engine with the C library it was built for. It needs a HOME that it can write to.
prefix=$(dirname "$(dirname "$(readlink -f "$0")")")
lib=$prefix/sysroot/usr/lib/x86_64-linux-gnu
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH="$prefix/sysroot/etc/fonts"
export LIBGL_DRIVERS_PATH="$lib/dri"
export __EGL_VENDOR_LIBRARY_DIRS="$prefix/sysroot/usr/share/glvnd/egl_vendor.d"
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/pulseaudio" --argv0 godot \\
    "$prefix/sysroot/usr/bin/godot" "$@"
"""
XVFB_LAUNCHER = """\
#!/bin/sh
# Xvfb runs its keymap compiler by a relative path (see install_godot.py), hence the cd.
prefix=$(dirname "$(dirname "$(readlink -f "$0")")")
lib=$prefix/sysroot/usr/lib/x86_64-linux-gnu
export LIBGL_DRIVERS_PATH="$lib/dri"
cd "$prefix" || exit 1
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" --argv0 Xvfb \\
    "$prefix/sysroot/usr/bin/Xvfb" "$@" -xkbdir "$prefix/sysroot/usr/share/X11/xkb"
"""
XKBCOMP_LAUNCHER = """\
#!/bin/sh
prefix=$(dirname "$(dirname "$(readlink -f "$0")")")
lib=$prefix/sysroot/usr/lib/x86_64-linux-gnu
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$prefix/sysroot/usr/bin/xkbcomp" "$@"
"""


def main() -> None:
    """Install, unless it is there already."""
    checkout = Path(__file__).resolve().parents[2]
    prefix = Path(sys.argv[1] if len(sys.argv) > 1 else checkout / ".tools" / "godot").resolve()
    done = prefix / ".complete"
    if done.exists() and version(prefix):
        print(f"Godot {version(prefix)} is in {prefix}.")
        return
    check_machine()
    done.unlink(missing_ok=True)
    archives = download(prefix, find_mirror())
    unpack(prefix, archives)
    write_launchers(prefix)
    found = version(prefix)
    if not found:
        fail(f"{prefix}/bin/godot does not start; run it by hand to see why")
    done.touch()
    shutil.rmtree(prefix / "apt")
    print(f"Godot {found} is in {prefix}.")


def check_machine() -> None:
    """Refuse early, and say what to do instead."""
    for program in ("apt-get", "dpkg", "dpkg-deb", "tar"):
        if shutil.which(program) is None:
            fail(f"this needs Debian's {program}; install Godot 4.6 by hand and set GODOT")
    architecture = run("dpkg", "--print-architecture").strip()
    if architecture != "amd64":
        fail(f"this is for amd64, not {architecture}; install Godot 4.6 by hand and set GODOT")


def find_mirror() -> str:
    """The Debian mirror of this machine's apt, or DEBIAN_MIRROR."""
    mirror = os.environ.get("DEBIAN_MIRROR", "")
    for line in run("apt-get", "indextargets", "--format", "$(REPO_URI)").splitlines():
        if not mirror and line.rstrip("/").endswith("/debian"):
            mirror = line
    if not mirror:
        fail("apt has no Debian mirror; set DEBIAN_MIRROR to the address of one")
    return mirror


def download(prefix: Path, mirror: str) -> list[Path]:
    """The packages and all they need, by apt with a state of its own."""
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is None:
        fail("Debian's keys are missing; install the package debian-archive-keyring")
    apt = prefix / "apt"
    (apt / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (apt / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()  # nothing is installed: everything is downloaded
    options = {
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": apt,
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::State::extended_states": apt / "extended_states",
        "Dir::Cache": apt / "cache",
        "Dir::Log": apt,
        "Debug::NoLocking": 1,
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": 0,
        "APT::Architecture": "amd64",
        "APT::Architectures::": "amd64",
        "Acquire::Retries": 5,
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
    }
    command = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    problems = []
    archives: list[Path] = []
    for suite in SUITES:
        source = f"deb [arch=amd64 signed-by={keyring}] {mirror} {suite} main\n"
        (apt / "sources.list").write_text(source)
        for step in (["update"], ["-y", "--download-only", "install", *PACKAGES]):
            print(f"Downloading from {suite}: apt-get {' '.join(step)}", flush=True)
            result = subprocess.run([*command, *step], capture_output=True, text=True, check=False)
            if result.returncode:
                problems.append(f"{suite}: {result.stderr.strip()}")
                break
        else:
            archives = sorted((apt / "cache" / "archives").glob("*.deb"))
            break
    if not archives:
        fail("apt could not download Godot; run this again to go on.\n" + "\n".join(problems))
    return archives


def unpack(prefix: Path, archives: list[Path]) -> None:
    """A file system tree in `prefix`/sysroot, made anew."""
    root = prefix / "sysroot"
    shutil.rmtree(root, ignore_errors=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    skip = [f"--exclude=./usr/share/{name}*" for name in NOT_UNPACKED]
    tar = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root), *skip]
    print(f"Unpacking {len(archives)} packages", flush=True)
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=-1) as reader:
            if subprocess.run(tar, stdin=reader.stdout, check=False).returncode:
                fail(f"{archive.name} cannot be unpacked; delete {prefix} and run this again")


def write_launchers(prefix: Path) -> None:
    """The programs to start. Xvfb has the absolute path of its keymap compiler's folder built
    in; a relative one of the same length takes its place, so that the folder can be ours."""
    server = prefix / "sysroot" / "usr" / "bin" / "Xvfb"
    program = server.read_bytes()
    if b"\0/usr/bin\0" not in program and b"\0./xkbbin\0" not in program:
        fail("this Xvfb looks for its keymap compiler in an unexpected way")
    server.write_bytes(program.replace(b"\0/usr/bin\0", b"\0./xkbbin\0"))
    for name, text in (
        ("bin/godot", GODOT_LAUNCHER),
        ("bin/Xvfb", XVFB_LAUNCHER),
        ("xkbbin/xkbcomp", XKBCOMP_LAUNCHER),
    ):
        launcher = prefix / name
        launcher.parent.mkdir(exist_ok=True)
        launcher.write_text(text)
        launcher.chmod(0o755)


def version(prefix: Path) -> str:
    """What the installed engine says it is; "" if it does not start."""
    home = prefix / "home"
    home.mkdir(parents=True, exist_ok=True)
    try:
        result = subprocess.run(
            [prefix / "bin" / "godot", "--headless", "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "HOME": str(home)},
        )
    except OSError:
        return ""
    return "" if result.returncode else result.stdout.strip()


def run(*command: str) -> str:
    """The output of a command that must succeed."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        fail(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def fail(problem: str) -> NoReturn:
    """Say what is wrong, and stop."""
    sys.exit(f"install_godot: {problem}")


if __name__ == "__main__":
    main()
