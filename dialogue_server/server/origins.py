"""Which web sites' pages may connect. Browsers say which site a page is of (`Origin`, RFC 6454),
and no page can make them lie; games and other programs say nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address

Header = Callable[[str], list[str]]
"""Gives all values of a request's header."""
_OF_THIS_MACHINE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


class Origins:
    """The rule of one server."""

    def __init__(self, setting: str, *, page: bool) -> None:
        """`setting` lists further sites, or is `*` (access.origins); `page`: whether this server
        has a page of its own, the designers'."""
        listed = [entry.strip().rstrip("/") for entry in setting.split(",") if entry.strip()]
        self._all = "*" in listed
        self._listed = frozenset(listed)
        self._page = page

    def allow(self, header: Header) -> bool:
        """Whether a request may open a WebSocket."""
        return self.trust(header) or (self._page and _own_page(header))

    def trust(self, header: Header) -> bool:
        """Whether it may count as one of this machine, too. A page of this server's own site under
        another name may connect and does not: by a name that suddenly leads here (DNS rebinding)
        any foreign page is of this site. It needs a ticket, which such a page has not."""
        named = header("Origin")
        if self._all or not named:
            return True
        return len(named) == 1 and (
            named[0] in self._listed or _OF_THIS_MACHINE.fullmatch(named[0]) is not None
        )


def by_address(header: Header) -> bool:
    """Whether a request names this machine by an address or as localhost. A page whose own name
    suddenly leads here (DNS rebinding) names it by that."""
    host = header("Host")
    if len(host) != 1:
        return False
    name = re.sub(r":\d*$", "", host[0]).strip("[]").lower()
    try:
        ip_address(name)
    except ValueError:
        return name == "localhost"
    return True


def _own_page(header: Header) -> bool:
    """Whether the page is of the site that the request goes to."""
    named, host = header("Origin"), header("Host")
    sites = {f"{scheme}://{name.lower()}" for scheme in ("http", "https") for name in host if name}
    return len(named) == len(host) == 1 and named[0].lower() in sites
