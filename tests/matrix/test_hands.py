"""Hands by reaction: what a crowd of them costs."""

from typing import Any

import pytest

from spaces_bridge.app.tasks import OutboxTask, RedactEvent, TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge.core.rules import decide
from spaces_bridge.matrix.appservice.hand_reactions import (
    CLEANED_A_MINUTE,
    WORDS_A_MINUTE,
    HandReactions,
)
from spaces_bridge.matrix.commands.flood import WINDOW_MS
from spaces_bridge.matrix.events.translate import Reaction
from tests.support.spaces import BEN, HOST, ROOM, after, live_space

pytestmark = pytest.mark.unit


class Card:
    """A live card on which people tap."""

    def __init__(self) -> None:
        self.space = after(live_space(), cmd.LockSpace(HOST))
        self.asked = 0
        self.enqueued: list[OutboxTask] = []
        self.now = 1
        every: Any = self
        self.hands = HandReactions(every, every)

    def now_ms(self) -> int:
        return self.now

    async def ask(self, space: SpaceId, command: cmd.Command, source: str) -> None:
        self.asked += 1
        decide(self.space, command)

    async def enqueue_task(self, wanted: OutboxTask, key: str) -> None:
        self.enqueued.append(wanted)

    async def tap(self, by: UserId, number: int) -> None:
        event = EventId(f"${by}{number}")
        await self.hands.raised(self.space, Reaction(ROOM, event, by, EventId("$card"), "✋"))

    def count(self, kind: type[OutboxTask]) -> int:
        return sum(isinstance(wanted, kind) for wanted in self.enqueued)


async def test_who_may_not_is_told_why_and_the_hand_goes() -> None:
    card = Card()
    await card.tap(BEN, 1)
    assert card.enqueued == [
        RedactEvent(card.space.space, EventId(f"${BEN}1"), crowd=True),
        TellUser(BEN, "❌ “First talk”: This live space is locked: no hands right now."),
    ]


async def test_a_flood_of_hands_costs_next_to_nothing() -> None:
    card = Card()
    trolls = [UserId(f"@troll{n}:evil") for n in range(50)]
    for number in range(100):
        for troll in trolls:
            await card.tap(troll, number)
    assert card.count(TellUser) == WORDS_A_MINUTE
    assert card.count(RedactEvent) == CLEANED_A_MINUTE
    assert card.asked <= 50 * 12
    card.now += WINDOW_MS
    card.enqueued.clear()
    await card.tap(trolls[0], 101)
    assert card.count(RedactEvent) == card.count(TellUser) == 1
