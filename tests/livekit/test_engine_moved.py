"""A room at LiveKit that was moved: what was seen at the node of before is not true any more."""

import pytest

from tests.livekit.call_world import ALICE, ALICE_ID, SPACE, SPEAKER
from tests.livekit.engine_world import paper_world

pytestmark = pytest.mark.unit


async def test_until_the_home_relay_is_back_the_servers_list_counts() -> None:
    async with paper_world() as (world, relays, _server):
        await world.seat(ALICE, "Alice", SPEAKER)
        relays.see(world.participant(ALICE))
        room = world.rooms._rooms[SPACE]
        room.listed(())
        assert world.rooms.is_connected(SPACE, ALICE_ID)  # the relay sees more than the list
        world.rooms.moved(SPACE)
        assert world.rooms.is_connected(SPACE, ALICE_ID)
        room.listed(())
        assert not world.rooms.is_connected(SPACE, ALICE_ID)
