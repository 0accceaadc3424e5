"""Install what compiles and runs the Unity client's C# in tests, into .tools/dotnet.

    python tests/engines/install_dotnet.py

A C# 9 compiler (Roslyn 3.10) and NUnit come out of two npm packages, the .NET Core 3.1 runtime
and the OpenSSL 1.1 that it needs out of two wheels, Mono out of the distribution's packages:
the registries configured for pip, npm and apt on this machine serve all of them. Every file but
apt's, which checks its own signatures, is checked against a hash below. Nothing outside the
checkout changes; a second run does nothing.

Linux on x86-64 with glibc. Elsewhere install the .NET SDK: tests/unity uses a `dotnet` on the
PATH that has one, and a `mono` on the PATH.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = ROOT / ".tools" / "dotnet"

COMPILER = (
    "@autorest/csharp@3.0.0-beta.20210901.1",
    "aee61e165c17b1d3f6310a6cc8bbdda0b1f6732d636bba6b8afdb25b69ed6589",
)
NUNIT = (
    "@autorest/csharp@3.0.0-beta.20251203.1",
    "d080d8f02bde85d4fda72758dc8072b5187e246319ba65c5c6eea518ff4621fc",
)
WHEELS = {
    "dotnetcore2==3.1.23": "5f076ddc39da0c685e7de20ecb91ee81185928918ec86fbeb3bffc55dd867ab5",
    "psycopg2-binary==2.9.5": "bcda1c84a1c533c528356da5490d464a139b6e84eb77cc0b432e38c5c6dd7882",
}
WHEEL_TAGS = [
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"),
    *("--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64"),
    *("--platform", "manylinux1_x86_64"),
]
# Only to compile the compiler's command line with the compiler itself; removed afterwards.
BRIDGE = """
pythonnet==3.2.1 --hash=sha256:dd5668b74b0c903d9a24e1ba86f728fc490f8e919d56b3c24bf06739b9ee2b7f
clr-loader==0.3.1 --hash=sha256:cbad189de20d202a7d621956b0fc38049e13c9bf7ca2923441eff725cd121aa1
pycparser==3.12 --hash=sha256:a076f3f489b39b43ed13563a1dafe42447445bec2e294154ec5c57fcdda4c85e
cffi==2.1.1 \
 --hash=sha256:34e261f78cb6ceaaa36f42f2613f4380d94d9c759a9c73c769ee6e0247364632 \
 --hash=sha256:c1453022f490d2459a11819d83ad1d586e9ff65a12ac3e705ffebd46d3685dcf \
 --hash=sha256:a931079504ecc49efed7744c476a5c343a92fabf66dec2db95edb1b2fdc770e2 \
 --hash=sha256:b0431303acaea1089ad4b3e9ce4e6518193def1118d4073ca848635ee4ea2e96
"""
ROSLYN = [
    "Microsoft.CodeAnalysis.dll",
    "Microsoft.CodeAnalysis.CSharp.dll",
    "System.Collections.Immutable.dll",
    "System.Reflection.Metadata.dll",
    "System.Runtime.CompilerServices.Unsafe.dll",
]
MONO = [
    *("mono-runtime-sgen", "mono-runtime-common", "libmono-corlib4.5-dll", "libmono-system4.0-cil"),
    *("libmono-system-core4.0-cil", "libmono-system-numerics4.0-cil", "libmono-security4.0-cil"),
    *("libmono-system-configuration4.0-cil", "libmono-system-security4.0-cil"),
    *("libmono-system-runtime-serialization4.0-cil", "libmono-system-xml4.0-cil"),
    *("libmono-system-servicemodel-internals0.0-cil", "libmono-system-xml-linq4.0-cil"),
    *("libmono-system-net-http4.0-cil", "libmono-system-io-compression4.0-cil"),
]
MONO_FACADES = "mono-devel"


class InstallError(Exception):
    """What is missing, and what to do about it."""


def main() -> int:
    stamp = TARGET / "stamp"
    if stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint():
        print(f"{TARGET} is up to date.")
        return 0
    try:
        check_machine()
        with tempfile.TemporaryDirectory() as scratch:
            staging = TARGET.with_name("dotnet.new")
            shutil.rmtree(staging, ignore_errors=True)
            install(staging, Path(scratch))
            shutil.rmtree(TARGET, ignore_errors=True)
            staging.rename(TARGET)
    except InstallError as error:
        print(f"install_dotnet: {error}", file=sys.stderr)
        return 1
    stamp.write_text(fingerprint(), encoding="ascii")
    print(f"Installed the C# compiler, .NET Core, Mono and NUnit into {TARGET}.")
    return 0


def fingerprint() -> str:
    """Changes when this script or the compiler's command line does."""
    digest = hashlib.sha256()
    for path in (Path(__file__), *sorted((HERE / "dotnet").glob("*.*"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_machine() -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64" or not platform.libc_ver()[0]:
        raise InstallError(
            "only for Linux on x86-64 with glibc. Install the .NET SDK instead and put `dotnet` "
            "on the PATH; the tests use it."
        )
    for tool, package in (("npm", "npm"), ("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if shutil.which(tool) is None:
            raise InstallError(f"{tool} is needed; install the package {package}.")


def install(target: Path, scratch: Path) -> None:
    print("Fetching the .NET Core runtime ...")
    for wheel in wheels(scratch):
        with zipfile.ZipFile(wheel) as archive:
            if wheel.name.startswith("dotnetcore2"):
                unpack_runtime(archive, target / "runtime")
            else:
                unpack_openssl(archive, target / "openssl")
    print("Fetching the C# compiler and NUnit ...")
    for package, members, folder in (
        (COMPILER, ROSLYN, "roslyn"),
        (NUNIT, ["nunit.framework.dll"], "nunit"),
    ):
        with tarfile.open(npm_pack(package, scratch)) as archive:
            (target / folder).mkdir(parents=True)
            for member in members:
                content = archive.extractfile(f"package/{member}")
                assert content is not None
                (target / folder / member).write_bytes(content.read())
    build_driver(target, scratch)
    print("Fetching Mono ...")
    unpack_mono(target / "mono", scratch)


def wheels(scratch: Path) -> list[Path]:
    lines = [f"{name} --hash=sha256:{digest}" for name, digest in WHEELS.items()]
    wanted = scratch / "wheels.txt"
    wanted.write_text("\n".join(lines), encoding="ascii")
    folder = scratch / "wheels"
    pip(
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        *WHEEL_TAGS,
        "-d",
        folder,
        "-r",
        wanted,
    )
    return sorted(folder.glob("*.whl"))


def unpack_runtime(archive: zipfile.ZipFile, target: Path) -> None:
    for name in archive.namelist():
        inside = name.removeprefix("dotnetcore2/bin/")
        if inside != name and not name.endswith("/"):
            path = target / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
    (target / "dotnet").chmod(0o755)


def unpack_openssl(archive: zipfile.ZipFile, target: Path) -> None:
    """libssl finds libcrypto by the name that the wheel gave it; the runtime asks for 1.1."""
    target.mkdir(parents=True)
    for name in archive.namelist():
        base = Path(name).name
        if base.startswith(("libssl-", "libcrypto-")):
            (target / base).write_bytes(archive.read(name))
            if base.startswith("libssl-"):
                (target / "libssl.so.1.1").symlink_to(base)


def npm_pack(package: tuple[str, str], scratch: Path) -> Path:
    name, digest = package
    folder = scratch / digest[:8]
    folder.mkdir()
    run("npm", "pack", "--silent", name, cwd=folder)
    (tarball,) = folder.glob("*.tgz")
    found = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if found != digest:
        raise InstallError(f"{name}: expected the hash {digest}, got {found}. Do not use it.")
    return tarball


def build_driver(target: Path, scratch: Path) -> None:
    bridge = scratch / "bridge"
    wanted = scratch / "bridge.txt"
    wanted.write_text(BRIDGE, encoding="ascii")
    pip(
        "install",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--target",
        bridge,
        "-r",
        wanted,
    )
    for name in ("csc.runtimeconfig.json", "csc.deps.json"):
        shutil.copy(HERE / "dotnet" / name, target / "roslyn" / name)
    environment = {
        **os.environ,
        "PYTHONPATH": str(bridge),
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
        "LD_LIBRARY_PATH": str(target / "openssl"),
    }
    script = HERE / "dotnet" / "bootstrap.py"
    run(sys.executable, script, target / "runtime", target / "roslyn", env=environment)


def unpack_mono(target: Path, scratch: Path) -> None:
    folder = scratch / "mono"
    folder.mkdir(mode=0o755)
    scratch.chmod(0o755)
    try:
        run("apt-get", "download", "-qq", *MONO, MONO_FACADES, cwd=folder)
    except InstallError as error:
        raise InstallError(
            f"{error}\nIf apt-get finds no package, run `apt-get update` once."
        ) from None
    for package in sorted(folder.glob("*.deb")):
        unpacked = folder / "development" if package.name.startswith(MONO_FACADES) else target
        run("dpkg-deb", "--extract", package, unpacked)
    facades = "usr/lib/mono/4.5/Facades"
    shutil.copytree(folder / "development" / facades, target / facades)


def pip(command: str, *arguments: str | Path) -> None:
    run(sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments)


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise InstallError(f"`{' '.join(str(part) for part in command[:4])} ...` failed:\n{said}")


if __name__ == "__main__":
    sys.exit(main())
