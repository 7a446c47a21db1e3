"""Rooms that are taken from the bridge, on a real Synapse."""

import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.rooms.lost_room import PUT_OUT, REPLACED
from spaces_bridge_demo.matrix_user import MatrixError
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of
from tests.matrix.talking import meet, say

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("why", [PUT_OUT, REPLACED])
async def test_a_live_space_that_has_lost_its_room_ends_with_a_word(
    setup: LiveSetup, bridge: Bridge, settle: Settle, why: str
) -> None:
    ada = await settle("ada")
    direct = await meet(ada)
    await say(ada, direct, "create Lost room")
    space = next(s for s in bridge.spaces.open() if s.host == ada.id)
    space = await bridge.until(space.space, lambda s: s.room is not None, "no room")
    room = room_of(space)
    await ada.join(room)
    await bridge.until(space.space, lambda s: s.person(UserId(ada.id)).joined, "not in")
    await bridge.spaces.ask(space.space, cmd.StartSpace(UserId(ada.id), 1))
    await bridge.spaces.ask(space.space, cmd.OpenMicrophone(UserId(ada.id)))
    assert bridge.view(space.space).on_air
    # what an admin of the homeserver does with the bot's account
    api = HomeserverApi(setup.homeserver.url, setup.as_token, Reach(), lambda _: None)
    await api.start()
    bot = MatrixClient(api, UserId(BOT))
    if why == PUT_OUT:
        await bot.leave(room)
        with pytest.raises(AdapterError):
            await bridge.matrix.read_room(room)
    else:
        with pytest.raises(MatrixError, match="M_FORBIDDEN"):  # the host may not
            await ada.put_state(room, "m.room.tombstone", {"replacement_room": "!x", "body": "x"})
        await bot.call("POST", ["rooms", room, "upgrade"], {"new_version": "12"})
    await api.stop()
    ended = await bridge.until(space.space, lambda s: s.phase is Phase.ENDED, "goes on")
    assert not ended.on_air
    await eventually(
        lambda: [e for e in ada.seen if why in str(e.get("content", {}).get("body"))], "no word"
    )
