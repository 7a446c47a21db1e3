"""Connections that have not said who they are: few, and the oldest makes place for the newest.

Whoever only holds places open cannot keep others out that way, and not from many addresses of one
network either. Pure.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

MOST: Final = 256
MOST_PER_NETWORK: Final = 32

Stranger = TypeVar("Stranger", bound=Hashable)


class Strangers(Generic[Stranger]):
    """At most `MOST` of them, `MOST_PER_NETWORK` from one network; times are the caller's."""

    def __init__(self) -> None:
        self._networks: dict[str, OrderedDict[Stranger, float]] = {}
        self._network_of: dict[Stranger, str] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._network_of)

    def in_the_way_of(self, host: str) -> Stranger | None:
        """Who has to go before somebody from this address can come in; None: there is room.

        The oldest of the newcomer's own network if that has all its places; else, where all are
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
        """Somebody from this address has come, not before those who were added already."""
        self.discard(stranger)
        network = network_of(host)
        self._network_of[stranger] = network
        self._networks.setdefault(network, OrderedDict())[stranger] = now

    def discard(self, stranger: Stranger) -> None:
        """It is a stranger no more, or gone."""
        network = self._network_of.pop(stranger, None)
        if network is not None:
            del self._networks[network][stranger]
            if not self._networks[network]:
                del self._networks[network]

    def since_before(self, then: float) -> list[Stranger]:
        """Who has been a stranger since before this time."""
        return [
            stranger
            for crowd in self._networks.values()
            for stranger, since in crowd.items()
            if since < then
        ]


def _size_and_age(crowd: "OrderedDict[Stranger, float]") -> tuple[int, float]:
    return len(crowd), -next(iter(crowd.values()))


def network_of(host: str) -> str:
    """What one person can easily have many addresses of: an IPv6 /64, or one IPv4 address."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
