"""The C# in the client's manuals, as files to compile: what people copy has to work."""

from __future__ import annotations

import re
from pathlib import Path

from package import PACKAGE
from toolchain import ROOT

MANUALS = [
    ROOT / "docs" / "unity.md",
    PACKAGE / "README.md",
    PACKAGE / "Documentation~" / "index.md",
]
_FRAGMENTS = """\
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using DialogueServer;
using DialogueServer.Protocol;
using UnityEngine;

/// <summary>What the manuals' fragments take for granted.</summary>
internal abstract class Fragments
{{
    protected DialogueNpc npc = null;
    protected DialogueClient client = null;
    protected readonly World world = new World();
    protected readonly Inventory inventory = new Inventory();
    protected readonly Login login = new Login();
    protected readonly Account account = new Account();

    protected sealed class World
    {{
        public string Tide => "low";
    }}

    protected sealed class Inventory
    {{
        public bool IsFull => false;

        public void Add(string item) => Debug.Log(item);
    }}

    protected sealed class Login
    {{
        public Task<string> GetTicketAsync(CancellationToken cancel) => Task.FromResult("");
    }}

    protected sealed class Account
    {{
        public string Id => "ann";

        public string Name => "Ann";
    }}
}}

internal sealed class AllFragments : Fragments
{{
{methods}
}}
"""


def write(folder: Path) -> list[Path]:
    """The files, one for each whole class and one for all fragments."""
    folder.mkdir(parents=True)
    files, methods = [], []
    for manual in MANUALS:
        text = manual.read_text(encoding="utf-8")
        for code in re.findall(r"^```csharp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if found := re.search(r"class (\w+)", code):
                path = folder / f"{found[1]}.cs"
                path.write_text(code, encoding="utf-8")
                files.append(path)
            else:
                kind = "async Task" if "await" in code else "void"
                methods.append(
                    f"    public {kind} Fragment{len(methods) + 1}()\n    {{\n"
                    + re.sub(r"^(?=.)", "        ", code, flags=re.MULTILINE)
                    + "    }\n"
                )
    path = folder / "Fragments.cs"
    path.write_text(_FRAGMENTS.format(methods="\n".join(methods)), encoding="utf-8")
    return [*files, path]
