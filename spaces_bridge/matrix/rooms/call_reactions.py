"""Reactions of the page shown in the room's call (`io.element.call.reaction`), as the bot's own.

Element Call shows one reaction of a participant for three seconds and passes over others until
then. So a crowd's taps are one event every few seconds, of the emoji most of them chose; where the
room's budget is short there is none: a reaction that is late is no reaction.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from spaces_bridge.app.audiences import QuietAudience
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import call_words, rtc
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.pacing.sliding_window import SlidingWindows

log = logging.getLogger(__name__)

GATHER_S: Final = 0.5
"""The time for which the first reactions after a rest are gathered."""
SHOWN_S: Final = 3.0
"""The time for which Element Call shows a reaction, and none after it."""
SHARE: Final = 0.55
"""The share of a room's events a minute beyond which reactions are not shown in its call."""
PER_MINUTE: Final = 6
"""Reactions shown in one call in a minute: the card, which they wait behind, has as many left."""


class CallReactions(QuietAudience):
    """The reactions to be shown in calls, gathered from live spaces (`Audience`)."""

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        settings: MatrixSettings,
        clock: Clock,
        has_clients: Callable[[SpaceId], bool],
        room_wait_s: Callable[[RoomId, float], float],
    ) -> None:
        """`has_clients` says whether anybody is in the call; `room_wait_s` is `RoomBudgets`'."""
        self._bot = bot
        self._spaces = spaces
        self._settings = settings
        self._clock = clock
        self._has_clients = has_clients
        self._room_wait_s = room_wait_s
        self._counts: dict[SpaceId, Counter[str]] = {}
        self._of_calls = Counter[tuple[SpaceId, UserId, str]]()
        """Reactions that came out of a call, and are not shown in it again."""
        self._shown = SlidingWindows()
        self._news = asyncio.Event()

    @contextmanager
    def from_call(self, space: SpaceId, user: UserId, emoji: str) -> Iterator[None]:
        """Take a reaction that is counted within for one out of the call itself."""
        which = (space, user, emoji)
        before = self._of_calls[which]
        self._of_calls[which] += 1
        try:
            yield
        finally:
            if self._of_calls[which] > before:
                self._of_calls[which] = before
            if not self._of_calls[which]:
                del self._of_calls[which]

    def changed(self, space: LiveSpace, events: Sequence[ev.Event]) -> None:
        """Gather the reactions among the events. Part of the `Audience` port."""
        for event in events:
            if isinstance(event, ev.ReactionsCounted):
                self._gather(space.space, event.counts)
            elif isinstance(event, ev.Reacted):
                which = (space.space, event.user, event.emoji)
                if self._of_calls[which] > 0:
                    self._of_calls[which] -= 1
                else:
                    self._gather(space.space, {event.emoji: 1})

    async def run(self) -> None:
        """Show what was gathered, every few seconds at most; runs until cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHER_S)
            self._news.clear()
            await self.show()
            await asyncio.sleep(SHOWN_S - GATHER_S)

    async def show(self) -> None:
        """Show the reactions gathered so far, one of each call."""
        gathered, self._counts = self._counts, {}
        for space, counts in gathered.items():
            [(emoji, _)] = counts.most_common(1)
            try:
                await self._show(space, emoji)
            except AdapterError as error:
                log.info("a reaction is not shown in the call of live space %s: %s", space, error)

    def _gather(self, space: SpaceId, counts: Mapping[str, int]) -> None:
        if self._settings.call_stage == "off" or not self._has_clients(space):
            return
        self._counts.setdefault(space, Counter()).update(counts)
        self._news.set()

    async def _show(self, space: SpaceId, emoji: str) -> None:
        view = self._spaces.view(space)
        if view is None or view.room is None or view.phase is not Phase.LIVE:
            return
        now_s = self._clock.now_ms() / 1000
        if self._room_wait_s(view.room, SHARE) > 0 or self._shown.wait(space, PER_MINUTE, now_s):
            return
        key = rtc.own_state_key(self._bot.user)
        member = await self._bot.state_event(view.room, rtc.MEMBER_STATE, key)
        if member.event is not None and member.content:
            content = call_words.call_reaction(member.event, emoji)
            sent = f"call-reaction:{space}:{self._clock.now_ms()}"
            self._shown.count(space, now_s)
            await self._bot.send(view.room, rtc.CALL_REACTION, content, sent)
