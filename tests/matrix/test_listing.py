"""The homeserver's list of public rooms: asked once, advised once."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.cards.listing import RoomList
from spaces_bridge.matrix.client.errors import RequestRefused

pytestmark = pytest.mark.unit

ROOM, OTHER = RoomId("!room"), RoomId("!other")


class Registry:
    """Lists rooms as asked, refuses, or only pretends to."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.listed: dict[str, str] = {}
        self.writes = 0
        every: Any = self
        self.rooms = RoomList(every)

    async def call(
        self, method: str, path: list[str], body: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        if body is None:
            return {"visibility": self.listed.get(path[-1], "private")}
        self.writes += 1
        if self.answer == "refuses" and body["visibility"] == "public":
            raise RequestRefused(403, "M_FORBIDDEN", "Not allowed to publish room")
        if self.answer == "takes":
            self.listed[path[-1]] = body["visibility"]
        return {}


async def test_a_room_is_shown_and_hidden_with_one_write_each() -> None:
    registry = Registry("takes")
    for _ in range(3):
        await registry.rooms.show(ROOM)
    assert (registry.listed, registry.writes) == ({ROOM: "public"}, 1)
    for _ in range(3):
        await registry.rooms.hide(ROOM)
    assert (registry.listed, registry.writes) == ({ROOM: "private"}, 2)


@pytest.mark.parametrize("answer", ["refuses", "pretends"])
async def test_what_is_not_listed_is_said_once_with_the_line_to_add(
    answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(answer)
    with caplog.at_level(logging.WARNING):
        for room in (ROOM, ROOM, OTHER):
            await registry.rooms.show(room)
    assert registry.writes == 2
    (said,) = [record.getMessage() for record in caplog.records]
    assert "room_list_publication_rules: [{action: allow}]" in said
