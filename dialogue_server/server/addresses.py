"""From which address a client comes, also behind proxies, and how many come from each."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.connection import HandshakeError

from ..errors import SettingsError

RETRY_AFTER = 30.0
"""Seconds that an address with too many connections is told to wait."""
_HOMES = 64
"""The bits of an IPv6 address that tell one household or machine from another."""

Address = IPv4Address | IPv6Address


class Addresses:
    """Counts connections by address. `proxies` is the setting access.proxies, `most` the limit,
    0 for none. Connections of this machine and of proxies that say nothing of their client are
    not counted."""

    def __init__(self, proxies: str = "", most: int = 0) -> None:
        """Raises SettingsError for a proxy that is no address."""
        self._proxies = [_network(entry.strip()) for entry in proxies.split(",") if entry.strip()]
        self._most = most
        self._open: Counter[str] = Counter()

    def client(self, peer: str, forwarded: Sequence[str] = ()) -> str:
        """The address to count a connection under, "" for none. `forwarded` are the values of
        X-Forwarded-For: each proxy appends whom it was reached by, so they are believed from the
        end on as long as each was written by a proxy that we trust (RFC 7239, section 7.1)."""
        found = _address(peer)
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        while found is not None and self._is_proxy(found) and hops:
            found = _address(hops.pop())
        if found is None or self._is_proxy(found):
            return ""
        if isinstance(found, IPv6Address):
            return str(ip_network((found, _HOMES), strict=False))
        return str(found)

    @contextlib.contextmanager
    def counted(self, client: str) -> Iterator[None]:
        """While a connection lasts. Raises HandshakeError (SESSION_LIMIT) for one too many."""
        if not client or not self._most:
            yield
            return
        if self._open[client] >= self._most:
            raise HandshakeError(
                CloseCode.SESSION_LIMIT,
                ErrorCode.TOO_MANY_SESSIONS,
                f"{self._most} connections of {client} are open "
                f"(limits.connections_per_address); come back in {RETRY_AFTER:g} s.",
                retry_after=RETRY_AFTER,
            )
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def _is_proxy(self, address: Address) -> bool:
        return address.is_loopback or any(address in network for network in self._proxies)


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise SettingsError(
            f"access.proxies: {entry!r} is no address and no network, such as 10.0.0.7 or "
            f"10.0.0.0/24 ({error})"
        ) from None


def _address(text: str) -> Address | None:
    """An address as sockets and proxies write it: with a zone, in brackets, with a port."""
    text = text.partition("%")[0].strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
