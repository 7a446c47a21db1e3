"""Call notifications (MSC4075): followers who chose so are rung when a live space goes live.

They are sent into the live space's own room, whose call they are about, and mention those people
alone: homeservers alert nobody else of such an event. Who is not in the room cannot be rung there.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from spaces_bridge.app import tasks
from spaces_bridge.app.ports import Clock, Followers
from spaces_bridge.app.records import CallAlert
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import NotYetError, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import call_words, rtc
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

LIFETIME_MS: Final = 90_000
"""How long after the start it is news: Element Call's number. Nobody is rung later."""
MENTIONED_MAX: Final = 100
"""People mentioned in one event, which has 64 kB at most."""
RUNG_MAX: Final = 500
"""People rung for one live space in each of the two ways; the others have the direct message."""
PAGE: Final = 500
NOT_THERE_YET_S: Final = 1.0

_KINDS: Final[Mapping[CallAlert, str]] = {
    CallAlert.NOTIFY: "notification",
    CallAlert.RING: "ring",
}


class CallRings:
    """The task handler of `RingFollowers`. A repeat sends no event twice."""

    kinds = (tasks.RingFollowers,)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        followers: Followers,
        settings: MatrixSettings,
        clock: Clock,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._followers = followers
        self._settings = settings
        self._clock = clock

    async def run(self, wanted: tasks.RingFollowers, key: str) -> None:
        """Ring. Raises RequestRefused, Away, StorageError; NotYetError: the bot's membership,
        to which a notification refers, is not there yet.
        """
        space = await self._spaces.find(wanted.space)
        if space is None or space.room is None or space.phase is not Phase.LIVE:
            return
        if self._settings.call_stage == "off":
            return
        whom = {alert: await self._whom(space, alert) for alert in _KINDS}
        if not any(whom.values()):
            return
        left_ms = wanted.live_at_ms + LIFETIME_MS - self._clock.now_ms()
        if left_ms <= 0:
            log.info("nobody is rung for live space %s: it would be late", space.space)
            return
        member = await self._own_member(space.room)
        for alert, people in whom.items():
            for first in range(0, len(people), MENTIONED_MAX):
                some = people[first : first + MENTIONED_MAX]
                now_ms = self._clock.now_ms()
                content = call_words.notification(_KINDS[alert], member, some, now_ms, left_ms)
                part = f"{key}:{alert}:{first}"
                await self._bot.send(space.room, call_words.NOTIFICATION, content, part)

    async def refused(self, wanted: tasks.RingFollowers, refusal: RequestRefused) -> None:
        """Log the refusal: followers have the direct message."""
        log.error("nobody can be rung for live space %s: %s", wanted.space, refusal)

    async def _own_member(self, room: RoomId) -> EventId:
        """Return the bot's membership in the call. Raises NotYetError as well."""
        try:
            held = await self._bot.state_event(
                room, rtc.MEMBER_STATE, rtc.own_state_key(self._bot.user)
            )
        except RequestRefused as refusal:
            if refusal.errcode != "M_NOT_FOUND":
                raise
            raise NotYetError(NOT_THERE_YET_S) from None
        if not held.content or held.event is None:
            raise NotYetError(NOT_THERE_YET_S)
        return held.event

    async def _whom(self, space: LiveSpace, alert: CallAlert) -> Sequence[UserId]:
        """Return who is in the room and wants this alert."""
        found: list[UserId] = []
        after: UserId | None = None
        while True:
            page = await self._followers.alerted(space.host, alert, after, PAGE)
            found += _in_room(space, page)
            if len(page) < PAGE or len(found) >= RUNG_MAX:
                return found[:RUNG_MAX]
            after = page[-1]


def _in_room(space: LiveSpace, people: Sequence[UserId]) -> Iterator[UserId]:
    for user in people:
        if space.person(user).joined and user not in space.removed:
            yield user
