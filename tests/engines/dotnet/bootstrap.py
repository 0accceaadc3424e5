"""Compile csc.cs with Roslyn itself, driven from Python: there is no compiler yet to do it.

Usage: bootstrap.py RUNTIME ROSLYN, with pythonnet on the path. Writes ROSLYN/csc.dll.
"""

# mypy: ignore-errors
import sys
from pathlib import Path

RUNTIME, ROSLYN = Path(sys.argv[1]), Path(sys.argv[2])
SOURCE = Path(__file__).with_name("csc.cs")
FRAMEWORK = max((RUNTIME / "shared" / "Microsoft.NETCore.App").iterdir())

import pythonnet  # noqa: E402
from clr_loader import get_coreclr  # noqa: E402

config = str(ROSLYN / "csc.runtimeconfig.json")
pythonnet.set_runtime(get_coreclr(runtime_config=config, dotnet_root=str(RUNTIME)))

import clr  # noqa: E402, F401
import System  # noqa: E402
from System.Runtime.Loader import AssemblyLoadContext  # noqa: E402

# In a context of their own: the framework's older System.Collections.Immutable would win otherwise.
context = AssemblyLoadContext("roslyn", False)
for name in (
    *("System.Runtime.CompilerServices.Unsafe", "System.Collections.Immutable"),
    *("System.Reflection.Metadata", "Microsoft.CodeAnalysis", "Microsoft.CodeAnalysis.CSharp"),
):
    context.LoadFromAssemblyPath(str(ROSLYN / f"{name}.dll"))

from Microsoft.CodeAnalysis import MetadataReference, OutputKind, SyntaxTree  # noqa: E402
from Microsoft.CodeAnalysis.CSharp import (  # noqa: E402
    CSharpCompilation,
    CSharpCompilationOptions,
    CSharpSyntaxTree,
)
from System.Collections.Generic import List  # noqa: E402

trees = List[SyntaxTree]()
trees.Add(CSharpSyntaxTree.ParseText(SOURCE.read_text(encoding="utf-8")))
libraries = {path.name: path for path in FRAMEWORK.glob("*.dll")}
libraries.update({path.name: path for path in ROSLYN.glob("*.dll")})
references = List[MetadataReference]()
for name, path in sorted(libraries.items()):
    if name.startswith(("System", "Microsoft", "netstandard", "mscorlib")):
        references.Add(MetadataReference.CreateFromFile(str(path)))
options = CSharpCompilationOptions(OutputKind.ConsoleApplication)
output = System.IO.MemoryStream()
result = CSharpCompilation.Create("csc", trees, references, options).Emit(output)
if not result.Success:
    sys.exit("\n".join(d.ToString() for d in result.Diagnostics))
System.IO.File.WriteAllBytes(str(ROSLYN / "csc.dll"), output.ToArray())
