"""While two homeservers do not hear each other, each lets other things happen.

What the microphones follow afterwards is the state that the bridge's own homeserver holds, which
need not be what the event says that came last.
"""

import pytest

from spaces_bridge.app.wishes import WriteLevel
from spaces_bridge.core import commands as cmd
from tests.federation.town import (
    FederatedTown,
    forge_levels,
    id_of,
    last_levels_event,
    levels_event,
)
from tests.matrix.support import room_of

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("later", ["home", "away"])
async def test_the_microphone_follows_the_state_whichever_event_came_last(
    town: FederatedTown, later: str
) -> None:
    ada, ben = await town.person("ada"), await town.person("ben")
    hana, carl = await town.remote("hana"), await town.remote("carl")
    space = await town.live(ada, "Two minds", ben, hana, carl)
    room, identity = room_of(space), space.space
    await town.give_level(space, ada, hana, 90)
    await town.on_air(space, ada, ben)

    await town.cut(space, ada, hana)
    if later == "home":
        there = await forge_levels(hana, room, users={carl.id: 10})
        await ada.set_level(room, ben.id, None)
    else:
        await ada.set_level(room, ben.id, None)
        there = await forge_levels(hana, room, users={carl.id: 10})
    here = await levels_event(ada, room)
    await town.silenced(identity, ben)
    await town.heal(space, ada, hana)

    # Theirs came last in either case; of two hosts' writes the younger one stands.
    assert last_levels_event(ada, room) == there
    stands = await levels_event(ada, room)
    assert stands == (here if later == "home" else there)
    await town.follows_state(space)
    assert town.heard(identity) == frozenset()
    for person in (ben, carl):
        if stands == there:
            await town.open_microphone(identity, person)
        else:
            assert await town.refused_at_microphone(identity, person) == "no_floor"
    await town.follows_state(space)


async def test_a_demotion_there_that_did_not_stand_takes_nothing_for_good(
    town: FederatedTown,
) -> None:
    ada, ben = await town.person("ada"), await town.person("ben")
    hana, carl = await town.remote("hana"), await town.remote("carl")
    space = await town.live(ada, "Only a hint", ben, hana, carl)
    room, identity = room_of(space), space.space
    await town.give_level(space, ada, hana, 90)
    await town.on_air(space, ada, ben)

    await town.cut(space, ada, hana)
    await hana.set_level(room, ben.id, None)
    await town.give_level(space, ada, carl, 1)  # lets nobody in or out: it is only the younger
    await town.heal(space, ada, hana)

    assert await levels_event(ada, room) != last_levels_event(ada, room)
    view = await town.follows_state(space)
    assert view.may_speak(id_of(ben))
    # The hint may have shut the gate: what is shut too much, the person opens again.
    await town.open_microphone(identity, ben)
    assert town.heard(identity) == {ben.id}


async def test_a_host_who_lost_the_floor_gives_it_to_nobody_from_the_past(
    town: FederatedTown,
) -> None:
    ada, hana, carl = (
        await town.person("ada"),
        await town.remote("hana"),
        await town.remote("carl"),
    )
    space = await town.live(ada, "No longer", hana, carl)
    room, identity = room_of(space), space.space
    await town.give_level(space, ada, hana, 90)

    await town.cut(space, ada, hana)
    await town.bridge.spaces.wish(WriteLevel(identity, id_of(hana), None), "taken back")
    await town.settled()
    await forge_levels(hana, room, users={carl.id: 10, hana.id: 91 - 1})
    await town.heal(space, ada, carl)

    assert not {hana.id, carl.id} & (await ada.levels(room)).keys()
    await town.follows_state(space)
    for person in (hana, carl):
        assert await town.refused_at_microphone(identity, person) == "no_floor"


@pytest.mark.parametrize("later", ["home", "away"])
async def test_an_evil_server_does_not_keep_a_floor_that_was_taken(
    town: FederatedTown, later: str
) -> None:
    ada, carl, mallory = await town.person("ada"), await town.remote("carl"), await town.evil()
    space = await town.live(ada, "Deaf ears", carl, mallory)
    room, identity = room_of(space), space.space
    await town.on_air(space, ada, mallory)

    await town.cut(space, ada, carl)
    demotion = cmd.DemoteSpeaker(id_of(ada), id_of(mallory))
    if later == "home":
        await forge_levels(mallory, room, users={mallory.id: 90})
        await town.bridge.spaces.ask(identity, demotion)
    else:
        await town.bridge.spaces.ask(identity, demotion)
        await town.silenced(identity, mallory)
        await forge_levels(mallory, room, users={mallory.id: 90})
    await town.silenced(identity, mallory)
    held = await levels_event(ada, room)
    await town.heal(space, ada, carl)

    assert await levels_event(ada, room) == held
    assert mallory.id not in await ada.levels(room)
    await town.follows_state(space)
    assert await town.refused_at_microphone(identity, mallory) == "no_floor"


async def test_a_kick_the_other_server_did_not_hear_of_leaves_no_floor(
    town: FederatedTown,
) -> None:
    ada, carl, dan = await town.person("ada"), await town.remote("carl"), await town.remote("dan")
    space = await town.live(ada, "Kicked", carl, dan)
    room, identity = room_of(space), space.space
    await town.on_air(space, ada, carl)

    await town.cut(space, ada, dan)
    await ada.kick(room, carl.id)
    await town.silenced(identity, carl)
    # To the other server he is a member still: a new name is as good as coming in again.
    member = {"membership": "join", "displayname": "Carl is back"}
    await carl.put_state(room, "m.room.member", member, carl.id)
    await town.heal(space, ada, dan)

    assert carl.id not in await ada.levels(room)
    view = await town.follows_state(space)
    assert not view.may_speak(id_of(carl))
    assert await town.refused_at_microphone(identity, carl) == "no_floor"
