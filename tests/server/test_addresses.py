"""From which address a client comes, and how many may come from one."""

from __future__ import annotations

import pytest
from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.connection import HandshakeError

from dialogue_server.errors import SettingsError
from dialogue_server.server.addresses import Addresses


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # it is no proxy of ours: it may lie
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # the first may be made up
        ("10.0.0.7", ["192.0.2.66, 198.51.100.1, 10.0.0.7"], "198.51.100.1"),
        ("10.0.0.7", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["10.0.0.7"], ""),
        ("127.0.0.1", [], ""),
        ("10.0.0.7", [], ""),  # another server that relays, or a health check
        ("127.0.0.1", ["198.51.100.1:40112"], "198.51.100.1"),
        ("127.0.0.1", ['"[2001:db8::1]:40112"'], "2001:db8::/64"),
        ("2001:db8::1:2:3:4", [], "2001:db8::/64"),
        ("2001:db8::5%eth0", [], "2001:db8::/64"),
        ("::ffff:203.0.113.9", [], "203.0.113.9"),
        ("127.0.0.1", ["unknown"], ""),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has_is_the_clients(
    peer: str, forwarded: list[str], client: str
) -> None:
    addresses = Addresses("10.0.0.7, 10.1.0.0/16")
    assert addresses.client(peer, forwarded) == client


def test_a_connection_too_many_is_refused_and_told_when_to_come_back() -> None:
    addresses = Addresses(most=2)
    with addresses.counted("a"), addresses.counted("a"):
        with pytest.raises(HandshakeError, match=r"limits\.connections_per_address") as caught:
            with addresses.counted("a"):
                pass
        assert caught.value.close_code == CloseCode.SESSION_LIMIT
        assert caught.value.code == ErrorCode.TOO_MANY_SESSIONS
        assert caught.value.retry_after == 30
        with addresses.counted("b"), addresses.counted(""), addresses.counted(""):
            pass
    with addresses.counted("a"):
        pass
    assert not addresses._open


def test_without_a_limit_none_is_counted() -> None:
    addresses = Addresses()
    with addresses.counted("a"):
        assert not addresses._open


def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"access\.proxies: 'nginx'"):
        Addresses("10.0.0.7, nginx")
