"""Connections that have not authenticated: few, and the oldest makes room for the newest. Pure.

So holding places open keeps nobody else out, not even from many addresses of one network.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

MOST: Final = 256
MOST_PER_NETWORK: Final = 32

Stranger = TypeVar("Stranger", bound=Hashable)


class Strangers(Generic[Stranger]):
    """The strangers: at most `MOST`, `MOST_PER_NETWORK` of one network. Times are the caller's."""

    def __init__(self) -> None:
        self._networks: dict[str, OrderedDict[Stranger, float]] = {}
        self._network_of: dict[Stranger, str] = {}

    def __len__(self) -> int:
        """Return the number of strangers."""
        return len(self._network_of)

    def in_the_way_of(self, host: str) -> Stranger | None:
        """Return the stranger that must go before one from this address comes; None if none must.

        It is the oldest of the newcomer's own network if that has all its places; else, if all are
        taken, the oldest of the network that has most.
        """
        own = self._networks.get(network_of(host), ())
        if len(own) >= MOST_PER_NETWORK:
            return next(iter(own))
        if len(self) < MOST:
            return None
        crowd = max(self._networks.values(), key=_size_and_age)
        return next(iter(crowd))

    def add(self, stranger: Stranger, host: str, now: float) -> None:
        """Add a stranger from this address, who came no earlier than those added before."""
        self.discard(stranger)
        network = network_of(host)
        self._network_of[stranger] = network
        self._networks.setdefault(network, OrderedDict())[stranger] = now

    def discard(self, stranger: Stranger) -> None:
        """Forget a stranger that has authenticated, or is gone."""
        network = self._network_of.pop(stranger, None)
        if network is not None:
            del self._networks[network][stranger]
            if not self._networks[network]:
                del self._networks[network]

    def since_before(self, then: float) -> list[Stranger]:
        """Return those who have been strangers since before this time."""
        return [
            stranger
            for crowd in self._networks.values()
            for stranger, since in crowd.items()
            if since < then
        ]


def _size_and_age(crowd: "OrderedDict[Stranger, float]") -> tuple[int, float]:
    return len(crowd), -next(iter(crowd.values()))


def network_of(host: str) -> str:
    """Return the unit in which one person easily has addresses: an IPv6 /64, or one of IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
