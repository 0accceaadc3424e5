"""The tests' own tool chain, where a machine has a .NET SDK."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import install_dotnet
import pytest
import toolchain
from toolchain import Assembly, Toolchain

TOOLS = toolchain.TOOLS


@pytest.mark.skipif(sys.platform == "win32", reason="it is made of links")
def test_an_sdk_on_the_path_compiles_and_runs(
    tools: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SDK in the layout of Microsoft's, made of the parts that the tests have anyway: its
    compiler compiles our command line, which compiles a program, which runs."""
    if not (TOOLS / "runtime").exists():
        pytest.skip("the tests run with an SDK already")
    for name, value in tools.environment.items():  # what that runtime needs of a machine
        monkeypatch.setenv(name, value)
    dotnet = _sdk(tmp_path / "dotnet sdk")
    sdk = install_dotnet.find_sdk(str(dotnet))
    assert sdk is not None
    assert sdk.folder.name == "3.1.100"
    assert sdk.framework == "netcoreapp3.1"
    target = tmp_path / "tools"
    install_dotnet.install_from_sdk(target, sdk)
    (target / "stamp").touch()

    found = toolchain.find(target)
    assert isinstance(found, Toolchain)
    hello = tmp_path / "Hello.cs"
    hello.write_text('System.Console.Write("hello");', encoding="utf-8")
    program = Assembly("Hello", (hello,), executable=True)
    assert not found.compile(found.runtimes["core"], [program], tmp_path / "built")
    done = found.run(found.runtimes["core"], tmp_path / "built" / program.file_name)
    assert (done.stdout, done.stderr) == ("hello", "")


def test_a_runtime_without_an_sdk_is_none(tools: Toolchain) -> None:
    if (TOOLS / "runtime").exists():
        assert install_dotnet.find_sdk(str(TOOLS / "runtime" / "dotnet")) is None
    assert install_dotnet.find_sdk(None) is None


def _sdk(root: Path) -> Path:
    """Its `dotnet`, which finds SDKs and runtimes by where it lies."""
    runtime = TOOLS / "runtime"
    shutil.copytree(runtime / "host", root / "host")
    shutil.copy(runtime / "dotnet", root)
    (root / "shared").symlink_to(runtime / "shared")
    sdk = root / "sdk" / "3.1.100"
    (sdk / "Roslyn").mkdir(parents=True)
    (sdk / "Roslyn" / "bincore").symlink_to(TOOLS / "roslyn")
    (sdk / "dotnet.dll").touch()
    (framework,) = (runtime / "shared" / "Microsoft.NETCore.App").iterdir()
    references = root / "packs" / "Microsoft.NETCore.App.Ref" / "3.1.0" / "ref" / "netcoreapp3.1"
    references.mkdir(parents=True)
    for path in framework.glob("*.dll"):
        if path.name.startswith(("System", "Microsoft", "netstandard", "mscorlib")):
            (references / path.name).symlink_to(path)
    return root / "dotnet"
