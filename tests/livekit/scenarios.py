"""What every engine does for every client: scenarios over an engine under test.

Each takes clients that are not connected yet. Tones tell speakers apart: `HIGH` is what the
speaker's microphone hears, `LOW` what the other one's does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from spaces_bridge_demo.patience import PATIENCE_S
from tests.livekit.client import LiveKitClient, Refused
from tests.livekit.engine import Engine
from tests.livekit.listening import hears_no_tone, hears_tone, length

Scenario = Callable[[Engine, LiveKitClient, LiveKitClient], Awaitable[None]]
HIGH = 880.0
LOW = 440.0


async def enter(
    engine: Engine, client: LiveKitClient, room: str, name: str, *, may_publish: bool = True
) -> str:
    """Connect, and return the identity."""
    ticket = await engine.ticket(room, name, may_publish=may_publish)
    await client.connect(ticket.url, ticket.token)
    return ticket.identity


async def both_are_heard(engine: Engine, one: LiveKitClient, other: LiveKitClient) -> None:
    """Two who may speak hear each other, whoever came first."""
    room = await engine.room()
    ada = await enter(engine, one, room, "ada")
    await one.publish_microphone()
    ben = await enter(engine, other, room, "ben")
    await other.publish_microphone()
    await hears_tone(other, ada, HIGH)
    await hears_tone(one, ben, LOW)
    assert await engine.people(room) == {ada, ben}
    assert (await one.participants()).keys() == {ben}
    assert (await other.participants()).keys() == {ada}


async def a_muted_one_is_silent(engine: Engine, one: LiveKitClient, other: LiveKitClient) -> None:
    """Mute and unmute are told to the others, and heard."""
    room = await engine.room()
    ada = await enter(engine, one, room, "ada")
    sid = await one.publish_microphone()
    await enter(engine, other, room, "ben", may_publish=False)
    await hears_tone(other, ada, HIGH)
    await one.mute()
    await other.events.once("track_muted", identity=ada, sid=sid)
    await hears_no_tone(other, ada, HIGH)
    since = await length(other, ada)
    await one.unmute()
    await other.events.once("track_unmuted", identity=ada, sid=sid)
    await hears_tone(other, ada, HIGH, since)


async def a_listener_may_not_publish(
    engine: Engine, listener: LiveKitClient, speaker: LiveKitClient
) -> None:
    """Who may only listen is refused a microphone, stays connected, and hears on."""
    room = await engine.room()
    ben = await enter(engine, listener, room, "ben", may_publish=False)
    ada = await enter(engine, speaker, room, "ada")
    with pytest.raises(Refused):
        await listener.publish_microphone()
    await speaker.publish_microphone()
    await hears_tone(listener, ada, LOW)
    assert (await speaker.participants())[ben].tracks == ()
    assert not [
        event
        for event in speaker.events.seen
        if event.get("identity") == ben and event["kind"] == "track_subscribed"
    ]


async def a_grant_is_heard_and_taken_back(
    engine: Engine, one: LiveKitClient, other: LiveKitClient
) -> None:
    """Who is granted the floor is heard; once it is taken back, their track ends for everybody.

    A new try to publish is refused then.
    """
    room = await engine.room()
    ada = await enter(engine, one, room, "ada", may_publish=False)
    await enter(engine, other, room, "ben")
    granted = one.events.next("permissions", identity=ada, can_publish=True)
    await engine.permit(room, ada, may_publish=True)
    await granted
    await one.publish_microphone()
    await hears_tone(other, ada, HIGH)
    revoked = one.events.next("permissions", identity=ada, can_publish=False)
    gone = other.events.next("track_unpublished", identity=ada)
    await engine.permit(room, ada, may_publish=False)
    await revoked
    await gone
    assert (await other.participants())[ada].tracks == ()
    await is_refused(one)


async def is_refused(client: LiveKitClient) -> None:
    """Publishing is refused, once the client itself has noticed that its track has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while await may_publish(client):
            pass


async def may_publish(client: LiveKitClient) -> bool:
    """Whether a try to publish is not refused."""
    try:
        await client.publish_microphone()
    except Refused:
        return False
    return True


async def who_is_removed_is_out(engine: Engine, one: LiveKitClient, other: LiveKitClient) -> None:
    """Who is removed is disconnected, heard no more, and gone for everybody."""
    room = await engine.room()
    ada = await enter(engine, one, room, "ada")
    await one.publish_microphone()
    ben = await enter(engine, other, room, "ben", may_publish=False)
    await hears_tone(other, ada, HIGH)
    out = one.events.next("state", state="disconnected", reason="PARTICIPANT_REMOVED")
    left = other.events.next("left", identity=ada)
    await engine.remove(room, ada)
    await out
    await left
    assert await engine.people(room) == {ben}
    assert await other.participants() == {}


async def words_arrive(engine: Engine, one: LiveKitClient, other: LiveKitClient) -> None:
    """A text stream on the topic of transcriptions reaches the others, with who sent it."""
    room = await engine.room()
    ada = await enter(engine, one, room, "ada")
    await enter(engine, other, room, "ben", may_publish=False)
    come = other.events.next("text", topic="lk.transcription", sender=ada, text="Good evening.")
    await one.send_text("lk.transcription", "Good evening.")
    await come


async def a_second_connection_replaces_the_first(
    engine: Engine, one: LiveKitClient, again: LiveKitClient
) -> None:
    """The same identity again: the first connection ends, and says why."""
    room = await engine.room()
    ada = await enter(engine, one, room, "ada")
    out = one.events.next("state", state="disconnected", reason="DUPLICATE_IDENTITY")
    await enter(engine, again, room, "ada")
    await out
    assert await engine.people(room) == {ada}


MORE: Sequence[Scenario] = (
    a_muted_one_is_silent,
    a_listener_may_not_publish,
    a_grant_is_heard_and_taken_back,
    who_is_removed_is_out,
    words_arrive,
    a_second_connection_replaces_the_first,
)
"""All but `both_are_heard`."""
