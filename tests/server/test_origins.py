"""Which pages may connect, and which of those count as this machine's own."""

from __future__ import annotations

import time

import jwt
import pytest
from dialogue_protocol.codec import JSON
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import SUBPROTOCOL_JSON, Error, Hello, ServerMessage, Welcome
from websockets.asyncio.client import connect
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from dialogue_server.server.admission import Admission
from dialogue_server.server.origins import Origins
from dialogue_server.settings import Access
from tests.fakes.steered import SteeredBackend
from tests.harness import serving

SECRET = "a secret of thirty-two characters"


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "trusted"),
    [
        ("", "10.0.0.5:8765", True, True),  # a game
        ("http://localhost:8765", "127.0.0.1:8765", True, True),
        ("http://10.0.0.5:8765", "10.0.0.5:8765", True, False),
        ("https://Dev.example", "dev.example", True, False),
        ("https://dev.example", "dev.example:8765", False, False),
        ("https://evil.example", "10.0.0.5:8765", False, False),
        ("http://", "", False, False),
        ("http://[", "10.0.0.5:8765", False, False),
        ("null", "null", False, False),
    ],
)
def test_a_page_of_the_servers_own_may_connect_and_is_not_of_this_machine(
    origin: str, host: str, allowed: bool, trusted: bool
) -> None:
    headers = Headers(Host=host, **({"Origin": origin} if origin else {}))
    origins = Origins("", page=True)
    assert (origins.allow(headers.get_all), origins.trust(headers.get_all)) == (allowed, trusted)
    assert Origins("", page=False).allow(headers.get_all) is trusted  # it has no page of its own


def test_a_request_of_two_sites_is_of_none() -> None:
    headers = Headers([("Host", "a"), ("Origin", "http://a"), ("Origin", "http://localhost")])
    assert not Origins("", page=True).allow(headers.get_all)
    assert not Origins("", page=True).trust(headers.get_all)


async def first_answer(url: str, origin: str, token: str = "") -> ServerMessage:
    """To the hello of a page that is of the site it connects to."""
    host = origin.partition("//")[2]
    port = int(url.rpartition(":")[2])
    async with connect(
        f"ws://{host}",
        host="127.0.0.1",
        port=port,
        additional_headers={"Origin": origin},
        subprotocols=[Subprotocol(SUBPROTOCOL_JSON)],
        proxy=None,
    ) as socket:
        await socket.send(JSON.encode(Hello(token=token)))
        return JSON.decode_server(await socket.recv())


async def test_a_name_that_suddenly_leads_to_this_machine_gives_a_page_no_right() -> None:
    async with serving(SteeredBackend(), page=True) as served:
        answer = await first_answer(served.url, "http://evil.example:8765")
        assert isinstance(answer, Error)
        assert answer.code == ErrorCode.UNAUTHORIZED
    async with serving(SteeredBackend()) as served:
        with pytest.raises(InvalidStatus) as caught:
            await first_answer(served.url, "http://evil.example:8765")
        assert caught.value.response.status_code == 403
        assert b"access.origins" in (caught.value.response.body or b"")


async def test_a_designers_ticket_opens_the_page_from_another_machine() -> None:
    admission = Admission(Access(key_env="KEYS"), {"KEYS": SECRET})
    claims = {"exp": int(time.time()) + 60, "aud": "dialogue-server", "rights": ["designer"]}
    ticket = jwt.encode(claims, SECRET, "HS256")
    async with serving(SteeredBackend(), admission=admission, page=True) as served:
        answer = await first_answer(served.url, "http://server.example:8765", ticket)
        assert isinstance(answer, Welcome)
