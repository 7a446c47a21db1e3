"""While two homeservers do not hear each other, each lets other things happen.

What the microphones follow afterwards is the state that the bridge's own homeserver holds, which
need not be what the event says that came last.
"""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.roles import Role
from tests.federation.federated_setup import FederatedSetup, id_of
from tests.federation.room_state import forge_levels, last_levels_event, levels_event
from tests.matrix.support import room_of

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("later", ["home", "away"])
async def test_the_floor_follows_the_state_whichever_event_came_last(
    setup: FederatedSetup, later: str
) -> None:
    """Two hosts: the bridge allows that nowhere, so it is away while they write."""
    ada, ben = await setup.person("ada"), await setup.person("ben")
    hana, carl = await setup.remote("hana"), await setup.remote("carl")
    space = await setup.live(ada, "Two minds", ben, hana, carl)
    room, identity = room_of(space), space.space
    await setup.on_air(space, ada, ben)
    async with setup.bridge_away():
        await ada.set_level(room, hana.id, 90)
        await setup.cut(space, ada, hana)
        if later == "home":
            there = await forge_levels(hana, room, users={carl.id: 10})
            await ada.set_level(room, ben.id, None)
        else:
            await ada.set_level(room, ben.id, None)
            there = await forge_levels(hana, room, users={carl.id: 10})
        here = await levels_event(ada, room)
        await setup.heal(space, ada, hana)
        # Theirs came last in either case; of two hosts' writes the younger one stands.
        assert last_levels_event(ada, room) == there
        assert await levels_event(ada, room) == (here if later == "home" else there)

    await setup.fence(space, ada, hana)
    await setup.settled()
    view = await setup.follows_state(space)
    assert view.host == ada.id
    assert (await ada.levels(room)).get(hana.id, 0) < 90
    for person in (ben, carl):
        if later == "home":
            assert await setup.refused_at_microphone(identity, person) == "no_floor"
        else:
            await setup.open_microphone(identity, person)
    assert setup.heard(identity) == (set() if later == "home" else {ben.id, carl.id})


@pytest.mark.parametrize("later", ["home", "away"])
async def test_what_the_host_wrote_far_away_stands_and_opens_nothing_by_itself(
    setup: FederatedSetup, later: str
) -> None:
    ada, ben = await setup.person("ada"), await setup.person("ben")
    hana, carl = await setup.remote("hana"), await setup.remote("carl")
    space = await setup.live(hana, "Far from home", ada, ben, carl)
    room, identity = room_of(space), space.space
    await setup.give_level(space, hana, ada, 60)
    await setup.on_air(space, hana, ben)

    await setup.cut(space, ada, hana)
    demotion = cmd.DemoteSpeaker(id_of(ada), id_of(ben))
    if later == "away":
        await setup.bridge.spaces.ask(identity, demotion)
        await setup.silenced(identity, ben)
    there = await forge_levels(hana, room, users={carl.id: 10})
    if later == "home":
        await setup.bridge.spaces.ask(identity, demotion)
        await setup.silenced(identity, ben)
    await setup.without_level(ada, room, ben)
    await setup.heal(space, ada, hana)

    # Of the bot's write and a host's, at odds, the host's stands: it counts as made later.
    assert await levels_event(ada, room) == there
    view = await setup.follows_state(space)
    assert setup.heard(identity) == frozenset()
    for person in (ben, carl):
        assert view.may_speak(id_of(person))
        await setup.open_microphone(identity, person)
    assert setup.heard(identity) == {ben.id, carl.id}


async def test_a_host_of_the_past_gives_the_floor_to_nobody(setup: FederatedSetup) -> None:
    ada, hana, carl = (
        await setup.person("ada"),
        await setup.remote("hana"),
        await setup.remote("carl"),
    )
    space = await setup.live(hana, "No longer", ada, carl)
    room, identity = room_of(space), space.space
    await setup.give_level(space, hana, ada, 60)

    await setup.cut(space, ada, hana)
    await setup.bridge.spaces.ask(identity, cmd.HandOver(id_of(hana), id_of(ada)))
    await setup.bridge.until(
        identity,
        lambda s: s.host == ada.id and s.role(id_of(hana)) < Role.HOST,
        "the host is not another one",
    )
    await setup.settled()
    await forge_levels(hana, room, users={carl.id: 10})
    await setup.heal(space, ada, carl)

    levels = await ada.levels(room)
    assert levels[ada.id] == 90
    assert levels[hana.id] < 90
    assert carl.id not in levels
    await setup.follows_state(space)
    assert await setup.refused_at_microphone(identity, carl) == "no_floor"


@pytest.mark.parametrize("later", ["home", "away"])
async def test_an_evil_server_does_not_keep_a_floor_that_was_taken(
    setup: FederatedSetup, later: str
) -> None:
    ada, carl, mallory = await setup.person("ada"), await setup.remote("carl"), await setup.evil()
    space = await setup.live(ada, "Deaf ears", carl, mallory)
    room, identity = room_of(space), space.space
    await setup.on_air(space, ada, mallory)

    await setup.cut(space, ada, carl)
    demotion = cmd.DemoteSpeaker(id_of(ada), id_of(mallory))
    if later == "home":
        await forge_levels(mallory, room, users={mallory.id: 90})
        await setup.bridge.spaces.ask(identity, demotion)
    else:
        await setup.bridge.spaces.ask(identity, demotion)
        await setup.silenced(identity, mallory)
        await forge_levels(mallory, room, users={mallory.id: 90})
    await setup.silenced(identity, mallory)
    held = await levels_event(ada, room)
    await setup.heal(space, ada, carl)

    assert await levels_event(ada, room) == held
    assert mallory.id not in await ada.levels(room)
    await setup.follows_state(space)
    assert await setup.refused_at_microphone(identity, mallory) == "no_floor"


async def test_a_kick_the_other_server_did_not_hear_of_leaves_no_floor(
    setup: FederatedSetup,
) -> None:
    ada, carl, dan = (
        await setup.person("ada"),
        await setup.remote("carl"),
        await setup.remote("dan"),
    )
    space = await setup.live(ada, "Kicked", carl, dan)
    room, identity = room_of(space), space.space
    await setup.on_air(space, ada, carl)

    await setup.cut(space, ada, dan)
    await ada.kick(room, carl.id)
    await setup.silenced(identity, carl)
    # To the other server he is a member still: a new name is as good as coming in again.
    member = {"membership": "join", "displayname": "Carl is back"}
    await carl.put_state(room, "m.room.member", member, carl.id)
    await setup.heal(space, ada, dan)

    assert carl.id not in await ada.levels(room)
    view = await setup.follows_state(space)
    assert not view.may_speak(id_of(carl))
    assert await setup.refused_at_microphone(identity, carl) == "no_floor"
