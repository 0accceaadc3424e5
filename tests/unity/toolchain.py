"""Compiles C# and runs it, with what tests/engines/install_dotnet.py installed or an SDK's tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools" / "dotnet"
INSTALL = "python tests/engines/install_dotnet.py"


@dataclass(frozen=True)
class Runtime:
    """Something that runs an assembly, and the assemblies to compile against for it."""

    name: str
    command: tuple[str, ...]
    references: tuple[Path, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Assembly:
    """One compilation. `references` are other assemblies of the same build or files."""

    name: str
    sources: tuple[Path, ...]
    references: tuple[Assembly | Path, ...] = ()
    defines: tuple[str, ...] = ()
    executable: bool = False
    options: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        return self.name + (".exe" if self.executable else ".dll")


@dataclass
class Toolchain:
    """The compiler and the runtimes of this machine."""

    compiler: tuple[str, ...]
    environment: dict[str, str]
    runtimes: dict[str, Runtime]
    nunit: Path
    batches: int = field(default=0, init=False)

    def compile(self, runtime: Runtime, assemblies: list[Assembly], folder: Path) -> str:
        """Compile in order into `folder`. Returns the diagnostics, "" if there are none."""
        return self.compile_all(runtime, {folder: assemblies})

    def compile_all(self, runtime: Runtime, builds: dict[Path, list[Assembly]]) -> str:
        """Several builds at once, each into its folder: the compiler starts only once."""
        responses = []
        for folder, assemblies in builds.items():
            folder.mkdir(parents=True, exist_ok=True)
            for assembly in assemblies:
                response = folder / f"{assembly.name}.rsp"
                options = "\n".join(_options(runtime, assembly, folder))
                response.write_text(options, encoding="utf-8")
                responses.append(str(response))
        return self.run_compiler(responses, folder)

    def run_compiler(self, responses: list[str], folder: Path) -> str:
        self.batches += 1
        batch = folder / f"batch{self.batches}.txt"
        batch.write_text("\n".join(responses), encoding="utf-8")
        done = subprocess.run(
            [*self.compiler, str(batch)], env=self.environment, capture_output=True, text=True
        )
        assert not done.stderr, done.stderr
        return done.stdout

    def run(
        self, runtime: Runtime, program: Path, *arguments: str, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*runtime.command, str(program), *arguments],
            env=runtime.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


def _options(runtime: Runtime, assembly: Assembly, folder: Path) -> list[str]:
    references = [
        folder / reference.file_name if isinstance(reference, Assembly) else reference
        for reference in (*runtime.references, *assembly.references)
    ]
    return [
        *(
            "-noconfig",
            "-nostdlib",
            "-nologo",
            "-langversion:9",
            "-deterministic",
            "-debug:portable",
        ),
        *("-warnaserror", "-warn:4", "-checked-", "-optimize+"),
        f"-target:{'exe' if assembly.executable else 'library'}",
        f'-out:"{folder / assembly.file_name}"',
        *([f"-define:{';'.join(assembly.defines)}"] if assembly.defines else []),
        *assembly.options,
        *(f'-r:"{reference}"' for reference in references),
        *(f'"{source}"' for source in assembly.sources),
    ]


def find(tools: Path = TOOLS) -> Toolchain | str:
    """The tool chain, or a sentence that says what is missing."""
    if not (tools / "stamp").exists():
        return f"the C# tool chain is not installed; run `{INSTALL}`"
    roslyn = tools / "roslyn"
    if (tools / "sdk.json").exists():
        sdk = json.loads((tools / "sdk.json").read_text(encoding="utf-8"))
        dotnet, core, environment = sdk["dotnet"], Path(sdk["references"]), _environment()
    else:
        dotnet = str(tools / "runtime" / "dotnet")
        core = max((tools / "runtime" / "shared" / "Microsoft.NETCore.App").iterdir())
        environment = _environment(
            DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1", LD_LIBRARY_PATH=str(tools / "openssl")
        )
    runtimes = {
        "core": Runtime(
            "core",
            (dotnet, "exec", "--runtimeconfig", str(roslyn / "csc.runtimeconfig.json")),
            tuple(
                path
                for path in sorted(core.glob("*.dll"))
                if path.name.startswith(("System", "Microsoft", "netstandard", "mscorlib"))
            ),
            environment,
        )
    }
    if mono := _mono(tools / "mono" / "usr"):
        runtimes["mono"] = mono
    return Toolchain(
        (dotnet, str(roslyn / "csc.dll")),
        environment,
        runtimes,
        tools / "nunit" / "nunit.framework.dll",
    )


def _mono(prefix: Path) -> Runtime | None:
    """The Mono below the prefix, else the one on the PATH; None if there is none to compile for."""
    environment = {}
    program = prefix / "bin" / "mono-sgen"
    if program.exists():
        environment = {
            "MONO_CFG_DIR": str(prefix.parent / "etc"),
            "LD_LIBRARY_PATH": str(prefix / "lib"),
        }
    elif found := shutil.which("mono"):
        program = Path(found)
        prefix = program.resolve().parents[1]
    libraries = prefix / "lib" / "mono" / "4.5"
    if not (libraries / "Facades").is_dir():
        return None
    names = ("mscorlib", "System", "System.Core", "System.Net.Http", "System.Numerics")
    return Runtime(
        "mono",
        # --debug for line numbers in stack traces.
        (str(program), "--debug"),
        (
            *(libraries / f"{name}.dll" for name in names),
            *sorted((libraries / "Facades").glob("*.dll")),
        ),
        _environment(
            MONO_PATH=os.pathsep.join([str(libraries), str(libraries / "Facades")]), **environment
        ),
    )


def _environment(**extra: str) -> dict[str, str]:
    """This process's environment without a proxy: the tests speak to their own machine."""
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return {**kept, **extra}


def main() -> int:
    """Compile the C# files given and run the program on both runtimes: for work by hand."""
    found = find()
    if isinstance(found, str):
        sys.exit(found)
    folder = ROOT / ".tools" / "scratch"
    sources = tuple(Path(argument) for argument in sys.argv[1:])
    for runtime in found.runtimes.values():
        said = found.compile(
            runtime, [Assembly("program", sources, executable=True)], folder / runtime.name
        )
        print(said or found.run(runtime, folder / runtime.name / "program.exe"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
