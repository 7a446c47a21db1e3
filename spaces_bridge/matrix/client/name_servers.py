"""The look-up of names that strangers have chosen, so that nobody else waits for it.

A name server may take its time, and the C library's look-up cannot be cancelled: c-ares asks
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
"""Seconds one name server is waited for the first time; the next try waits longer."""

TRIES = 2


@dataclass(frozen=True, slots=True)
class NameServers:
    """The name servers to ask; none: the system's. `port`: of UDP and of TCP."""

    addresses: Sequence[str] = ()
    port: int = 53


@dataclass(frozen=True, slots=True)
class Service:
    """The place of a service by an SRV record (RFC 2782): a host's name and a port."""

    host: str
    port: int


class Resolver(AbstractResolver):
    """A resolver of the addresses of hosts, and of the hosts of services."""

    @abstractmethod
    async def services(self, name: str) -> list[Service] | None:
        """Return the hosts of a service in the order in which they are to be tried, by RFC 2782.

        None: there are no records. An empty list: the service is said not to be there.
        """


class DnsResolver(Resolver):
    """The resolver that asks name servers (RFC 1035): the system's if none are given."""

    def __init__(self, servers: NameServers | None = None) -> None:
        """The constructor needs a running event loop."""
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
        """Return all addresses of a host. Raises OSError."""
        return await self._hosts.resolve(host, port, family)

    async def services(self, name: str) -> list[Service] | None:
        """Return the hosts of a service; no answer counts as no records."""
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
        """Close; safe to repeat. Look-ups that still wait find nothing."""
        await self._hosts.close()
        await self._services.close()


def _in_order(records: Sequence[SRVRecordData]) -> list[SRVRecordData]:
    """Return the lowest priority first; within one, at random, the heavier ones rather earlier."""
    ordered: list[SRVRecordData] = []
    by_priority = sorted(records, key=lambda record: record.priority)
    for _, group in groupby(by_priority, key=lambda record: record.priority):
        left = list(group)
        while left:
            (chosen,) = random.choices(left, [record.weight + 1 for record in left])
            left.remove(chosen)
            ordered.append(chosen)
    return ordered
