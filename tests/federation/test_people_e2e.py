"""People of another homeserver, with nothing but a plain client, in a live space of ours."""

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.core.roles import Role
from spaces_bridge_demo.expected import Event
from spaces_bridge_demo.house import link_in
from spaces_bridge_demo.matrix_user import MatrixError
from tests.federation.town import FederatedTown, id_of
from tests.matrix.support import eventually, room_of

pytestmark = pytest.mark.e2e


async def test_a_remote_user_meets_the_bot(town: FederatedTown) -> None:
    carl = await town.remote("carl", met=True)
    assert "Nothing is on" in await town.say(carl, carl.dm, "live")


async def test_a_remote_listener_is_given_the_floor_and_loses_it(town: FederatedTown) -> None:
    ada = await town.person("ada", met=True)
    carl = await town.remote("carl", met=True)
    space = await town.live(ada, "Far and near")
    room, identity = room_of(space), space.space
    await town.join(space, carl)

    asked = ada.next_prompt(carl)
    await carl.react(room, await town.bridge.card(identity), "✋")
    prompt = await asked
    letter = carl.next_message(carl.dm, "The floor in")
    await ada.react(prompt["room_id"], prompt["event_id"], "✅")
    await town.offered(space, carl)
    assert link_in(await letter) is not None
    assert (await ada.levels(room))[carl.id] == 10
    assert town.heard(identity) == frozenset()
    await town.open_microphone(identity, carl)
    assert town.heard(identity) == {carl.id}

    assert "listener again" in await town.say(ada, room, f"!space demote {carl.id}")
    await town.silenced(identity, carl)
    assert await town.refused_at_microphone(identity, carl) == "no_floor"

    async def forgotten() -> bool:
        return carl.id not in await carl.levels(room)

    await eventually(forgotten, "the remote server holds the level still")

    assert "number 1" in await town.say(carl, room, "!space speak")
    assert "The floor goes to" in await town.say(ada, room, "!space approve 1")
    await town.offered(space, carl)
    assert town.heard(identity) == frozenset()
    await town.open_microphone(identity, carl)
    assert town.heard(identity) == {carl.id}
    await town.follows_state(space)


async def test_a_remote_hand_is_taken_back_with_its_reaction(town: FederatedTown) -> None:
    ada, carl = await town.person("ada"), await town.remote("carl")
    space = await town.live(ada, "On second thoughts", carl)
    room, identity = room_of(space), space.space
    hand = await carl.react(room, await town.bridge.card(identity), "✋")
    await town.bridge.until(identity, lambda s: id_of(carl) in s.requests, "no hand")
    await carl.redact(room, hand)
    await town.bridge.until(identity, lambda s: not s.hands, "the hand is up still")
    await town.fence(space, ada, carl)
    await town.settled()
    redacted = [e["sender"] for e in await ada.timeline(room) if target_of(e) == hand]
    assert redacted == [carl.id], "the bot redacts what is redacted"


async def test_a_kick_from_a_plain_client_shuts_a_remote_speakers_gate(
    town: FederatedTown,
) -> None:
    ada, carl = await town.person("ada"), await town.remote("carl")
    space = await town.live(ada, "Out", carl)
    room = room_of(space)
    await town.on_air(space, ada, carl)
    await ada.kick(room, carl.id)
    await town.silenced(space.space, carl)
    assert carl.id not in await ada.levels(room)
    await town.follows_state(space)


async def test_a_remote_cohost_gives_and_takes_the_floor(town: FederatedTown) -> None:
    ada, ben = await town.person("ada"), await town.person("ben")
    carl, dan = await town.remote("carl"), await town.remote("dan")
    space = await town.live(ada, "Helping hands", ben, carl, dan)
    room, identity = room_of(space), space.space
    await town.give_level(space, ada, carl, 60)
    assert town.bridge.view(identity).role(id_of(carl)) is Role.COHOST
    for listener in (ben, dan):
        assert "number 1" in await town.say(listener, room, "!space speak")
        assert "The floor goes to" in await town.say(carl, room, "!space approve 1")
        await town.offered(space, listener)
        await town.open_microphone(identity, listener)
        assert town.heard(identity) == {listener.id}
        await town.say(carl, room, f"!space demote {listener.id}")
        await town.silenced(identity, listener)
    await town.follows_state(space)


async def test_a_remote_user_is_invited_by_direct_message(town: FederatedTown) -> None:
    ada, carl = await town.person("ada"), await town.remote("carl")
    space = await town.live(ada, "Come over")
    invited = carl.next_invite()
    await town.say(ada, room_of(space), f"!space invite {carl.id}")
    invite = await invited
    assert invite["sender"] == town.bot
    assert invite["content"]["is_direct"] is True
    assert town.bridge.settings.page(space.slug) in invite["content"]["reason"]
    names = [e["content"]["name"] for e in invite["invite_state"] if e["type"] == "m.room.name"]
    assert names == [f"{ada.name} invites you: Come over"]
    await carl.join(invite["room_id"])

    async def letters() -> list[str]:
        found = await carl.messages(invite["room_id"], town.bot)
        return [str(event["content"]["body"]) for event in found]

    await eventually(letters, "no letter")
    (letter,) = await letters()
    assert f"https://matrix.to/#/{town.alias(space)}" in letter
    await town.join(space, carl)


@pytest.mark.parametrize("options", ["", "--private"])
async def test_a_remote_host_steers_the_space(town: FederatedTown, options: str) -> None:
    hana, ben = await town.remote("hana", met=True), await town.person("ben", met=True)
    made = await hana.create_space("From afar", options)
    await hana.start_space(made)
    identity = SpaceId((await hana.state(made.room, "io.spacesbridge.live"))["space_id"])
    space = town.bridge.view(identity)
    assert (space.host, space.phase) == (hana.id, Phase.LIVE)
    if space.private:
        with pytest.raises(MatrixError):
            await ben.join(made.alias)
        invited = ben.next_event(
            lambda e: "invite_state" in e and e["room_id"] == made.room, "the room's invite"
        )
        await town.say(hana, made.room, f"!space invite {ben.id}")
        await invited
    await town.join(space, ben)
    await hana.grant_floor(made, ben)
    await town.offered(space, ben)
    await town.open_microphone(identity, ben)
    assert town.heard(identity) == {ben.id}
    await hana.set_level(made.room, ben.id, None)
    await town.silenced(identity, ben)
    assert await town.refused_at_microphone(identity, ben) == "no_floor"
    assert "has ended" in await town.say(hana, made.room, "!space end")
    await town.follows_state(space)


def target_of(event: Event) -> object:
    """What a redaction redacts."""
    return event["content"].get("redacts")
