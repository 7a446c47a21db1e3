"""The throttle of invitations: evenly spaced, few at once, and few at once to each server.

A homeserver that is slower than the pace is not flooded, and one that does not answer does not
take the places and turns of everybody else.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.pace import Pacer
from spaces_bridge.pacing.backoff import Backoff

AT_ONCE = 10
AT_ONCE_PER_SERVER = 3
"""The limit for each of other people's homeservers."""
SERVERS_KEPT = 1000
"""Servers whose failures are remembered; the one longest not written to is forgotten first."""
REST_S = 30.0
SERVER_BACKOFF = Backoff(REST_S, 1800.0)
"""The wait before a server that does not answer is written to again."""


@dataclass(slots=True)
class _Server:
    places: asyncio.Semaphore
    inside: int = 0
    """Messages that are written to it, or wait for a place."""
    failures: int = 0
    rests_until: float = field(default=float("-inf"))


class ServerThrottle:
    """The server throttle gives turns to write, and lets servers rest that do not answer."""

    def __init__(self, pacer: Pacer, domain: str, clock: Callable[[], float]) -> None:
        """`domain` is our own homeserver, whose users are limited by what it can take in all."""
        self._pacer = pacer
        self._domain = domain
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._servers: OrderedDict[str, _Server] = OrderedDict()

    @asynccontextmanager
    async def turn(
        self, server: str, wanted: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bool]:
        """Wait for a turn to write to somebody on this server, and hold a place until it is done.

        Yields whether the message is still `wanted`, which is asked at the last moment. Raises
        Away, with the time to wait, while the server rests.
        """
        there = self._of(server)
        self._refuse_if_resting(server, there)
        there.inside += 1
        try:
            async with there.places, self._places:
                self._refuse_if_resting(server, there)
                yield await self._pacer.turn(wanted)
        finally:
            there.inside -= 1

    def answered(self, server: str) -> None:
        """Note that the server works."""
        self._of(server).failures = 0

    def failed(self, server: str, *, certain: bool) -> float:
        """Note that the server does not answer; return the seconds to leave it alone.

        They grow each time. Not `certain`: it may have been our own homeserver that does not
        answer.
        """
        there = self._of(server)
        rest_s = SERVER_BACKOFF.wait_s(there.failures + 1)
        there.failures += certain
        there.rests_until = self._clock() + rest_s
        return rest_s

    def _of(self, server: str) -> _Server:
        if server not in self._servers:
            self._forget_one_of_many()
            places = AT_ONCE if server == self._domain else AT_ONCE_PER_SERVER
            self._servers[server] = _Server(asyncio.Semaphore(places))
        self._servers.move_to_end(server)
        return self._servers[server]

    def _forget_one_of_many(self) -> None:
        if len(self._servers) < SERVERS_KEPT:
            return
        # one that is written to now keeps its places
        idle = next((name for name, each in self._servers.items() if not each.inside), None)
        if idle is not None:
            del self._servers[idle]

    def _refuse_if_resting(self, server: str, there: _Server) -> None:
        rest_s = there.rests_until - self._clock()
        if rest_s > 0:
            raise Away(f"{server} does not answer.", retry_after_s=rest_s)
