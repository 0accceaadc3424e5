"""What is served by plain HTTP, without a server around it."""

from __future__ import annotations

import re
from http import HTTPStatus
from importlib import resources

import pytest

from dialogue_server import server
from dialogue_server.server.http import PAGE, answer

FILES = sorted(file.name for file in resources.files(server).joinpath("page").iterdir())


@pytest.mark.parametrize("name", FILES)
def test_the_page_runs_only_its_own_scripts_and_nobody_may_frame_it(name: str) -> None:
    got = answer(PAGE + name, lambda: True, page=True)
    assert got.status == HTTPStatus.OK
    policy = dict(part.split(" ", 1) for part in got.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert got.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith((".js", ".html"))])
def test_no_text_of_a_model_or_player_becomes_markup_on_the_page(name: str) -> None:
    """The page's code never makes markup of a string, nor code."""
    text = resources.files(server).joinpath("page", name).read_text("utf-8")
    makers = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    assert not re.search(makers, text)


@pytest.mark.parametrize(
    "path", ["../http.py", "..%2fhttp.py", "/etc/passwd", "x/../main.js", "main.py", "..\\http.py"]
)
def test_nothing_but_the_pages_own_files_is_served(path: str) -> None:
    assert answer(PAGE + path, lambda: True, page=True).status == HTTPStatus.NOT_FOUND


def test_without_the_page_none_of_it_is_there() -> None:
    for name in ("", "index.html", "main.js"):
        assert answer(PAGE + name, lambda: True).status == HTTPStatus.NOT_FOUND
