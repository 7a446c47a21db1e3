"""Looking up names that strangers have chosen, so that nobody else waits for it.

A name server may take its time, and the C library's look-up cannot be given up: c-ares asks
without a thread for each name, within limits of its own.
"""

import random
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from socket import AF_INET, AddressFamily
from typing import Any

from aiodns import DNSResolver
from aiodns.error import DNSError
from aiohttp import AsyncResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from pycares import SRVRecordData

TRY_WITHIN_S = 1.5
"""How long one name server is waited for the first time; the next try waits longer."""

TRIES = 2


@dataclass(frozen=True, slots=True)
class NameServers:
    """Which name servers are asked; none: the system's. `port`: of UDP and of TCP."""

    addresses: Sequence[str] = ()
    port: int = 53


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service is, by an SRV record (RFC 2782): a host's name and a port."""

    host: str
    port: int


class Resolver(AbstractResolver):
    """Knows the addresses of hosts, and the hosts of services."""

    @abstractmethod
    async def services(self, name: str) -> list[Service] | None:
        """The hosts of a service in the order in which they are to be tried, by RFC 2782.

        None: there are no records. An empty list: the service is said not to be there.
        """


class DnsResolver(Resolver):
    """Asks name servers (RFC 1035), which are those of the system if none are given."""

    def __init__(self, servers: NameServers | None = None) -> None:
        """Needs a running event loop."""
        ask = servers or NameServers()
        options: dict[str, Any] = {
            "nameservers": list(ask.addresses) or None,
            "udp_port": ask.port,
            "tcp_port": ask.port,
            "timeout": TRY_WITHIN_S,
            "tries": TRIES,
        }
        self._hosts = AsyncResolver(**options)
        self._services = DNSResolver(**options)

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        """All addresses of a host. Raises OSError."""
        return await self._hosts.resolve(host, port, family)

    async def services(self, name: str) -> list[Service] | None:
        """The hosts of a service; no answer is as good as no records."""
        try:
            answer = (await self._services.query_dns(name, "SRV")).answer
        except DNSError:
            return None
        records = [record.data for record in answer if isinstance(record.data, SRVRecordData)]
        if not records:
            return None
        return [
            Service(record.target.rstrip("."), record.port)
            for record in _in_order(records)
            if record.target.rstrip(".")
        ]

    async def close(self) -> None:
        """Safe to repeat; who still waits is told that nothing was found."""
        await self._hosts.close()
        await self._services.close()


def _in_order(records: Sequence[SRVRecordData]) -> list[SRVRecordData]:
    """The lowest priority first; within one, at random, the heavier ones rather earlier."""
    ordered: list[SRVRecordData] = []
    by_priority = sorted(records, key=lambda record: record.priority)
    for _, group in groupby(by_priority, key=lambda record: record.priority):
        left = list(group)
        while left:
            (chosen,) = random.choices(left, [record.weight + 1 for record in left])
            left.remove(chosen)
            ordered.append(chosen)
    return ordered
