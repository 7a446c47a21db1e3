"""Which lanes of the outbox wait for which budget."""

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.app.lanes import lane_of
from spaces_bridge.core.events import Reminder
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.matrix.outbox.lane import LaneQueue

pytestmark = pytest.mark.unit

SPACE, ADA, BEN = SpaceId("space"), UserId("@ada:x"), UserId("@ben:x")


@pytest.mark.parametrize(
    "wanted",
    [tasks.InviteByMessage(SPACE, BEN, ADA), tasks.RemindPerson(SPACE, BEN, Reminder.SOON)],
)
def test_invitations_pace_themselves(wanted: tasks.OutboxTask) -> None:
    lane = LaneQueue(lane_of(wanted))
    assert lane.paces_itself
    assert not lane.urgent


@pytest.mark.parametrize(
    "wanted",
    [
        tasks.TellUser(BEN, "word"),
        tasks.OfferToSpeak(SPACE, BEN, ADA),
        tasks.AnnounceLive(SPACE),
        tasks.InviteFollowers(SPACE, ADA),
        tasks.SumUpInvitations(SPACE, ADA),
        tasks.PublishState(SPACE),
    ],
)
def test_everything_else_waits_for_the_common_budget(wanted: tasks.OutboxTask) -> None:
    assert not LaneQueue(lane_of(wanted)).paces_itself
