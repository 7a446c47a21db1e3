"""The rig itself: two homeservers that meet, a wire that is cut, an admin who forges."""

import pytest

from spaces_bridge_demo.matrix_user import MatrixError
from tests.federation.federated_setup import FederatedSetup
from tests.federation.room_state import forge_levels, state_of
from tests.matrix.support import eventually, room_of

pytestmark = pytest.mark.e2e


async def test_what_is_said_while_the_wire_is_cut_arrives_once_it_is_healed(
    setup: FederatedSetup,
) -> None:
    ada, carl = await setup.person("ada"), await setup.remote("carl")
    space = await setup.live(ada, "Cut", carl)
    room = room_of(space)
    await setup.cut(space, ada, carl)
    with pytest.raises(MatrixError):
        await (await setup.remote("dan")).try_to_join(setup.alias(space))
    await ada.send_text(room, "from home")
    await carl.send_text(room, "from away")
    heard = [carl.next_message(room, "from home"), ada.next_message(room, "from away")]
    assert not any(message.done for message in heard)
    await setup.heal(space, ada, carl)
    for message in heard:
        await message


async def test_the_evil_admin_may_do_anything_at_home_and_only_there(
    setup: FederatedSetup,
) -> None:
    ada, carl, mallory = await setup.person("ada"), await setup.remote("carl"), await setup.evil()
    space = await setup.live(ada, "Forged", carl, mallory)
    room = room_of(space)
    with pytest.raises(MatrixError):
        await forge_levels(carl, room, users={carl.id: 100})
    held = await state_of(ada, room)
    forged = await forge_levels(mallory, room, users={mallory.id: 100})
    await mallory.request("GET", f"rooms/{room}/event/{forged}")
    await setup.fence(space, ada, carl)
    assert await state_of(ada, room) == held
    with pytest.raises(MatrixError) as refusal:
        await ada.request("GET", f"rooms/{room}/event/{forged}")
    assert refusal.value.status == 404
    await eventually(lambda: setup.heard(space.space) == frozenset(), "somebody is heard")
