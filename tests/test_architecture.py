"""The rules of docs/design.md that a machine can check."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"dialogue_protocol": ROOT / "protocol", "dialogue_server": ROOT}
LAYERS = ["protocol", "errors", "domain", "ports", "engine", "adapters", "server", "cli"]
OWNERS = {
    "click": {"cli"},
    "aiohttp": {"backends.http_client"},
    "httpx": {"backends.http_client"},
    "httpx_aiohttp": {"backends.http_client"},
    "jinja2": {"domain.conditions"},
    "jwt": {"server.admission"},
    "opentelemetry": {"instrumentation.tracing"},
    "platformdirs": {"backends.weights"},
    "prometheus_client": {"instrumentation.metrics"},
    "py3langid": {"domain.language_detector"},
    "redis": {"stores.redis"},
    "regex": {"domain.graphemes"},
    "rich": {"cli.terminal"},
    "structlog": {"instrumentation.logging"},
    "uvloop": {"cli"},
    "watchfiles": {"server.desk"},
    "websockets": {"server.client_socket", "server.guarded_connection", "server.websocket"},
    "xllamacpp": {"backends.local_child"},
}
TOLD_ELSEWHERE = (
    "dialogue_protocol.vectors",  # tests/protocol/test_vectors.py
    # Structs without behaviour: every test uses them
    "dialogue_protocol.messages",
    "dialogue_server.domain.conversation",
    "dialogue_server.domain.persona",
    "dialogue_server.domain.prompt",
    "dialogue_server.domain.staging",
)
MAY_USE_SIBLING = {"base", "sse", "profiles"}
PARTS = {  # modules that are split over files: what each may use of its own folder
    "backends.openai_http": {"clocks", "http_client", "openai_chunks", "openai_errors"},
    "backends.openai_chunks": {"openai_errors"},
    "backends.http_client": {"openai_errors"},
    "backends.local": {"clocks", "local_child", "local_process", "openai_http", "weights"},
    "backends.local_process": {"local_child"},
    "backends.weights": {"gguf"},
    "stores.sqlite": {"sqlite_schema"},
    "backends.weights_get": {"gguf", "weights"},
    "stores.redis": {"redis_scripts"},
    "stores.redis_directory": {"redis"},
    "stores.redis_ledger": {"redis"},
    "stores.sqlite_ledger": {"sqlite"},
}


def modules() -> dict[str, Path]:
    found = {}
    for package, root in PACKAGES.items():
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imports(name: str, path: Path) -> set[str]:
    """The absolute names of everything a module imports, wherever in it."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found.update({stem} | {f"{stem}.{alias.name}" for alias in node.names})
    known = modules()
    return {
        imported
        for imported in found
        if imported in known or imported.split(".")[0] not in PACKAGES
    }


def layer(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "dialogue_protocol":
        return "protocol"
    if len(parts) == 1:
        return "errors"
    match parts[1]:
        case "errors" | "domain" | "engine" | "server" | "cli":
            return parts[1]
        case "backends" | "stores":
            return "ports" if parts[2:] in ([], ["base"]) else "adapters"
        case "instrumentation":
            return "adapters"
        case name if name.partition("_")[0] == "settings":
            return "errors"
        case "__main__":
            return "cli"
    raise AssertionError(f"{name} has no place in docs/design.md")


def test_imports_run_in_one_direction() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in modules().items()
        for imported in imports(name, path)
        if imported.split(".")[0] in PACKAGES
        and LAYERS.index(layer(imported)) > LAYERS.index(layer(name))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_know_each_other_in_a_circle() -> None:
    """Not by their types either: what is only for the type checker counts."""
    found = modules()
    known = {name: imports(name, path) & found.keys() - {name} for name, path in found.items()}
    graphlib.TopologicalSorter(known).prepare()  # a CycleError names them


def test_adapters_do_not_know_their_siblings() -> None:
    wrong = []
    for name, path in modules().items():
        if layer(name) != "adapters":
            continue
        home = name.split(".")[1]
        for imported in imports(name, path):
            parts = imported.split(".")
            if layer_or_none(imported) == "adapters" and parts[1] == home:
                allowed = MAY_USE_SIBLING | PARTS.get(name.partition(".")[2], set())
                if parts[2] not in allowed and imported != name:
                    wrong.append(f"{name} imports {imported}")
    assert not wrong, "\n".join(wrong)


def layer_or_none(name: str) -> str | None:
    return layer(name) if name.partition(".")[0] in PACKAGES else None


def test_each_library_has_one_owner() -> None:
    used = defaultdict(set)
    for name, path in modules().items():
        for imported in imports(name, path):
            library = imported.split(".")[0]
            if library not in PACKAGES and library not in sys.stdlib_module_names:
                used[library].add(
                    name.partition(".")[2] if name.startswith("dialogue_server") else name
                )
    used.pop("msgspec")
    wrong = []
    for library, users in used.items():
        owners = OWNERS.get(library, set())
        wrong += [
            f"{user} imports {library}; its owner is {owners or 'nobody'}"
            for user in users
            if not any(user == owner or user.startswith(f"{owner}.") for owner in owners)
        ]
    assert not wrong, "\n".join(wrong)


def test_the_core_is_pure() -> None:
    impure = {
        "asyncio",
        "logging",
        "os",
        "pathlib.Path",
        "random",
        "socket",
        "subprocess",
        "threading",
        "time",
    }
    shells = ("dialogue_protocol.vectors", "dialogue_protocol.codegen")
    wrong = [
        f"{name} imports {imported}"
        for name, path in modules().items()
        if layer(name) in ("protocol", "domain") and not name.startswith(shells)
        for imported in imports(name, path)
        if impure & {imported, imported.partition(".")[0]}
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_of_the_core_has_its_own_tests() -> None:
    homes = {"protocol": "protocol", "domain": "domain"}
    missing = [
        name
        for name, path in modules().items()
        if layer(name) in homes
        and path.stem not in ("__init__", "__main__")
        and not name.startswith(TOLD_ELSEWHERE)
        and not list((ROOT / "tests" / homes[layer(name)]).rglob(f"test_{path.stem}.py"))
    ]
    assert not missing, missing


def test_no_module_has_outgrown_one_idea() -> None:
    long = {
        name: lines
        for name, path in modules().items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        # The wire's vocabulary is one table, however many words it has.
        > (720 if name == "dialogue_protocol.messages" else 450)
    }
    assert not long, long
