"""Invitations and questions by direct message: how many, and what an inviter is told."""

from typing import Any

import pytest

from spaces_bridge.app.wishes import InviteByMessage, PromptModerator, TellUser, Wish
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import create, decide
from spaces_bridge.matrix.dms import Standing
from spaces_bridge.matrix.errors import Refused
from spaces_bridge.matrix.invites import DAY_MS, STRANGERS_A_DAY, InviteLimits
from spaces_bridge.matrix.letters import Letters
from spaces_bridge.matrix.settings import MatrixSettings

pytestmark = pytest.mark.unit

ADA, BEN, SPACE = UserId("@ada:x"), UserId("@ben:x"), SpaceId("space")
INVITE = InviteByMessage(SPACE, BEN, ADA)
SETTINGS = MatrixSettings("http://hs", "x", "as", "hs", "https://pages")


def started() -> LiveSpace:
    space = born(create(cmd.CreateSpace(SPACE, "bread", "Bread", ADA, "Ada", 1)))
    space = evolve(space, ev.RoomAttached(RoomId("!room")))
    space = evolve(space, ev.SpaceStarted(ADA, 2))
    for event in decide(space, cmd.ObserveMember(BEN, True, "Ben")):
        space = evolve(space, event)
    return space


class Desk:
    """Letters, with a town that notes what is sent and wished."""

    def __init__(self) -> None:
        self.now = 5 * DAY_MS
        self.notes: dict[str, str] = {}
        self.sent: list[str] = []
        self.told: list[TellUser] = []
        self.standings: dict[UserId, Standing] = {}
        self.space = started()
        every: Any = self
        limits = InviteLimits(every, every)
        self.letters = Letters(every, every, every, every, every, SETTINGS, limits)

    def now_ms(self) -> int:
        return self.now

    async def remember(self, name: str, value: str) -> None:
        self.notes[name] = value

    async def lookup(self, name: str) -> str | None:
        return self.notes.get(name)

    async def find(self, space: SpaceId) -> LiveSpace:
        return self.space

    async def wish(self, wanted: Wish, key: str, due_at_ms: int = 0) -> None:
        assert isinstance(wanted, TellUser)
        self.told.append(wanted)

    async def standing(self, user: UserId) -> Standing:
        return self.standings.get(user, Standing.STRANGER)

    async def room_for(self, user: UserId, title: str = "", word: str = "") -> RoomId:
        return RoomId(f"!dm-{user}")

    async def send(self, room: RoomId, type_: str, content: object, key: str) -> EventId:
        if type_ == "m.room.message":
            self.sent.append(room)
        return EventId(f"${key}")

    async def invite(self, user: UserId, key: str, by: UserId = ADA) -> bool:
        """Whether they were written to."""
        return await self.letters.run(InviteByMessage(SPACE, user, by), key) is not None

    def happen(self, command: cmd.Command) -> None:
        for event in decide(self.space, command):
            self.space = evolve(self.space, event)


@pytest.mark.parametrize(
    ("errcode", "part"),
    [
        ("M_FORBIDDEN", "take no invitations"),
        ("M_INVITE_BLOCKED", "take no invitations"),
        ("M_INVALID_PARAM", "Is that Matrix ID right?"),
    ],
)
async def test_a_refused_invitation_is_told_to_the_inviter(errcode: str, part: str) -> None:
    desk = Desk()
    await desk.letters.refused(INVITE, Refused(403, errcode, "no"))
    (told,) = desk.told
    assert told.user == ADA
    assert part in told.text
    assert BEN in told.text


async def test_an_inviter_reaches_only_so_many_strangers_a_day() -> None:
    desk = Desk()
    people = [UserId(f"@p{n}:x") for n in range(STRANGERS_A_DAY + 1)]
    reached = [await desk.invite(user, f"k{user}") for user in people]
    assert reached == [True] * STRANGERS_A_DAY + [False]
    (told,) = desk.told
    assert told.user == ADA
    assert f"at most {STRANGERS_A_DAY} people a day" in told.text
    assert await desk.invite(people[0], f"k{people[0]}"), "a retry is not counted again"
    assert await desk.invite(people[-1], "by another", by=BEN)
    desk.standings[UserId("@friend:x")] = Standing.KNOWN
    assert await desk.invite(UserId("@friend:x"), "friend")
    desk.now += DAY_MS
    assert await desk.invite(people[-1], "tomorrow")


async def test_the_same_inviter_invites_somebody_once() -> None:
    desk = Desk()
    assert await desk.invite(BEN, "first")
    assert await desk.invite(BEN, "first"), "the same wish once more, after a crash"
    assert not await desk.invite(BEN, "second")
    assert "already" in desk.told[0].text


async def test_who_left_the_direct_messages_is_not_asked_back_by_an_invitation() -> None:
    desk = Desk()
    desk.standings[BEN] = Standing.LEFT
    assert not await desk.invite(BEN, "k")
    assert desk.sent == []
    assert "has left my direct messages" in desk.told[0].text
    assert "https://pages" in desk.told[0].text


async def test_a_host_is_asked_about_a_hand_once_however_often_it_went_up() -> None:
    desk = Desk()
    question = PromptModerator(SPACE, ADA, BEN, False)
    assert await desk.letters.run(question, "early") is None, "no hand is up"
    desk.happen(cmd.RequestToSpeak(BEN, 10))
    assert await desk.letters.run(question, "first") == "$first"
    assert await desk.letters.run(question, "first") == "$first", "again after a crash"
    assert await desk.letters.run(question, "second") is None
    desk.happen(cmd.CancelRequest(BEN))
    desk.happen(cmd.RequestToSpeak(BEN, 20))
    assert await desk.letters.run(question, "third") == "$third"
