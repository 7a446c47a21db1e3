"""Reminders of scheduled live spaces."""

import asyncio
from typing import Any

import pytest

from spaces_bridge.app.tasks import RemindPerson
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.events import Reminder
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.rules.lifecycle import DAY_MS, HOUR_MS, MINUTE_MS
from spaces_bridge.matrix.client.pace import Pacer
from spaces_bridge.matrix.dms.rooms import ChatStanding
from spaces_bridge.matrix.invites.reminders import ReminderSender
from spaces_bridge.matrix.invites.throttle import ServerThrottle
from spaces_bridge.pacing.fair_queue import FairQueue
from tests.matrix.dm_setup import ADA, SETTINGS, SPACE, DmSetup, scheduled

pytestmark = pytest.mark.unit

CAT = UserId("@cat:x")
AT_MS = 3 * DAY_MS


class Alarm(DmSetup):
    """Cat wants to be reminded of Ada's live space on day three."""

    def __init__(self) -> None:
        super().__init__()
        every: Any = self
        clock = asyncio.get_running_loop().time
        self.space = scheduled(at_ms=AT_MS)
        self.happen(cmd.WantReminder(CAT))
        self.standings[CAT] = ChatStanding.KNOWN
        throttle = ServerThrottle(Pacer(60_000, clock), "x", clock)
        share = FairQueue(10_000.0, clock)
        self.reminds = ReminderSender(every, every, every, SETTINGS, every, throttle, share)

    async def remind(self, user: UserId, kind: Reminder, before_ms: int) -> list[str]:
        self.now = AT_MS - before_ms
        await self.reminds.run(RemindPerson(SPACE, user, kind), "key")
        return self.texts[user]


@pytest.mark.parametrize(
    ("kind", "before_ms", "part"),
    [
        (Reminder.DAY_BEFORE, DAY_MS, "starts on Sun 4 January 1970, 00:00 UTC: https://pages"),
        (Reminder.SOON, 15 * MINUTE_MS, "starts in 15 minutes: https://pages/s/bread"),
        (Reminder.SOON, MINUTE_MS, "starts in 1 minute:"),
    ],
)
async def test_it_says_when_it_starts(kind: Reminder, before_ms: int, part: str) -> None:
    (text,) = await Alarm().remind(CAT, kind, before_ms)
    assert part in text
    assert "matrix.to/#/#spaces_bread:x" in text


async def test_when_it_is_time_only_the_host_can_begin() -> None:
    setup = Alarm()
    (text,) = await setup.remind(ADA, Reminder.HOST_DUE, 0)
    assert text.startswith("It is time for “Bread”: write `start` in its room")


@pytest.mark.parametrize(
    ("kind", "before_ms"),
    [
        (Reminder.DAY_BEFORE, HOUR_MS),
        (Reminder.SOON, 0),
        (Reminder.SOON, DAY_MS),
        (Reminder.HOST_DUE, MINUTE_MS),
    ],
)
async def test_out_of_its_time_it_is_left_out(kind: Reminder, before_ms: int) -> None:
    assert await Alarm().remind(CAT, kind, before_ms) == []


@pytest.mark.parametrize(
    "happening",
    [cmd.StartSpace(ADA, 5), cmd.EndSpace(ADA, 5), cmd.DropReminder(CAT)],
)
async def test_what_is_on_over_or_no_longer_wanted_is_left_out(happening: cmd.Command) -> None:
    setup = Alarm()
    setup.happen(happening)
    assert await setup.remind(CAT, Reminder.SOON, MINUTE_MS) == []


async def test_who_left_is_not_asked_back() -> None:
    setup = Alarm()
    setup.standings[CAT] = ChatStanding.LEFT
    assert await setup.remind(CAT, Reminder.SOON, MINUTE_MS) == []
