"""The files in deploy/ name only what there is: settings, flags, paths, ports, files."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tomllib
from asyncio.subprocess import DEVNULL
from fnmatch import fnmatch
from http import HTTPStatus
from pathlib import Path

import click
import pytest

from dialogue_server.cli import cli
from dialogue_server.server.addresses import Addresses
from dialogue_server.server.http import answer
from dialogue_server.settings import Settings
from dialogue_server.settings_sources import load
from tests.fakes.certificate import write_certificate
from tests.fakes.steered import SteeredBackend
from tests.harness import serving

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
_ASSIGNED = re.compile(r"""\b(DIALOGUE_[A-Z_]+)(?:=|:\s+|\s+=\s+)("[^"]*"|[^\s"\\]+)""")
_COMMAND = re.compile(r"(?<![\w/.-])dialogue-server ((?:init|serve|ticket|check)\b[^\n`|&(]*)")


def read(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


def seconds(name: str, pattern: str) -> float:
    found = re.search(pattern, read(name))
    assert found, f"{name}: {pattern}"
    return float(found[1])


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_every_variable_is_a_setting_and_its_value_is_taken(file: Path, tmp_path: Path) -> None:
    text = file.read_text("utf-8")
    assigned = {name: value.strip('"') for name, value in _ASSIGNED.findall(text)}
    mentioned = set(re.findall(r"\bDIALOGUE_[A-Z_]+", text))
    # Where a name stands without a value it is looked up with one that any setting of text takes.
    environ = {name: assigned.get(name, "8765") for name in mentioned}
    loaded = load(folder=tmp_path, environ=environ)
    if "DIALOGUE_ACCESS_PROXIES" in assigned:
        Addresses(loaded.settings.access.proxies)
    if "DIALOGUE_SERVER_PORT" in assigned:
        assert loaded.settings.server.port == 8765


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_every_command_is_one_of_ours_with_its_flags(file: Path) -> None:
    for line in _COMMAND.findall(file.read_text("utf-8")):
        name, *arguments = shlex.split(line.split("  ")[0], comments=True)
        command = cli.commands[name]
        flags = {flag for option in command.params for flag in option.opts}
        assert {each for each in arguments if each.startswith("-")} <= flags, line
        places = [each for each in command.params if isinstance(each, click.Argument)]
        assert len([each for each in arguments if not each.startswith("-")]) <= len(places) + 1


@pytest.mark.parametrize("name", ["Dockerfile", "fly.toml"])
def test_the_paths_of_health_are_answered(name: str) -> None:
    paths = re.findall(r"/health/\w+", read(name))
    assert paths
    for path in paths:
        assert answer(path, lambda: True).status == HTTPStatus.OK
        assert answer(path, lambda: False).status == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_the_image_finds_itself_healthy_until_it_drains(tmp_path: Path, secure: bool) -> None:
    found = re.search(r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", read("Dockerfile"), re.M)
    assert found
    python, *check = json.loads(found[1])
    assert python == "python"
    certificate = write_certificate(tmp_path / "certificate.pem")
    context = None
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    async with serving(SteeredBackend(), tls=context) as served:
        environment = {
            "DIALOGUE_SERVER_PORT": served.url.rpartition(":")[2],
            "DIALOGUE_SERVER_TLS_CERTIFICATE": str(certificate) if secure else "",
        }

        async def exit_code() -> int:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *check, env=os.environ | environment, stderr=DEVNULL
            )
            return await process.wait()

        assert await exit_code() == 0
        await served.registry.drain(0)
        assert await exit_code() == 1


def test_the_port_is_one_everywhere() -> None:
    assert Settings().server.port == 8765
    assert "EXPOSE 8765" in read("Dockerfile")
    for name in ("nginx.conf", "Caddyfile"):
        assert set(re.findall(r":(\d{4,5})\b", read(name))) == {"8765"}, name
    assert tomllib.loads(read("fly.toml"))["http_service"]["internal_port"] == 8765


def test_whoever_stops_it_waits_longer_than_it_may_take() -> None:
    grace = Settings().server.shutdown_grace
    assert seconds("Dockerfile", r"--stop-timeout (\d+)") > grace + 5
    assert seconds("compose.yaml", r"stop_grace_period: (\d+)s") > grace + 5
    assert seconds("dialogue-server.service", r"TimeoutStopSec=(\d+)") > grace + 5
    assert tomllib.loads(read("fly.toml"))["kill_timeout"] > grace + 5


def test_a_proxy_waits_longer_than_pings_take() -> None:
    assert seconds("nginx.conf", r"proxy_read_timeout (\d+)s") > Settings().limits.ping_interval


def test_the_image_is_made_of_what_there_is_and_lacks_nothing() -> None:
    copied = [
        source
        for line in re.findall(r"^COPY (?!--)(.*)$", read("Dockerfile"), re.M)
        for source in line.split()[:-1]
    ]
    let_through = re.findall(r"^!(.*)$", read("Dockerfile.dockerignore"), re.M)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in let_through), source
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = build["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed += [build["project"]["readme"], *build["project"]["license-files"]]
    assert set(needed) <= set(copied)


def test_the_image_runs_as_nobody_in_particular_and_gets_signals() -> None:
    text = read("Dockerfile")
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", text, re.M)
    assert re.search(r'^ENTRYPOINT \["dialogue-server"\]$', text, re.M)
    assert text.index("\nUSER ") < text.index("\nENTRYPOINT ")


def test_the_pages_for_operators_stay_inside() -> None:
    for name in ("nginx.conf", "Caddyfile"):
        assert "/metrics" in read(name), name
        assert "/dev" in read(name), name


def test_the_platform_gets_no_more_than_the_image_is_made_of() -> None:
    build = tomllib.loads(read("fly.toml"))["build"]
    assert (DEPLOY / build["dockerfile"]).exists()
    assert (DEPLOY / build["ignorefile"]).name == "Dockerfile.dockerignore"


def test_behind_the_platform_s_proxies_players_have_addresses_of_their_own() -> None:
    """The last of X-Forwarded-For is the app's own address there, by its documentation."""
    proxies = tomllib.loads(read("fly.toml"))["env"]["DIALOGUE_ACCESS_PROXIES"]
    addresses = Addresses(f"{proxies}, 66.241.124.10")
    assert addresses.client("172.19.0.1", ["203.0.113.7, 66.241.124.10"]) == "203.0.113.7"


def test_no_file_tells_a_key() -> None:
    for file in FILES:
        assert not re.search(r"\bsk-\w{8,}|eyJ\w{20,}", file.read_text("utf-8")), file.name


def test_the_readme_knows_every_file() -> None:
    linked = set(re.findall(r"\]\(([\w.-]+)\)", read("README.md")))
    assert {f.name for f in FILES} - linked == {"README.md", "Dockerfile.dockerignore"}


def test_the_starter_world_has_the_files_that_the_platform_gets() -> None:
    for file in tomllib.loads(read("fly.toml"))["files"]:
        local = Path(file["local_path"])
        assert (ROOT / "dialogue_server" / "starter" / local.relative_to("village")).exists()
        assert Path(file["guest_path"]) == "/world" / local.relative_to("village")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "dialogue-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "dialogue-server.service"
    installed = "/opt/dialogue-server/bin/dialogue-server"
    unit.write_text(read(unit.name).replace(f"ExecStart={installed}", f"ExecStart={program}"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    assert unit.name not in done.stderr, done.stderr
