"""Captions in calls: whom they reach, and as whose words."""

from collections.abc import AsyncIterator, Mapping

import pytest
from livekit.protocol import models

from spaces_bridge.app.ports import Draft
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId, UtteranceId
from tests.livekit.call_world import (
    ALICE,
    ALICE_ID,
    BOB,
    BOT_ID,
    HOST,
    LISTENS,
    SPACE,
    SPEAKER,
    SPEAKS,
    CallWorld,
    RawClient,
    SentData,
    call_world,
    microphone,
    offer,
)

pytestmark = pytest.mark.peers


@pytest.fixture
async def world() -> AsyncIterator[CallWorld]:
    async with call_world() as running:
        await running.seat(ALICE, "Alice", SPEAKER)
        await running.seat(BOB, "Bob")
        yield running


def draft(speaker: UserId, text: str) -> Draft:
    return Draft(UtteranceId("u1"), speaker, text, 0, 0, 500, "en")


async def said(world: CallWorld, speaker: UserId, text: str, at_ms: int = 0) -> None:
    """An utterance is captioned."""
    caption = cmd.CaptionUtterance(UtteranceId("u1"), speaker, at_ms, at_ms + 900, text, "en")
    await world.spaces.ask(SPACE, caption)


def read(sent: SentData) -> tuple[str, str, Mapping[str, str]]:
    """Whose words they are, which, and the attributes."""
    header, *chunks, trailer = [models.DataPacket.FromString(each) for each in sent.packets]
    assert trailer.stream_trailer.stream_id == header.stream_header.stream_id
    text = b"".join(chunk.stream_chunk.content for chunk in chunks).decode()
    return header.participant_identity, text, header.stream_header.attributes


async def listens(client: RawClient) -> None:
    """Bob's client has a connection."""
    await client.next("join")
    await client.send(offer=offer(LISTENS))
    await client.next("answer")


async def test_drafts_and_finals_of_the_page_are_the_bots(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        world.rooms.draft(SPACE, draft(HOST, "Too early"))
        assert world.stage.data == []
        await listens(bob)
        await world.speak_on_page(HOST)
        await world.until(lambda: world.tracks_for(BOB))
        [track] = world.tracks_for(BOB)
        world.rooms.draft(SPACE, draft(HOST, "Good"))
        await said(world, HOST, "Good evening.")
        first, final = world.stage.data
        assert (first.users, first.fades) == ([BOB], True)
        assert (final.users, final.fades) == ([BOB], False)
        whose, text, attributes = read(first)
        assert (whose, text) == (BOT_ID, "Good")
        assert attributes["lk.transcribed_track_id"] == track
        assert attributes["io.spacesbridge.user"] == HOST
        whose, text, attributes = read(final)
        assert (whose, text) == (BOT_ID, "Good evening.")
        assert attributes["lk.transcription_final"] == "true"
        streams = {
            models.DataPacket.FromString(sent.packets[0]).stream_header.stream_id
            for sent in world.stage.data
        }
        assert len(streams) == 2  # none is used again


async def test_words_of_somebody_in_the_call_are_their_own(world: CallWorld) -> None:
    async with world.raw(BOB) as bob, world.raw(ALICE) as alice:
        await listens(bob)
        await alice.send(add_track=microphone())
        await alice.send(offer=offer(SPEAKS))
        sid = (await alice.next("track_published")).track_published.track.sid
        await alice.next("answer")
        world.stage.connect(ALICE)
        await world.until(lambda: ALICE in world.view.on_air)
        await said(world, ALICE, "Hello.")
        whose, _, attributes = read(world.stage.data[-1])
        assert (whose, attributes["lk.transcribed_track_id"]) == (ALICE_ID, sid)
        assert set(world.stage.data[-1].users) == {ALICE, BOB}
        await alice.send(mute={"sid": sid, "muted": True})
        await alice.send(offer=offer(LISTENS))
        await world.until(lambda: ALICE not in world.view.on_air)
        await alice.next("track_unpublished")
        await said(world, ALICE, "And good night.", 1000)  # captions come late
        whose, _, attributes = read(world.stage.data[-1])
        assert whose == ALICE_ID
        assert "lk.transcribed_track_id" not in attributes


async def test_a_draft_that_came_to_nothing_is_taken_back_by_all(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await listens(bob)
        world.rooms.draft(SPACE, draft(HOST, "Goo"))
        world.rooms.draft(SPACE, draft(HOST, ""))
        assert not world.stage.data[-1].fades
        _, text, attributes = read(world.stage.data[-1])
        assert (text, attributes["lk.transcription_final"]) == ("", "true")


async def test_a_final_is_not_wiped_by_the_end_of_its_draft(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await listens(bob)
        world.rooms.draft(SPACE, draft(HOST, "Good"))
        await said(world, HOST, "Good evening.")
        world.rooms.draft(SPACE, draft(HOST, ""))
        _, text, _ = read(world.stage.data[-1])
        assert text == "Good evening."


async def test_a_client_of_two_connections_is_sent_them_where_it_listens(
    world: CallWorld,
) -> None:
    async with world.raw(BOB, path="/rtc") as bob:
        await bob.next("offer")
        listening = world.stage.session_of(BOB)
        await bob.send(offer=offer(LISTENS))
        await bob.next("answer")
        room = world.rooms.room(SPACE)
        assert room is not None
        assert [client.negotiation.data_session for client in room.clients] == [listening]
        await said(world, HOST, "Hello.")
        assert world.stage.data[-1].users == [BOB]


async def test_captions_of_a_space_without_a_call_go_nowhere(world: CallWorld) -> None:
    world.rooms.draft(SPACE, draft(HOST, "Good"))
    await said(world, HOST, "Good evening.")
    assert world.stage.data == []
