"""People of another homeserver, with nothing but a plain client, in a live space of ours."""

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.core.roles import Role
from spaces_bridge_demo.deployment import link_in
from spaces_bridge_demo.expected import Event
from spaces_bridge_demo.matrix_user import MatrixError
from tests.federation.federated_setup import FederatedSetup, id_of
from tests.matrix.support import eventually, room_of

pytestmark = pytest.mark.e2e


async def test_a_remote_user_meets_the_bot(setup: FederatedSetup) -> None:
    carl = await setup.remote("carl", met=True)
    assert "Nothing is on" in await setup.say(carl, carl.dm, "live")


async def test_a_remote_listener_is_given_the_floor_and_loses_it(setup: FederatedSetup) -> None:
    ada = await setup.person("ada", met=True)
    carl = await setup.remote("carl", met=True)
    space = await setup.live(ada, "Far and near")
    room, identity = room_of(space), space.space
    await setup.join(space, carl)

    asked = ada.next_prompt(carl)
    await carl.react(room, await setup.bridge.card(identity), "✋")
    prompt = await asked
    message = carl.next_message(carl.dm, "The floor in")
    await ada.react(prompt["room_id"], prompt["event_id"], "✅")
    await setup.offered(space, carl)
    assert link_in(await message) is not None
    assert (await ada.levels(room))[carl.id] == 10
    assert setup.heard(identity) == frozenset()
    await setup.open_microphone(identity, carl)
    assert setup.heard(identity) == {carl.id}

    assert "listener again" in await setup.say(ada, room, f"!space demote {carl.id}")
    await setup.silenced(identity, carl)
    assert await setup.refused_at_microphone(identity, carl) == "no_floor"

    async def forgotten() -> bool:
        return carl.id not in await carl.levels(room)

    await eventually(forgotten, "the remote server holds the level still")

    assert "number 1" in await setup.say(carl, room, "!space speak")
    assert "The floor goes to" in await setup.say(ada, room, "!space approve 1")
    await setup.offered(space, carl)
    assert setup.heard(identity) == frozenset()
    await setup.open_microphone(identity, carl)
    assert setup.heard(identity) == {carl.id}
    await setup.follows_state(space)


async def test_a_remote_hand_is_taken_back_with_its_reaction(setup: FederatedSetup) -> None:
    ada, carl = await setup.person("ada"), await setup.remote("carl")
    space = await setup.live(ada, "On second thoughts", carl)
    room, identity = room_of(space), space.space
    hand = await carl.react(room, await setup.bridge.card(identity), "✋")
    await setup.bridge.until(identity, lambda s: id_of(carl) in s.requests, "no hand")
    await carl.redact(room, hand)
    await setup.bridge.until(identity, lambda s: not s.hands, "the hand is up still")
    await setup.fence(space, ada, carl)
    await setup.settled()
    redacted = [e["sender"] for e in await ada.timeline(room) if target_of(e) == hand]
    assert redacted == [carl.id], "the bot redacts what is redacted"


async def test_a_kick_from_a_plain_client_shuts_a_remote_speakers_gate(
    setup: FederatedSetup,
) -> None:
    ada, carl = await setup.person("ada"), await setup.remote("carl")
    space = await setup.live(ada, "Out", carl)
    room = room_of(space)
    await setup.on_air(space, ada, carl)
    await ada.kick(room, carl.id)
    await setup.silenced(space.space, carl)
    await setup.without_level(ada, room, carl)
    await setup.follows_state(space)


async def test_a_remote_cohost_gives_and_takes_the_floor(setup: FederatedSetup) -> None:
    ada, ben = await setup.person("ada"), await setup.person("ben")
    carl, dan = await setup.remote("carl"), await setup.remote("dan")
    space = await setup.live(ada, "Helping hands", ben, carl, dan)
    room, identity = room_of(space), space.space
    await setup.give_level(space, ada, carl, 60)
    assert setup.bridge.view(identity).role(id_of(carl)) is Role.COHOST
    for listener in (ben, dan):
        assert "number 1" in await setup.say(listener, room, "!space speak")
        assert "The floor goes to" in await setup.say(carl, room, "!space approve 1")
        await setup.offered(space, listener)
        await setup.open_microphone(identity, listener)
        assert setup.heard(identity) == {listener.id}
        await setup.say(carl, room, f"!space demote {listener.id}")
        await setup.silenced(identity, listener)
    await setup.follows_state(space)


async def test_a_remote_user_is_invited_by_direct_message(setup: FederatedSetup) -> None:
    ada, carl = await setup.person("ada"), await setup.remote("carl")
    space = await setup.live(ada, "Come over")
    invited = carl.next_invite()
    await setup.say(ada, room_of(space), f"!space invite {carl.id}")
    invite = await invited
    assert invite["sender"] == setup.bot
    assert invite["content"]["is_direct"] is True
    assert setup.bridge.settings.page(space.slug) in invite["content"]["reason"]
    names = [e["content"]["name"] for e in invite["invite_state"] if e["type"] == "m.room.name"]
    assert names == [f"{ada.name} invites you: Come over"]
    await carl.join(invite["room_id"])

    async def messages() -> list[str]:
        found = await carl.messages(invite["room_id"], setup.bot)
        return [str(event["content"]["body"]) for event in found]

    await eventually(messages, "no letter")
    (message,) = await messages()
    assert f"https://matrix.to/#/{setup.alias(space)}" in message
    await setup.join(space, carl)


@pytest.mark.parametrize("options", ["", "--private"])
async def test_a_remote_host_steers_the_space(setup: FederatedSetup, options: str) -> None:
    hana, ben = await setup.remote("hana", met=True), await setup.person("ben", met=True)
    made = await hana.create_space("From afar", options)
    await hana.start_space(made)
    identity = SpaceId((await hana.state(made.room, "io.spacesbridge.live"))["space_id"])
    space = setup.bridge.view(identity)
    assert (space.host, space.phase) == (hana.id, Phase.LIVE)
    if space.private:
        with pytest.raises(MatrixError):
            await ben.join(made.alias)
        invited = ben.next_event(
            lambda e: "invite_state" in e and e["room_id"] == made.room, "the room's invite"
        )
        await setup.say(hana, made.room, f"!space invite {ben.id}")
        await invited
    await setup.join(space, ben)
    await hana.grant_floor(made, ben)
    await setup.offered(space, ben)
    await setup.open_microphone(identity, ben)
    assert setup.heard(identity) == {ben.id}
    await hana.set_level(made.room, ben.id, None)
    await setup.silenced(identity, ben)
    assert await setup.refused_at_microphone(identity, ben) == "no_floor"
    assert "has ended" in await setup.say(hana, made.room, "!space end")
    await setup.follows_state(space)


def target_of(event: Event) -> object:
    """What a redaction redacts."""
    return event["content"].get("redacts")
