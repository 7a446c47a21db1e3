"""Fifty accounts of another server and two hundred guests who mean no good."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge_demo.deployment import Person
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.federation.federated_setup import FederatedSetup
from tests.matrix.support import room_of

SLUR = "hatefulslur"
TROLLS, GUESTS = 50, 200
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Locked:
    """How long a lock took, in ms from when the homeserver had the host's command."""

    shut_ms: int
    """Until the room's levels and its join rule were shut."""
    seen_ms: int
    """Until the last message of theirs was written that the host was shown after it; 0: none."""
    told_ms: int
    """Until their own server took the last one: from then on it knows, and refuses them."""


class Mob:
    """Accounts of the other server with a slur for a name, and guests of the page with one."""

    def __init__(
        self, setup: FederatedSetup, space: LiveSpace, trolls: Sequence[MatrixUser]
    ) -> None:
        self._setup = setup
        self._space = space
        self._room = room_of(space)
        self.trolls = trolls
        self.said: list[str] = []
        """Events of theirs that their own server took."""

    async def come(self) -> None:
        """All join; guests raise their hands."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def join(troll: MatrixUser) -> None:
            async with gate:
                await troll.join(self._setup.alias(self._space))

        await asyncio.gather(*map(join, self.trolls))
        for number in range(GUESTS):
            await self._guest_asks(number)

    async def _guest_asks(self, number: int) -> None:
        domain = self._setup.bridge.settings.domain
        guest = UserId(f"@spaces_{number:016x}:{domain}")
        now_ms = self._setup.bridge.spaces.context.clock.now_ms()
        ask = cmd.RequestToSpeak(guest, now_ms, name=f"{SLUR} {number}", guest=True)
        await self._setup.bridge.spaces.ask(self._space.space, ask)

    async def rage(self) -> None:
        """Chat and hands, without end."""
        await asyncio.gather(*(self._rage(n, t) for n, t in enumerate(self.trolls)))

    async def _rage(self, number: int, troll: MatrixUser) -> None:
        await asyncio.sleep(0.05 * number)
        while True:
            for text in ("!space speak", f"{SLUR} {number}"):
                try:
                    self.said.append(await troll.send_text(self._room, text))
                except MatrixError:
                    return  # their own server knows the lock
            await asyncio.sleep(1.0)

    async def lock(self, host: Person) -> Sequence[Mapping[str, Any]]:
        """The host locks the room while they rage; what the host's client saw of it, in order.

        Returns when each of them was refused by their own server.
        """
        raging = asyncio.create_task(self.rage())
        space, bridge = self._space.space, self._setup.bridge
        await bridge.until(space, lambda s: len(s.hands) > GUESTS, "no hands of trolls")
        await host.send_text(self._room, "!space lock")
        await bridge.until(space, lambda s: s.locked, "not locked")
        await raging
        return [e for e in host.seen if e["room_id"] == self._room and "event_id" in e]

    async def locked(self, events: Sequence[Mapping[str, Any]]) -> Locked:
        """By what the host's client saw, and what their own server took from them last."""
        asked = next(n for n, e in enumerate(events) if _says(e) == "!space lock")
        shut = next(n for n in range(asked, len(events)) if self._is_levels_of_bot(events[n]))
        path = f"rooms/{self._room}/event/{self.said[-1]}"
        last = await self.trolls[0].request("GET", path)
        late = [event for event in events[shut:] if is_trolls_message(event)]
        asked_ms, shut_ms, told_ms = (
            int(event["origin_server_ts"]) for event in (events[asked], events[shut], last)
        )
        seen_ms = max((int(event["origin_server_ts"]) for event in late), default=asked_ms)
        return Locked(shut_ms - asked_ms, max(0, seen_ms - asked_ms), max(0, told_ms - asked_ms))

    def _is_levels_of_bot(self, event: Mapping[str, Any]) -> bool:
        return bool(event["type"] == "m.room.power_levels" and event["sender"] == self._setup.bot)


def is_trolls_message(event: Mapping[str, Any]) -> bool:
    """Whether one of them wrote it."""
    return bool(event["type"] == "m.room.message" and event["sender"].startswith("@troll"))


def _says(event: Mapping[str, Any]) -> object:
    return event.get("content", {}).get("body")


@asynccontextmanager
async def gathered(setup: FederatedSetup, space: LiveSpace) -> AsyncIterator[Mob]:
    """A mob that wants to come into a live space."""
    async with AsyncExitStack() as everybody:
        trolls = []
        for number in range(TROLLS):
            account = await setup.twins.away.register(f"troll{number}x{id(everybody)}")
            troll = MatrixUser(setup.twins.away.url, account)
            await troll.start(follow=False)
            everybody.push_async_callback(troll.stop)
            profile = {"displayname": f"{SLUR} {number}"}
            await troll.request("PUT", f"profile/{troll.id}/displayname", profile)
            trolls.append(troll)
        yield Mob(setup, space, trolls)
