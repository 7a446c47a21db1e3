"""LiveKit's signalling word by word: joining, the stage, coming back, and what is refused."""

from collections.abc import AsyncIterator

import pytest

from livekit.protocol import models, rtc
from spaces_bridge.core import commands as cmd
from spaces_bridge.livekit.names import device_identity
from tests.livekit.call_world import (
    ALICE,
    BOB,
    BOT,
    HOST,
    SPACE,
    CallWorld,
    RawClient,
    call_world,
)

pytestmark = pytest.mark.peers

ALICE_ID, BOB_ID = device_identity(ALICE, "DEVICE"), device_identity(BOB, "DEVICE")
BOT_ID = device_identity(BOT, "SPACESBOT")
LISTENS = "v=0\r\n" + "m=audio 9 x\r\n" * 3
SPEAKS = LISTENS + "m=audio 9 x\r\na=sends\r\n"
SPEAKER = 50


@pytest.fixture
async def world() -> AsyncIterator[CallWorld]:
    async with call_world() as running:
        yield running


def offer(sdp: str, number: int = 1) -> rtc.SessionDescription:
    return rtc.SessionDescription(type="offer", sdp=sdp, id=number)


def microphone(cid: str = "cid", *, muted: bool = False) -> rtc.AddTrackRequest:
    return rtc.AddTrackRequest(
        cid=cid, type=models.AUDIO, source=models.MICROPHONE, muted=muted
    )


async def speak(world: CallWorld, client: RawClient, user: models.ParticipantInfo) -> str:
    """The client publishes its microphone and is heard; return the track's id."""
    await client.send(add_track=microphone())
    sid = (await client.next("track_published")).track_published.track.sid
    await client.send(offer=offer(SPEAKS))
    await client.next("answer")
    return sid


async def test_a_client_joins_and_is_told_who_is_there(world: CallWorld) -> None:
    await world.seat(ALICE, "Alice")
    async with world.raw(ALICE) as alice:
        joined = (await alice.next("join")).join
        assert joined.participant.identity == ALICE_ID
        assert joined.participant.name == "Alice"
        assert not joined.participant.permission.can_publish
        assert [p.identity for p in joined.other_participants] == [BOT_ID]
        assert not joined.subscriber_primary
        await alice.send(offer=offer(LISTENS, 7))
        answered = (await alice.next("answer")).answer
        assert (answered.id, answered.type) == (7, "answer")
