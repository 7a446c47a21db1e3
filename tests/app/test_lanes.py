"""Every task has a lane, and a lane's text in the database is read back as that lane."""

from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spaces_bridge.app import tasks
from spaces_bridge.app.lanes import Lane, LaneName, Priority, lane_of
from spaces_bridge.core.events import Reminder
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId

pytestmark = pytest.mark.unit

TASKS = st.one_of(*(st.from_type(cls) for cls in get_args(tasks.OutboxTask)))
LANES = st.builds(Lane, st.text(), st.sampled_from(LaneName), st.sampled_from(Priority), st.text())
SPACE, ADA = SpaceId("abcdefgh01234567"), UserId("@ada:example.org")


@given(LANES)
@example(Lane("%7C|%257C", LaneName.REPLIES, Priority.NORMAL, "|@%25"))
def test_a_lane_is_read_as_it_was_written(lane: Lane) -> None:
    assert Lane.read(str(lane)) == lane


@given(TASKS)
def test_every_task_has_a_lane_that_is_known(task: tasks.OutboxTask) -> None:
    assert lane_of(task).name is not LaneName.UNKNOWN


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (tasks.WriteLevel(SPACE, ADA, 10), "abcdefgh01234567|levels|urgent"),
        (tasks.SumUpInvitations(SPACE, ADA), f"abcdefgh01234567|summaries|normal|{ADA}"),
        (tasks.RemindPerson(SPACE, ADA, Reminder.SOON), f"dm|invitations|paced|{ADA}"),
        (tasks.Reply(RoomId("!a|b:x"), EventId("$e"), "", ok=True), "!a%7Cb:x|replies|normal"),
    ],
)
def test_what_stands_in_the_database_says_whose_lane_it_is(
    task: tasks.OutboxTask, text: str
) -> None:
    assert str(lane_of(task)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abcdefgh01234567|urgent",
        "dm|@ada:example.org",
        "abcdefgh01234567|gossip|normal",
        "abcdefgh01234567|levels|soon",
        "abcdefgh01234567|levels|urgent|@ada:x|more",
    ],
)
def test_a_lane_of_another_version_is_a_lane_of_its_own(text: str) -> None:
    """It is not urgent: what is not known does not go before what is."""
    assert Lane.read(text) == Lane(text, LaneName.UNKNOWN)


def test_the_words_of_lanes_are_those_that_are_stored() -> None:
    """They are data: a word may be added here; to change one takes a migration."""
    names = "announcements bans call callers call_notices call_signals captions card chat"
    names += " community_card crowd hands invitations"
    names += " levels listing messages permissions prompts redactions replies reports rings state"
    names += " summaries timeline unbans unknown"
    assert [str(name) for name in LaneName] == names.split()
    assert [str(priority) for priority in Priority] == ["urgent", "normal", "paced"]
