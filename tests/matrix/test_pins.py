"""Pins beside other people's, and writes that cross."""

from collections.abc import Mapping
from typing import Any

import pytest

from spaces_bridge.core.ids import EventId, RoomId
from spaces_bridge.matrix.cards import pins
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent

pytestmark = pytest.mark.unit

ROOM, CARD, POST = RoomId("!room"), EventId("$card"), EventId("$post")


class Board:
    """A room's pins; `meanwhile` is pinned by somebody just before our next writes."""

    def __init__(self, *held: str) -> None:
        self.events: list[list[str]] = [list(held)] if held else []
        self.meanwhile: list[list[str]] = []
        self.writes = 0

    async def state_event(self, room: RoomId, type_: str) -> StateEvent:
        if not self.events:
            raise RequestRefused(404, "M_NOT_FOUND", "no pins")
        return self._event(len(self.events) - 1)

    async def event(self, room: RoomId, event: EventId) -> StateEvent:
        return self._event(int(event.removeprefix("$")))

    async def write_state(self, room: RoomId, type_: str, content: Mapping[str, Any]) -> EventId:
        if self.meanwhile:
            self.events.append(self.meanwhile.pop(0))
        self.events.append(content["pinned"])
        self.writes += 1
        return EventId(f"${len(self.events) - 1}")

    def _event(self, number: int) -> StateEvent:
        before = EventId(f"${number - 1}") if number else None
        return StateEvent(EventId(f"${number}"), before, {"pinned": self.events[number]})

    @property
    def held(self) -> list[str]:
        return self.events[-1]

    async def arrange(self, placing: pins.Placing) -> None:
        board: Any = self
        await pins.Pins(board).arrange(ROOM, placing)


async def test_an_empty_board_gets_its_first_pin() -> None:
    board = Board()
    await board.arrange(pins.first(CARD))
    assert board.held == [CARD]


async def test_others_pins_stay_and_nothing_is_written_twice() -> None:
    board = Board("$a", CARD, "$b")
    await board.arrange(pins.first(CARD))
    await board.arrange(pins.first(CARD))
    assert (board.held, board.writes) == ([CARD, "$a", "$b"], 1)


async def test_what_somebody_pinned_meanwhile_is_put_back() -> None:
    board = Board("$a")
    board.meanwhile = [["$a", "$theirs"]]
    await board.arrange(pins.added(CARD))
    assert board.held == ["$a", "$theirs", CARD]


async def test_what_somebody_unpinned_meanwhile_stays_unpinned() -> None:
    board = Board("$a", "$b")
    board.meanwhile = [["$b"]]
    await board.arrange(pins.added(CARD))
    assert board.held == ["$b", CARD]


async def test_the_very_first_pins_may_cross_too() -> None:
    board = Board()
    board.meanwhile = [["$theirs"]]
    await board.arrange(pins.added(CARD))
    assert board.held == ["$theirs", CARD]


async def test_an_endless_race_is_for_later() -> None:
    board = Board("$a")
    board.meanwhile = [["$a", f"${number}x"] for number in range(9)]
    with pytest.raises(Away):
        await board.arrange(pins.added(CARD))


def test_posts_stand_behind_the_card_and_others_pins() -> None:
    newest = [EventId("$2"), EventId("$3"), POST]
    placing = pins.with_posts(CARD, {"$1", "$2", "$3", POST}, newest, POST)
    assert placing(["$1", "$host", "$2", CARD, "$3"]) == [CARD, "$host", "$2", "$3", POST]
    # $2 was taken out by a host
    assert placing([CARD, "$3"]) == [CARD, "$3", POST]
    assert placing(placing([CARD, "$3"])) == [CARD, "$3", POST]


def test_what_is_shared_twice_or_is_the_card_is_pinned_once() -> None:
    newest = [POST, EventId("$2"), POST]
    placing = pins.with_posts(CARD, {"$2", POST}, newest, POST)
    assert placing([CARD, POST, "$2"]) == [CARD, "$2", POST]
    assert pins.with_posts(CARD, {CARD, "$2"}, [EventId("$2"), CARD], CARD)([CARD, "$2"]) == [
        CARD,
        "$2",
    ]


@pytest.mark.parametrize("content", [{}, {"pinned": "x"}, {"pinned": [1, None]}, {"pinned": {}}])
def test_what_is_no_list_of_ids_is_no_pin(content: dict[str, Any]) -> None:
    assert pins.pinned(content) == []
