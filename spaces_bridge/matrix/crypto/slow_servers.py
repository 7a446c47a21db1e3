"""Homeservers that take long to say whose devices are whose: what they cost others is bounded.

One request asks for people of many servers, and the slowest says how long it takes. Who was in a
slow request is asked alone for a while; who is slow alone rests.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.pacing.keyed_locks import KeyedLocks

SLOW_MS: Final = 3_000
"""A request that takes longer is slow."""
SLOW_REST_MS: Final = 60_000
"""How long a server that was slow is not asked again, and a suspected one is asked alone."""
SERVERS_KEPT: Final = 10_000
"""Slow servers that are remembered."""


def server_of(user: UserId) -> str:
    """Return the name of the user's homeserver."""
    return user.partition(":")[2]


class SlowServers:
    """The servers that were slow to answer, or were asked together with one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._locks = KeyedLocks()
        self._suspected: dict[str, int] = {}
        """Until when servers are asked alone."""
        self._resting: dict[str, int] = {}
        """Until when servers are not asked."""

    def groups(self, users: Iterable[UserId]) -> list[list[UserId]]:
        """Return the people who are asked for together; those of suspected servers come last."""
        now_ms = self._clock.now_ms()
        together: list[UserId] = []
        alone: dict[str, list[UserId]] = {}
        for user in users:
            server = server_of(user)
            is_suspected = self._suspected.get(server, 0) > now_ms
            (alone.setdefault(server, []) if is_suspected else together).append(user)
        return [group for group in (together, *alone.values()) if group]

    def note(self, users: Sequence[UserId], took_ms: int) -> None:
        """Note how long a request for these people took."""
        servers, now_ms = {server_of(user) for user in users}, self._clock.now_ms()
        if took_ms > SLOW_MS:
            where = self._resting if len(servers) == 1 else self._suspected
            where.update(dict.fromkeys(servers, now_ms + SLOW_REST_MS))
            self._trim(now_ms)
        elif len(servers) == 1:
            self._suspected.pop(servers.pop(), None)

    def rests_until_ms(self, user: UserId) -> int:
        """Return until when the user's server is not asked; 0: it may be."""
        until_ms = self._resting.get(server_of(user), 0)
        return until_ms if until_ms > self._clock.now_ms() else 0

    @asynccontextmanager
    async def holding(self, users: Iterable[UserId]) -> AsyncIterator[None]:
        """Hold these people's servers: nobody else is asked for at them meanwhile."""
        async with AsyncExitStack() as held:
            for server in sorted({server_of(user) for user in users}):  # in one order: no deadlock
                await held.enter_async_context(self._locks.holding(server))
            yield

    def _trim(self, now_ms: int) -> None:
        for held in (self._suspected, self._resting):
            if len(held) > SERVERS_KEPT:
                for server in [name for name, at_ms in held.items() if at_ms <= now_ms]:
                    del held[server]
