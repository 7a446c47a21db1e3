"""Reminders of scheduled live spaces, by direct message to those who asked for them."""

from functools import partial

from spaces_bridge.app import tasks
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.events import Reminder
from spaces_bridge.core.ids import EventId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules.lifecycle import MINUTE_MS, REMINDERS
from spaces_bridge.core.text.dates import shown_utc
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.rooms import ChatStanding, DirectRooms
from spaces_bridge.matrix.dms.tappable import write
from spaces_bridge.matrix.invites.throttle import ServerThrottle
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.pacing.fair_queue import FairQueue


class ReminderSender:
    """The reminder sender carries out `RemindPerson`, at the pace of invitations.

    Raises RequestRefused, Away.
    """

    kinds = (tasks.RemindPerson,)

    def __init__(
        self,
        bot: MatrixClient,
        dms: DirectRooms,
        spaces: Spaces,
        settings: MatrixSettings,
        clock: Clock,
        throttle: ServerThrottle,
        share: FairQueue,
    ) -> None:
        self._bot = bot
        self._dms = dms
        self._spaces = spaces
        self._settings = settings
        self._clock = clock
        self._throttle = throttle
        self._share = share

    async def run(self, wanted: tasks.RemindPerson, key: str) -> EventId | None:
        """Remind the person, unless the start is no longer to come; the result is the event id."""
        space = await self._spaces.find(wanted.space)
        if space is not None and wanted.user == space.host:
            # the host is one person, who must not wait behind anybody's followers
            return await self._write(wanted, key) if self._is_due(space, wanted) else None
        server = wanted.user.partition(":")[2]
        async with self._throttle.turn(server, partial(self._is_wanted, wanted)) as is_wanted:
            return await self._write(wanted, key) if is_wanted else None

    async def _write(self, wanted: tasks.RemindPerson, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or await self._dms.standing(wanted.user) is ChatStanding.LEFT:
            return None
        await self._share.turn("dm")
        room = await self._dms.room_for(wanted.user)
        return await write(self._bot, room, self._text(space, wanted), key)

    async def refused(self, wanted: tasks.RemindPerson, refusal: RequestRefused) -> None:
        """Do nothing: there is no other way to tell a person who cannot be reminded."""

    async def _is_wanted(self, wanted: tasks.RemindPerson) -> bool:
        space = await self._spaces.find(wanted.space)
        return space is not None and self._is_due(space, wanted)

    def _is_due(self, space: LiveSpace, wanted: tasks.RemindPerson) -> bool:
        """Return whether the reminder is due now, for a start still to come, and still wanted."""
        at_ms = space.scheduled_at_ms
        if space.phase is not Phase.SCHEDULED or at_ms is None:
            return False
        begin_ms, end_ms = REMINDERS[wanted.kind]
        in_time = at_ms + begin_ms <= self._clock.now_ms() < at_ms + end_ms
        return in_time and (wanted.user == space.host or wanted.user in space.reminded)

    def _text(self, space: LiveSpace, wanted: tasks.RemindPerson) -> str:
        page = self._settings.page(space.slug)
        room_link = f"https://matrix.to/#/{self._settings.alias(space.slug)}"
        if wanted.kind is Reminder.HOST_DUE:
            return (
                f"It is time for “{space.title}”: write `start` in its room, {room_link}. "
                "`reschedule TIME` moves it, `unschedule` calls it off."
            )
        at_ms = space.scheduled_at_ms or 0
        minutes = max(1, round((at_ms - self._clock.now_ms()) / MINUTE_MS))
        soon = wanted.kind is Reminder.SOON
        time = f"in {_minutes(minutes)}" if soon else f"on {shown_utc(at_ms)}"
        where = room_link if space.private else f"{page}\nRoom: {room_link}"
        return f"⏰ “{space.title}” starts {time}: {where}"


def _minutes(number: int) -> str:
    return "1 minute" if number == 1 else f"{number} minutes"
