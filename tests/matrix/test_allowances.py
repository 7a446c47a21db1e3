"""How many events a minute each lane of the outbox may make."""

from dataclasses import replace

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.app.lanes import Lane, LaneName, lane_of
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.pace import RoomBudgets
from spaces_bridge.matrix.events import captions, chat
from spaces_bridge.matrix.outbox.budgets import (
    ARRANGEMENTS_PER_MINUTE,
    HANDS_PER_MINUTE,
    PROMPTS_PER_MINUTE,
    SHARES,
    LaneBudgets,
)
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.spaces import BEN, HOST, ROOM, live_space

pytestmark = pytest.mark.unit

SETTINGS = replace(
    MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages"),
    room_events_per_minute=20,
    redactions_per_minute=33,
)
SPACE, ELSEWHERE, EVENT = live_space().space, RoomId("!elsewhere"), EventId("$event")
PROMPT = tasks.PromptModerator(SPACE, HOST, BEN, guest=False)


class OneSpace:
    """One live space, in its room."""

    def __init__(self, space: LiveSpace) -> None:
        self.space = space

    def view(self, space: SpaceId) -> LiveSpace | None:
        return self.space if space == self.space.space else None

    def by_room(self, room: RoomId) -> LiveSpace | None:
        return self.space if room == self.space.room else None


class Room:
    """The allowances of one live space, and what was written to its room."""

    def __init__(self, space: LiveSpace) -> None:
        self.now = 0.0
        self.budgets = RoomBudgets(SETTINGS.room_events_per_minute, lambda: self.now)
        self.allowed = LaneBudgets(SETTINGS, OneSpace(space), self.budgets)

    def wait_s(self, wanted: tasks.OutboxTask) -> float:
        return self.allowed.room_wait_s(lane_of(wanted))


@pytest.fixture
def room() -> Room:
    return Room(live_space())


CAPTION = tasks.PostCaption(SPACE, "u", BEN, "Ben", 0, 1, "Hello.", "en")  # type: ignore[arg-type]  # any id


@pytest.mark.parametrize(
    ("lane", "limit"),
    [
        (lane_of(CAPTION), captions.PER_MINUTE),
        (lane_of(tasks.PostChat(SPACE, ())), chat.PER_MINUTE),
        (lane_of(tasks.RedactEvent(SPACE, EVENT, expired=True)), 33),
        (lane_of(tasks.RedactEvent(SPACE, EVENT)), HANDS_PER_MINUTE),
        (lane_of(tasks.RedactEvent(SPACE, EVENT, crowd=True)), HANDS_PER_MINUTE),
        (lane_of(PROMPT), PROMPTS_PER_MINUTE),
        (Lane("dm|@ada:x", LaneName.UNKNOWN), None),
        (lane_of(tasks.Reply(ROOM, EVENT, "Done.", True)), 14),
        (lane_of(tasks.Reply(ELSEWHERE, EVENT, "Done.", True)), None),
        (lane_of(tasks.ArrangeRoom(SPACE)), ARRANGEMENTS_PER_MINUTE),
        (lane_of(tasks.MakeRoom(SPACE)), None),
        (lane_of(tasks.RefreshCard(SPACE)), None),
    ],
)
def test_some_lanes_have_a_limit_of_their_own(room: Room, lane: Lane, limit: int | None) -> None:
    assert room.allowed.per_minute(lane) == limit


CARD = tasks.RefreshCard(SPACE)
STATE = tasks.PublishState(SPACE)
CALL = tasks.WriteCallMember(SPACE)
RING = tasks.RingFollowers(SPACE, 0)
WORD = tasks.Announce(SPACE, "Live.")
CHAT = tasks.PostChat(SPACE, ())
REPLY = tasks.Reply(ROOM, EVENT, "Done.", True)
UNBAN = tasks.UnbanPerson(SPACE, BEN)
FREEING: list[tasks.OutboxTask] = [
    tasks.RedactEvent(SPACE, EVENT),
    tasks.RedactEvent(SPACE, EVENT, crowd=True),
    tasks.WriteLevel(SPACE, UserId("@ben:example.org"), 50),
    tasks.WriteLevel(SPACE, BEN, None),
    tasks.UnseatGuest(SPACE, BEN),
    tasks.BanPerson(SPACE, BEN, ""),
    tasks.ArrangeRoom(SPACE),
    tasks.OfferFloor(SPACE, BEN),
    tasks.OfferToSpeak(SPACE, BEN, HOST),
    tasks.SendLink(SPACE, BEN),
    PROMPT,
]
"""Somebody's next act needs them: no room's courtesies hold them up."""


@pytest.mark.parametrize(
    ("written", "waiting"),
    [
        (0, []),
        (11, []),
        (12, [CARD, CHAT]),
        (14, [CARD, CHAT, STATE]),
        (15, [CARD, CHAT, STATE, WORD]),
        (16, [CARD, CHAT, STATE, WORD, REPLY]),
        (19, [CARD, CHAT, STATE, WORD, REPLY]),
        (20, [CARD, CHAT, STATE, WORD, REPLY, UNBAN]),
        (40, [CARD, CHAT, STATE, WORD, REPLY, UNBAN]),
    ],
)
def test_what_matters_less_waits_earlier_and_levels_never(
    room: Room, written: int, waiting: list[tasks.OutboxTask]
) -> None:
    for _ in range(written):
        room.budgets.note(ROOM)
    everything: list[tasks.OutboxTask] = [CARD, CHAT, STATE, WORD, REPLY, UNBAN, *FREEING]
    assert [wanted for wanted in everything if room.wait_s(wanted) > 0] == waiting
    room.now = 60.0
    assert not any(room.wait_s(wanted) for wanted in everything), "a minute later"


def test_an_answered_hand_waits_behind_no_crowd_of_others() -> None:
    """They are in lanes of their own, with budgets of their own."""
    answered = lane_of(tasks.RedactEvent(SPACE, EVENT))
    courtesies: list[tasks.OutboxTask] = [
        tasks.RedactEvent(SPACE, EVENT, crowd=True),
        tasks.RedactEvent(SPACE, EVENT, expired=True),
        *(CARD, CHAT, STATE, WORD, REPLY, UNBAN, CAPTION),
    ]
    assert answered not in map(lane_of, courtesies)
    assert lane_of(UNBAN) != lane_of(STATE)


def test_a_room_is_full_when_an_answer_would_have_to_wait(room: Room) -> None:
    for _ in range(15):
        room.budgets.note(ROOM)
    assert not room.allowed.is_full(ROOM)
    room.budgets.note(ROOM)
    assert room.allowed.is_full(ROOM)
    assert not room.allowed.is_full(ELSEWHERE)


def test_other_rooms_and_rooms_that_are_not_made_yet_wait_for_nothing() -> None:
    homeless = Room(replace(live_space(), room=None))
    for _ in range(40):
        homeless.budgets.note(ROOM)
        homeless.budgets.note(ELSEWHERE)
    assert homeless.wait_s(CARD) == 0
    assert homeless.wait_s(tasks.Reply(ELSEWHERE, EVENT, "Done.", True)) == 0


def test_every_share_is_that_of_a_lane() -> None:
    some: list[tasks.OutboxTask] = [CARD, CHAT, STATE, CALL, WORD, REPLY, RING, UNBAN]
    assert {lane_of(wanted).name for wanted in some} == SHARES.keys()
