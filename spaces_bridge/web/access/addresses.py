"""Client addresses of requests, as proxies say: `X-Forwarded-For`, `Forwarded`, `X-Real-IP`.

Proxies write addresses in many ways: with ports, in brackets, with zones, as names of their own.
Each must lead to the client, whom limits count for; and an address that cannot be read must not
put all people under one limit.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

NAME_MAX = 100
"""Characters that are kept of a proxy's name for a client that is no IP address."""

_Address = IPv4Address | IPv6Address

ELEMENTS_MAX = 20
ELEMENT_MAX = 300
"""Elements of `Forwarded` that are read, and characters of one element."""

_ELEMENT = re.compile(r'(?:[^",\\]|"(?:[^"\\]|\\.)*")*')
_PAIR = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*")+')
_BRACKETED = re.compile(r"\[([^\]]*)\](?::.*)?")
_PORT = re.compile(r":[0-9A-Za-z._-]+\Z")
_SAYS_NOTHING = frozenset({"", "unknown", "-"})


class Addresses:
    """The reader of client addresses as rate limits need them: an IPv4 address or an IPv6 /64.

    `trusted_proxies` are the networks whose headers about a request's origin are believed.
    """

    def __init__(self, trusted_proxies: tuple[str, ...]) -> None:
        self._trusted = [ip_network(network) for network in trusted_proxies]

    def of(self, request: web.Request) -> str:
        """Return the address of the nearest sender that is not a trusted proxy.

        A name that is no IP address (RFC 7239, section 6.3) stands for itself, beside the proxy
        that gave it; where a proxy says nothing, the answer is the last known sender.
        """
        nearest = request.remote or ""
        hops = _hops(request)
        while hops and self._is_trusted(nearest):
            hop = hops.pop()
            if hop.startswith("unix:"):
                continue  # two proxies on one machine: the next address says more
            if hop.lower() in _SAYS_NOTHING:
                break
            if _read(hop) is None:
                return f"{_network_of(nearest)} {_PORT.sub('', hop)[:NAME_MAX]}"
            nearest = hop
        return _network_of(nearest)

    def _is_trusted(self, text: str) -> bool:
        address = _read(text)
        return address is not None and any(address in network for network in self._trusted)


def _hops(request: web.Request) -> list[str]:
    """Return the senders that the first header there is names, the client first."""
    headers = request.headers
    # each proxy may have added a line of its own; all lines are one list
    forwarded_for = ",".join(headers.getall("X-Forwarded-For", ()))
    if forwarded_for.strip():
        return [hop for part in forwarded_for.split(",") if (hop := part.strip(' \t"'))]
    forwarded = ",".join(headers.getall("Forwarded", ()))
    if forwarded.strip():
        return _named_in(forwarded)
    return [hop for line in headers.getall("X-Real-IP", ()) if (hop := line.strip(' \t"'))][-1:]


def _named_in(forwarded: str) -> list[str]:
    """Return the `for` of each element (RFC 7239, section 4), the client's first; maybe empty."""
    elements = [element for element in _elements_from_the_right(forwarded) if element.strip()]
    return [_for_of(element) for element in reversed(elements)]


def _elements_from_the_right(forwarded: str) -> Iterator[str]:
    """Yield the elements, the nearest proxy's first, so that a client's open quote hides none."""
    end = len(forwarded)
    for _ in range(ELEMENTS_MAX):
        comma = end
        while (comma := forwarded.rfind(",", max(0, end - ELEMENT_MAX), comma)) >= 0:
            if _ELEMENT.fullmatch(forwarded, comma + 1, end):
                break
        if comma < 0:
            yield forwarded[:end] if _ELEMENT.fullmatch(forwarded, 0, end) else "for=unknown"
            return
        yield forwarded[comma + 1 : end]
        end = comma


def _for_of(element: str) -> str:
    pairs = [pair.partition("=") for pair in _PAIR.findall(element)]
    node = next((v.strip() for name, _, v in pairs if name.strip().lower() == "for"), "")
    if node.startswith('"'):
        node = re.sub(r"\\(.)", r"\1", node[1:-1])
    return node.strip()


def _read(text: str) -> _Address | None:
    """Return the IP address that `text` writes, with or without a port; None when it is none."""
    bracketed = _BRACKETED.fullmatch(text)
    forms = (bracketed[1],) if bracketed is not None else (text, _PORT.sub("", text))
    for form in forms:
        try:
            address = ip_address(form.partition("%")[0])
        except ValueError:
            continue
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return mapped or address
    return None


def _network_of(text: str) -> str:
    address = _read(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False).network_address)
    return str(address) if address is not None else "unknown"
