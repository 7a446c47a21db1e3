"""Bans follow from who is removed, whatever was enqueued before."""

from typing import Any

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.moderation.bans import Bans, is_kept_out
from spaces_bridge.matrix.rooms.members import Membership
from tests.support.spaces import BEN, EVE, GUEST, HOST, after, live_space

pytestmark = pytest.mark.unit

REMOVED = after(live_space(), cmd.RemovePerson(HOST, BEN, "spam"))
BLOCKED = after(live_space(), cmd.RemovePerson(None, EVE, "spam", blocked=True))


class Room:
    """The live space, its room's memberships, and what was asked of the homeserver."""

    def __init__(self, space: LiveSpace, membership: str) -> None:
        self.space = space
        self.kind = membership
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.told: list[tasks.OutboxTask] = []
        self.user = UserId("@spacesbot:example.org")

    async def find(self, space: SpaceId) -> LiveSpace:
        return self.space

    async def membership(self, space: SpaceId, room: RoomId, user: UserId) -> Membership:
        return Membership(self.kind)

    async def call(self, method: str, path: list[str], body: dict[str, str]) -> None:
        self.asked.append((path[-1], body))
        self.kind = "ban" if path[-1] == "ban" else "leave"

    async def enqueue_task(self, wanted: tasks.OutboxTask, key: str) -> None:
        self.told.append(wanted)

    @property
    def bans(self) -> Bans:
        room: Any = self
        return Bans(room, room, room)


BAN = tasks.BanPerson(REMOVED.space, BEN, "spam")
UNBAN = tasks.UnbanPerson(REMOVED.space, BEN)


@pytest.mark.parametrize("membership", ["join", "leave", "invite"])
@pytest.mark.parametrize("wanted", [BAN, UNBAN])
async def test_who_is_removed_is_banned_once_whichever_task_comes_last(
    wanted: tasks.BanPerson | tasks.UnbanPerson, membership: str
) -> None:
    room = Room(REMOVED, membership)
    await room.bans.run(wanted, "1")
    assert [verb for verb, _ in room.asked] == ["ban"]
    await room.bans.run(BAN, "2")
    assert len(room.asked) == 1


async def test_who_was_readmitted_is_unbanned_and_an_old_task_bans_nobody() -> None:
    room = Room(after(REMOVED, cmd.ReadmitPerson(HOST, BEN)), "ban")
    await room.bans.run(UNBAN, "1")
    await room.bans.run(BAN, "2")
    assert room.asked == [("unban", {"user_id": BEN})]


async def test_a_removed_guest_who_never_raised_a_hand_leaves_no_trace_in_the_room() -> None:
    room = Room(after(live_space(), cmd.RemovePerson(HOST, GUEST)), "leave")
    await room.bans.run(tasks.BanPerson(room.space.space, GUEST, ""), "1")
    assert room.asked == []
    room = Room(after(room.space, cmd.ReadmitPerson(HOST, GUEST)), "ban")
    await room.bans.run(tasks.UnbanPerson(room.space.space, GUEST), "2")
    assert [verb for verb, _ in room.asked] == ["unban"]


def test_after_the_end_only_blocks_stand() -> None:
    removed, blocked = (after(s, cmd.EndSpace(HOST, 9)) for s in (REMOVED, BLOCKED))
    assert is_kept_out(REMOVED, BEN)
    assert not is_kept_out(removed, BEN)
    assert is_kept_out(blocked, EVE)
    assert not is_kept_out(blocked, BEN)


async def test_moderators_are_told_of_bans_that_are_refused_and_of_nothing_else() -> None:
    room = Room(REMOVED, "join")
    refusal = RequestRefused(403, "M_FORBIDDEN", "no")
    await room.bans.refused(UNBAN, refusal)
    assert room.told == []
    await room.bans.refused(BAN, refusal)
    [told] = room.told
    assert isinstance(told, tasks.TellUser)
    assert told.user == HOST
    assert BEN in told.text
