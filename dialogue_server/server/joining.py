"""How the servers that share a Redis reach each other: a server's own address, and what would keep
the others from it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ..settings import Server, Settings
from .admission import is_local
from .tls import refused
from .websocket import Listener


def own_address(server: Server, listener: Listener) -> str:
    """By what the others reach this one. A worker's port is always its own."""
    if server.address and server.reuse_port == "off":
        return server.address
    host = urlsplit(server.address).hostname or own_host(listener.own_host)
    scheme = "wss" if listener.own_port_has_tls else "ws"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.own_port}"


def own_host(host: str) -> str:
    """By what name others reach a server that listens on `host`."""
    if host not in ("0.0.0.0", "::", ""):  # noqa: S104
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # No packet is sent: the system only says which of its addresses it would send from.
            probe.connect(("10.255.255.255", 1))
        except OSError:  # it has no network
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def is_near(store: str) -> bool:
    """Whether a Redis is on this machine, so that the servers that share it seem to be, too."""
    host = urlsplit(store).hostname or ""
    return store.startswith("unix:") or host in ("", "localhost") or is_local(host, {})


def obstacles(
    settings: Settings, address: str, tls: ssl.SSLContext | None
) -> Iterator[tuple[str, str]]:
    """Why the others cannot reach a server at its `address`: (event of the log, note) pairs."""
    host = urlsplit(address).hostname or ""
    if host in ("0.0.0.0", "::") or (  # noqa: S104
        is_local(host, {}) and not is_near(settings.store.path)
    ):
        yield (
            "server.unreachable",
            f"tells the other servers of its Redis that it is at {address}, where those of other "
            "machines cannot reach it; set server.address, or listen on an address of the inner "
            "network",
        )
    if tls is not None and address.startswith("wss:"):
        certificate = Path(settings.server.tls_certificate)
        problem = refused(tls, certificate, host)
        if problem:
            yield (
                "server.certificate",
                f"{certificate.name}: the other servers, which come to {host}, refuse it: "
                f"{problem}; set server.address to a name that it has",
            )
