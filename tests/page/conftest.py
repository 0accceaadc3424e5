"""A server with the designers' page, and a real Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import structs
from playwright.async_api import Browser, Error, Page, async_playwright

from dialogue_server.server.app import App
from dialogue_server.settings import MEMORY, Settings
from tests.page.browser import system_browser

STARTER = Path(__file__).parents[2] / "dialogue_server" / "starter"
PICTURES = Path(__file__).parents[2] / "build" / "page"
"""Where the tests leave screenshots to be looked at."""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER, tmp_path / "world"))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Where the server records."""
    return tmp_path / "recordings"


@pytest_asyncio.fixture(loop_scope="session")
async def app(world: Path, recordings: Path) -> AsyncIterator[App]:
    base = Settings()
    app = App(
        structs.replace(
            base,
            server=structs.replace(base.server, port=0, page="on"),
            content=structs.replace(base.content, folder=str(world)),
            model=structs.replace(base.model, backend="scripted"),
            record=structs.replace(base.record, folder=str(recordings)),
            store=structs.replace(base.store, path=MEMORY),
        )
    )
    await app.start()
    yield app
    await app.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests; each opens a page of its own, as a new visitor."""
    async with async_playwright() as playwright:
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        try:
            browser = await playwright.chromium.launch(
                executable_path=system_browser(), args=sandbox
            )
        except Error as error:
            missing = f"no Chromium: {str(error).splitlines()[0]}"
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(app: App, browser: Browser) -> AsyncIterator[Page]:
    """The page, open and ready. What the browser's console complains of fails the test."""
    complaints: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = await browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(10_000)
    page.on("console", lambda line: complaints.append(f"{line.type}: {line.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    await page.goto(app.url.replace("ws", "http", 1) + "/dev/")
    await page.locator("#npcs button[aria-pressed=true]").wait_for()
    yield page
    await page.close()
    # A browser says of every refused connection that it was; a test may stop the server.
    assert [each for each in complaints if "ERR_CONNECTION_REFUSED" not in each] == []
