"""The addon in a browser: a web export, in a real Chromium, against the real server."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, sync_playwright

from tests.godot.engine import CHECKOUT, Engine, Run
from tests.godot.server_process import ServerProcess
from tests.godot.test_suites import SMITH, add_orator
from tests.page.browser import system_browser

TEMPLATE = Path(os.environ.get("GODOT_WEB", CHECKOUT / ".tools" / "godot_web"))
INSTALL = "python tests/engines/install_godot_web.py"
SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
PAGE = """<!DOCTYPE html>
<link rel="icon" href="data:,">
<canvas id="canvas" width="640" height="360"></canvas>
<script src="index.js"></script>
<script>
const wanted = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const canvas = document.getElementById("canvas");
new Engine({executable: "index", canvasResizePolicy: 0, args: wanted, canvas}).startGame();
</script>
"""


def test_the_suites_pass_in_a_browser(engine: Engine, site: Path, world: Path) -> None:
    add_orator(world)
    (world / "personas" / "smith.toml").write_text(SMITH, encoding="utf-8")
    exported = engine.run("--export-pack", "Web tests", str(site / "index.pck"), seconds=120)
    assert (site / "index.pck").exists(), exported.text
    server = ServerProcess(world, DIALOGUE_LIMITS_CONVERSATIONS="64")
    server.start()
    try:
        run = browse(site, ["--", *SUITES, f"url={server.url}"])
    finally:
        server.stop()
    run.assert_passed(at_least=65)


SUITES = ("label", "ending", "opening", "parts", "live", "requests")


def browse(site: Path, arguments: list[str], *, seconds: float = 45) -> Run:
    """Open the game in a browser, and take down what it writes until it is done."""
    run = Run()
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
            try:
                browser = playwright.chromium.launch(
                    executable_path=system_browser(), args=[*SOFTWARE_GL, *sandbox]
                )
            except Error as error:
                missing(f"there is no Chromium: {str(error).splitlines()[0]}")
            page = browser.new_page()
            page.on("console", lambda line: run.lines.extend(line.text.splitlines()))
            page.on("pageerror", lambda error: run.lines.append(f"ERROR: {error}"))
            wanted = re.sub(r"'", '"', str(arguments))
            page.goto(f"http://127.0.0.1:{pages.server_address[1]}/#{wanted}")
            deadline = time.monotonic() + seconds
            while not run.beginning("DONE") and time.monotonic() < deadline:
                page.wait_for_timeout(100)
            browser.close()
        pages.shutdown()
    run.code = 0 if run.beginning("DONE") else None
    return run


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and does not tell of each."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder of a web site with the engine's web template. Without one: skipped here, failed in
    CI."""
    if not (TEMPLATE / "index.wasm").exists():
        missing(f"there is no web template; `{INSTALL}` installs one for the tests")
    folder = Path(shutil.copytree(TEMPLATE, tmp_path / "site"))
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    yield folder


def missing(reason: str) -> None:
    """Skipped where somebody works, failed where all has to be tested."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
