"""Taps on bubbles and cards: what counts, and what takes it back."""

from dataclasses import replace
from typing import Any

import pytest

from spaces_bridge.app.usecases.following import Following
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.appservice.card_reactions import CardReactions
from spaces_bridge.matrix.events.translate import Reaction, Redaction
from tests.support.notes import MemoryNotes
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, EVE, HOST, ROOM, live_space, scheduled

pytestmark = pytest.mark.unit

SQUARE, BUBBLE, CARD, TAP = RoomId("!square"), EventId("$bubble"), EventId("$card"), EventId("$t")


class Lobby:
    """A community's room with a bubble, and the live space's own with its card."""

    def __init__(self, space: LiveSpace) -> None:
        self.space = replace(space, community=SQUARE, room=ROOM)
        self.notes = MemoryNotes()
        self.asked: list[cmd.Command] = []
        self.refusal: Rejected | None = None
        self.followers = Recorder()
        every: Any = self
        self.taps = CardReactions(
            every, Following(self.followers.context()), self.notes, every, every
        )

    async def tap(
        self, key: str, target: EventId = BUBBLE, room: RoomId = SQUARE, by: UserId = BEN
    ) -> bool:
        return await self.taps.reacted(Reaction(room, TAP, by, target, key))

    async def take_back(self, by: UserId = BEN) -> bool:
        return await self.taps.took_back(Redaction(SQUARE, EventId("$redaction"), by, TAP))

    def by_room(self, room: RoomId) -> LiveSpace | None:
        return self.space if room == ROOM else None

    async def event_of(self, space: SpaceId) -> EventId:
        return CARD

    async def space_of(self, event: EventId) -> LiveSpace | None:
        return self.space if event == BUBBLE else None

    async def removed(self, event: EventId, room: RoomId) -> bool:
        return False

    async def ask(self, space: SpaceId, command: cmd.Command, source: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(command)

    @property
    def following(self) -> set[tuple[UserId, UserId]]:
        return self.followers.following


@pytest.mark.parametrize("key", ["🔔", "🔔\ufe0f", "🛎️", "🛎"])
async def test_a_bell_in_any_form_follows_the_host(key: str) -> None:
    for target, room in ((BUBBLE, SQUARE), (CARD, ROOM)):
        lobby = Lobby(live_space())
        assert await lobby.tap(key, target, room)
        assert lobby.following == {(HOST, BEN)}


async def test_only_its_owner_takes_a_bell_back() -> None:
    lobby = Lobby(live_space())
    await lobby.tap("🔔")
    assert await lobby.take_back(by=EVE)
    assert lobby.following == {(HOST, BEN)}
    assert await lobby.take_back()
    assert lobby.following == set()


async def test_who_was_followed_is_unfollowed_though_another_hosts_now() -> None:
    lobby = Lobby(live_space())
    await lobby.tap("🔔")
    lobby.space = replace(lobby.space, host=EVE)
    await lobby.take_back()
    assert lobby.following == set()


async def test_nobody_follows_themselves() -> None:
    lobby = Lobby(live_space())
    assert await lobby.tap("🔔", by=HOST)
    assert lobby.following == set()


async def test_a_bubble_counts_in_its_own_room_only() -> None:
    lobby = Lobby(live_space())
    assert not await lobby.tap("🔔", BUBBLE, RoomId("!elsewhere"))
    assert not await lobby.tap("🔔", EventId("$other"))
    assert not await lobby.tap("🔔", EventId("$other"), ROOM)
    assert lobby.following == set()


async def test_a_tick_reminds_until_it_is_taken_back() -> None:
    lobby = Lobby(scheduled())
    assert await lobby.tap("✅")
    assert await lobby.take_back()
    assert lobby.asked == [cmd.WantReminder(BEN), cmd.DropReminder(BEN)]


async def test_a_tick_on_a_live_card_is_a_reaction_like_others() -> None:
    lobby = Lobby(live_space())
    assert not await lobby.tap("✅", CARD, ROOM)
    assert lobby.asked == []


async def test_other_emoji_and_refusals_are_no_taps() -> None:
    lobby = Lobby(scheduled())
    assert not await lobby.tap("👏")
    lobby.refusal = Rejected("removed", "A host has removed you.")
    assert not await lobby.tap("✅")
    assert not await Lobby(scheduled()).take_back()
