"""Plain calls through everything: bare `m.call.*` events by HTTP, Synapse, the bridge, packets.

What browsers and their SDK make of it is tried in `test_call_the_bot.py`.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import numpy as np
import pytest

from spaces_bridge.app.plain_call_ports import PlainCallAnswer, PlainCallStage
from spaces_bridge.app.ports import MediaSession
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge_demo.deployment import Person, until
from spaces_bridge_demo.ears import tone, tone_level_db
from spaces_bridge_demo.expected import Expected
from tests.e2e.test_numbers import read
from tests.support.plain_client import PlainClient, PlainWire
from tests.support.stage import falls_silent, hears
from tests.support.world import OnAir, World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

HOST_HZ, CALLER_HZ = 440, 700
LOUD_DB = -40.0
GONE_S = 60.0


class SignalledCall:
    """The signalling of one client by Matrix, as far as `PlainClient` asks a stage for it."""

    def __init__(self, person: Person, room: str) -> None:
        self.person, self.room = person, room
        self.call = uuid.uuid4().hex
        self.bots_party = ""

    def _content(self, **more: object) -> Mapping[str, object]:
        return {"call_id": self.call, "party_id": "DEVICE", "version": "1", **more}

    async def send(self, type_: str, **more: object) -> None:
        """Send an event of the call."""
        await self.person.send(self.room, type_, self._content(**more))

    def next(self, type_: str, **timeout: float) -> Expected:
        """The bot's next event of this type in this call."""
        bot = self.person.bot

        def wanted(event: Mapping[str, Any]) -> bool:
            return (event["sender"], event["content"].get("call_id")) == (bot, self.call)

        return self.person.next_in(self.room, type_, wanted, **timeout)

    async def answer(self, space: SpaceId, user: UserId, sdp: str) -> MediaSession:
        """Invite the bot, and wait for its answer."""
        answered = self.next("m.call.answer")
        offer = {"type": "offer", "sdp": sdp}
        await self.send("m.call.invite", offer=offer, lifetime=60_000)
        content = (await answered)["content"]
        self.bots_party = content["party_id"]
        await self.send("m.call.select_answer", selected_party_id=self.bots_party)
        return MediaSession(self.call, content["answer"]["sdp"])

    async def renegotiate(self, session: str, sdp: str) -> PlainCallAnswer:
        """Offer again, and wait for the bot's answer."""
        answered = self.next("m.call.negotiate")
        await self.send("m.call.negotiate", description={"type": "offer", "sdp": sdp})
        content = (await answered)["content"]
        assert content["party_id"] == self.bots_party
        return PlainCallAnswer(content["description"]["sdp"], is_held="sendonly" in sdp)


class Caller:
    """Somebody in a call to the bot."""

    def __init__(self, person: Person, room: str = "") -> None:
        self.person = person
        self.signals = SignalledCall(person, room or person.dm)
        self.client = PlainClient(cast("PlainCallStage", self.signals), UserId(person.id))

    async def hears(self, hertz: float) -> None:
        """Until a tone is heard for a second."""
        await self.client.hears(lambda pcm: tone_level_db(pcm, hertz) > LOUD_DB)

    def says(self, text: str) -> Expected:
        """The bot's next words in the chat with this in them."""
        return self.person.next_message(self.signals.room, text, self.person.bot)

    async def press(self, key: str, says: str) -> None:
        """Press a key, and wait for what the bot writes."""
        said = self.says(says)
        self.client.press(key)
        await said


@asynccontextmanager
async def calling(world: World, scene: OnAir, name: str = "cora") -> AsyncIterator[Caller]:
    """Somebody who was invited, has joined, has called and was welcomed."""
    person = await world.person(name)
    invited = person.next_message(person.dm, scene.space.page, person.bot)
    await scene.host.tell_bot(f"invite {person.id}", scene.space.room)
    await invited
    await person.join(scene.space.alias)
    caller = Caller(person)
    welcomed = caller.says("You are listening")
    await caller.client.call()
    await welcomed
    try:
        yield caller
    finally:
        caller.client.close()


@asynccontextmanager
async def humming(caller: Caller) -> AsyncIterator[None]:
    """The caller hums all the while."""
    sound = np.resize(tone(CALLER_HZ, 1.0), 48_000 * 300)
    talking = asyncio.create_task(caller.client.says(sound))
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


async def grant(scene: OnAir, caller: Caller) -> None:
    """The caller asks by a key, the host grants by a tap, and the prompt says so."""
    prompt = scene.host.next_message(scene.host.dm, caller.person.name, scene.host.bot)
    await caller.press("1", "Your hand is up")
    asked = await prompt
    granted = caller.says("Everybody hears you now")
    await scene.host.react(asked["room_id"], asked["event_id"], "✅")
    await granted


async def test_a_caller_hears_asks_is_heard_is_held_demoted_and_hangs_up(world: World) -> None:
    scene = await world.on_air("By telephone")
    scene.host_mic.say(tone(HOST_HZ, 600.0))
    async with calling(world, scene) as caller, humming(caller):
        await caller.hears(HOST_HZ)
        await grant(scene, caller)
        await hears(scene.listener, CALLER_HZ)

        caller.client.wire.way = "sendonly"
        await caller.client.negotiate()
        caller.client.wire.way = "sendrecv"
        await caller.client.negotiate()
        await caller.hears(HOST_HZ)
        await hears(scene.listener, CALLER_HZ)

        taken = caller.says("Nobody hears you")
        await scene.host.set_level(scene.space.room, caller.person.id, None)
        await taken
        scene.host_mic.stop_saying()
        await falls_silent(scene.listener)

        await caller.signals.send("m.call.hangup", reason="user_hangup")
        await until_gone(world, 0)


async def until_gone(world: World, count: int) -> None:
    """Until so many calls are on."""

    async def so_many() -> bool:
        return (await read(world))["spaces_plain_calls"][""] == count

    await until(so_many, f"{count} calls")


async def test_two_call_at_once_and_a_client_without_a_word_is_gone_soon(world: World) -> None:
    scene = await world.on_air("Two telephones")
    scene.host_mic.say(tone(HOST_HZ, 600.0))
    async with calling(world, scene, "cora") as cora, calling(world, scene, "dora") as dora:
        await cora.hears(HOST_HZ)
        await dora.hears(HOST_HZ)
        hung_up = cora.signals.next("m.call.hangup", timeout=GONE_S)
        cora.client.close()
        assert (await hung_up)["content"]["reason"] == "ice_failed"
        await dora.hears(HOST_HZ)


async def test_a_call_ends_when_a_third_joins_and_calls_among_three_are_ignored(
    world: World,
) -> None:
    scene = await world.on_air("Three in a room")
    scene.host_mic.say(tone(HOST_HZ, 600.0))
    async with calling(world, scene) as cora:
        await cora.hears(HOST_HZ)
        dm, bot = cora.person.dm, cora.person.bot
        ended = cora.signals.next("m.call.hangup")
        eve = await world.person("eve")
        invite = eve.next_invite()
        await cora.person.request("POST", f"rooms/{dm}/invite", {"user_id": eve.id})
        await invite
        await eve.join(dm)
        await ended
        third = Caller(eve, dm)
        await third.signals.send(
            "m.call.invite", offer={"type": "offer", "sdp": third.client.wire.offer()}
        )
        # events of one room are handled in order: when this is answered, those were
        answer = eve.next_message(dm, sender=bot)
        await eve.send_text(dm, "!space live")
        await answer
        mine = [e for e in eve.seen if e.get("content", {}).get("call_id") == third.signals.call]
        assert {event["sender"] for event in mine} == {eve.id}


async def test_the_bot_calls_who_asked_and_of_two_devices_one_is_taken(world: World) -> None:
    scene = await world.on_air("Ring me")
    scene.host_mic.say(tone(HOST_HZ, 600.0))
    person = await world.person("cora")
    await person.join(scene.space.alias)
    rings = person.next_in(person.dm, "m.call.invite", lambda e: e["sender"] == person.bot)
    await person.tell_bot("callme")
    invite = (await rings)["content"]
    assert (invite["version"], invite["invitee"]) == ("1", person.id)

    caller = Caller(person)
    caller.signals.call = invite["call_id"]
    try:
        await caller.client.check(invite["offer"]["sdp"])
        selected = caller.signals.next("m.call.select_answer")
        answer = {"type": "answer", "sdp": caller.client.wire.answer()}
        await caller.signals.send("m.call.answer", answer=answer)
        late = {"type": "answer", "sdp": PlainWire().answer()}
        await caller.signals.send("m.call.answer", answer=late, party_id="TABLET")
        assert (await selected)["content"]["selected_party_id"] == "DEVICE"
        await caller.client.connected()
        await caller.hears(HOST_HZ)

        hung_up = caller.signals.next("m.call.hangup")
        said = caller.says("Goodbye")
        await scene.host.tell_bot("end", scene.space.room)
        await said
        assert (await hung_up)["content"]["reason"] == "user_hangup"
    finally:
        caller.client.close()


async def test_a_call_goes_on_when_the_bridge_was_killed(world: World) -> None:
    bridge = world.deployment.bridge
    scene = await world.on_air("Restarted")
    async with calling(world, scene) as cora, humming(cora):
        await grant(scene, cora)
        await hears(scene.listener, CALLER_HZ)
        await bridge.kill9()
        await bridge.start()
        await hears(scene.listener, CALLER_HZ)
        await cora.press("1", "Your microphone is off")
        ended = cora.signals.next("m.call.hangup", timeout=GONE_S)
        await scene.host.tell_bot("end", scene.space.room)
        await ended
