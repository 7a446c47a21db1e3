"""The guard that allows connections to public addresses alone, whatever names and redirects say.

Strangers choose which server we ask. The check is made on the very address of each socket, just
before it connects: a name that resolves to something else a moment later changes nothing.
"""

import socket
import ssl
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import aiohttp
from aiohttp.abc import AbstractResolver

UNICAST = IPv6Network("2000::/3")
"""The IPv6 addresses handed out to machines of the internet (RFC 4291, section 2.4)."""

NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as networks without IPv4 see them (RFC 6052)."""


class ForbiddenAddress(OSError):
    """The address is not public."""


class Guard:
    """The guard of outgoing connections; `allowed`: private networks that may be connected to."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = [ip_network(network) for network in allowed]

    def permits(self, text: str) -> bool:
        """Return whether the address may be connected to."""
        try:
            return self.is_excepted(text) or is_public(ip_address(text))
        except ValueError:
            return False

    def is_excepted(self, text: str) -> bool:
        """Return whether the address is in a network that is allowed by name.

        Raises ValueError: it is no address.
        """
        address = ip_address(text)
        return any(address in network for network in self._allowed)

    def connector(
        self, context: ssl.SSLContext, resolver: AbstractResolver
    ) -> aiohttp.TCPConnector:
        """Return a connector whose connections are checked and used once, so none outlives it."""
        return aiohttp.TCPConnector(
            ssl=context,
            resolver=resolver,
            use_dns_cache=False,
            force_close=True,
            socket_factory=self._socket,
        )

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not self.permits(str(address[0])):
            raise ForbiddenAddress("this address is none of the internet")
        return socket.socket(family, kind, protocol)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether the address is public, and of one machine."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return False  # an address in disguise: no resolver gives one
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address.sixtofour is not None:
            return is_public(address.sixtofour)
        return address.is_global and address in UNICAST
    return address.is_global and not address.is_multicast and not address.is_reserved
