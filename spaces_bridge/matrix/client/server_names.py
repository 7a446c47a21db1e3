"""Names of Matrix servers. Spec: Appendices, "Server name" and "User identifiers". Pure."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from spaces_bridge.core.ids import UserId

NAME_MAX = 255
"""Bytes of a server's name or of a user id."""

_PARTS = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,253})(:(?P<port>[0-9]{1,5}))?"
)
DIGITS = frozenset("0123456789")
_LOCALPART = re.compile(r"[\x21-\x39\x3b-\x7e]+")
"""The spec's historical grammar of localparts: any visible ASCII but the colon."""


@dataclass(frozen=True, slots=True)
class ServerName:
    """A server's name in its parts. The `host` of an IPv6 literal is without brackets."""

    host: str
    port: int | None
    is_literal: bool

    @property
    def bracketed(self) -> str:
        """The host as it stands in addresses."""
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_server_name(text: str) -> ServerName | None:
    """Return the parts of a server's name; None for a text that is none."""
    found = _PARTS.fullmatch(text) if len(text) <= NAME_MAX else None
    if found is None:
        return None
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 1 <= port <= 65535:
        return None
    if found["host"].startswith("["):
        return _of_ipv6(found["host"][1:-1], port)
    return _of_host(found["host"], port)


def user_of_server(sub: object, server: str) -> UserId | None:
    """Return the user id `sub`, if it is one of that very server; None otherwise."""
    if not isinstance(sub, str) or not sub.startswith("@") or len(sub) > NAME_MAX:
        return None
    localpart, colon, domain = sub[1:].partition(":")
    if not colon or domain != server or not _LOCALPART.fullmatch(localpart):
        return None
    return UserId(sub)


def _of_ipv6(text: str, port: int | None) -> ServerName | None:
    try:
        return ServerName(str(IPv6Address(text)), port, is_literal=True)
    except AddressValueError:
        return None


def _of_host(host: str, port: int | None) -> ServerName | None:
    try:
        return ServerName(str(IPv4Address(host)), port, is_literal=True)
    except AddressValueError:
        pass
    # a name like a number is an address in disguise to some resolvers (127.1, 0x7f000001)
    labels = host.lower().split(".")
    if not all(labels) or labels[-1][0] in DIGITS or any(map(_is_bad_label, labels)):
        return None
    return ServerName(host.lower(), port, is_literal=False)


def _is_bad_label(label: str) -> bool:
    return len(label) > 63 or label.startswith("-") or label.endswith("-")
