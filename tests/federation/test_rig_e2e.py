"""The rig itself: two homeservers that meet, a wire that is cut, an admin who forges."""

import pytest

from spaces_bridge_demo.matrix_user import MatrixError
from tests.federation.room_state import forge_levels, state_of
from tests.federation.town import FederatedTown
from tests.matrix.support import eventually, room_of

pytestmark = pytest.mark.e2e


async def test_what_is_said_while_the_wire_is_cut_arrives_once_it_is_healed(
    town: FederatedTown,
) -> None:
    ada, carl = await town.person("ada"), await town.remote("carl")
    space = await town.live(ada, "Cut", carl)
    room = room_of(space)
    await town.cut(space, ada, carl)
    with pytest.raises(MatrixError):
        await (await town.remote("dan")).try_to_join(town.alias(space))
    await ada.send_text(room, "from home")
    await carl.send_text(room, "from away")
    heard = [carl.next_message(room, "from home"), ada.next_message(room, "from away")]
    assert not any(message.done for message in heard)
    await town.heal(space, ada, carl)
    for message in heard:
        await message


async def test_the_evil_admin_may_do_anything_at_home_and_only_there(
    town: FederatedTown,
) -> None:
    ada, carl, mallory = await town.person("ada"), await town.remote("carl"), await town.evil()
    space = await town.live(ada, "Forged", carl, mallory)
    room = room_of(space)
    with pytest.raises(MatrixError):
        await forge_levels(carl, room, users={carl.id: 100})
    held = await state_of(ada, room)
    forged = await forge_levels(mallory, room, users={mallory.id: 100})
    await mallory.request("GET", f"rooms/{room}/event/{forged}")
    await town.fence(space, ada, carl)
    assert await state_of(ada, room) == held
    with pytest.raises(MatrixError) as refusal:
        await ada.request("GET", f"rooms/{room}/event/{forged}")
    assert refusal.value.status == 404
    await eventually(lambda: town.heard(space.space) == frozenset(), "somebody is heard")
