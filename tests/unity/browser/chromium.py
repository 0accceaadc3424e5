"""The page of runtime.js in a real Chromium, in lines of JSON over standard input and output like
page.js beside this file.

    python chromium.py DialogueSocket.jslib

Without a library it only tries whether there is a browser.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from playwright.async_api import Error, async_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from tests.page.browser import system_browser  # noqa: E402


class GamePage(BaseHTTPRequestHandler):
    """What a game's own web server gives; of that server's address the dialogue server is told."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A game</title>")

    def log_message(self, format: str, *args: object) -> None:
        pass


async def main(library: str) -> None:
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=system_browser(), args=sandbox)
        if library:
            page = await browser.new_page()
            page.on("pageerror", lambda error: sys.stderr.write(f"{error}\n"))
            with HTTPServer(("127.0.0.1", 0), GamePage) as site:
                threading.Thread(target=site.serve_forever, daemon=True).start()
                await page.goto(f"http://127.0.0.1:{site.server_port}/")
                site.shutdown()
            await page.expose_function("tell", _tell)
            await page.add_script_tag(path=HERE / "runtime.js")
            source = Path(library).read_text(encoding="utf-8")
            await page.evaluate(
                "source => { window.call = startPage(source, m => tell(JSON.stringify(m))); }",
                source,
            )
            while line := await asyncio.to_thread(sys.stdin.readline):
                await page.evaluate("line => call(JSON.parse(line))", line)
        await browser.close()


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main("".join(sys.argv[1:2])))
    except Error as error:
        sys.exit(f"no Chromium: {str(error).splitlines()[0]}")
