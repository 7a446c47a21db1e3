"""Rate limits: token buckets per address or person, in bounded memory."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import web

from spaces_bridge.web.problems import too_many

KEYS_KEPT = 20_000
"""Buckets kept; the one longest unused is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limiter:
    """``burst`` at once, then ``per_second``, for each key by itself."""

    def __init__(
        self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def take(self, key: Hashable) -> bool:
        """Take one; False when there is none."""
        bucket = self._bucket(key)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def has(self, key: Hashable) -> bool:
        """Whether ``take`` would succeed."""
        return self._bucket(key).tokens >= 1

    def _bucket(self, key: Hashable) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            if len(self._buckets) > KEYS_KEPT:
                self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._per_second)
        bucket.at = now
        self._buckets.move_to_end(key)
        return bucket


class Places:
    """At most so many at the same time, for each key by itself."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def one(self, key: Hashable) -> Iterator[None]:
        """Hold a place. Raises Problem 429 when all are taken."""
        if self._taken[key] >= self._most:
            raise too_many()
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class Addresses:
    """Where requests come from, as far as rate limits care: an IPv4 address or an IPv6 /64."""

    def __init__(self, trusted_proxies: tuple[str, ...]) -> None:
        self._trusted = [ip_network(network) for network in trusted_proxies]

    def of(self, request: web.Request) -> str:
        """The nearest address that is not a trusted proxy's."""
        # each proxy may have added a line of its own; all lines are one list
        hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        nearest = request.remote or ""
        while hops and self._is_trusted(nearest):
            forwarded = hops.pop().strip()
            if not forwarded:
                break
            nearest = forwarded
        return _network_of(nearest)

    def _is_trusted(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _network_of(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False).network_address)
