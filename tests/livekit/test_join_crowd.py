"""A crowd that joins a call at once: served or refused, logged once, and nobody there notices."""

import asyncio
import itertools
import logging
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest
from livekit.protocol import models, rtc

from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.limits import JOINS_BURST
from tests.livekit.call_world import ALICE, DOMAIN, HOST, SPACE, CallWorld
from tests.livekit.embedded import embedded_engine
from tests.support.call_client import CallClient, stream_of

pytestmark = pytest.mark.peers

WORD = b"\xf8" + bytes(range(80))
PEOPLE, DEVICES, PLACES = 40, 3, 50
EAGER = UserId(f"@eager:{DOMAIN}")


async def outcome(world: CallWorld, stack: AsyncExitStack, user: UserId, device: str) -> str:
    """What becomes of a client that joins, and stays if it may."""
    try:
        client = await stack.enter_async_context(world.raw(user, device))
    except aiohttp.WSServerHandshakeError as refused:
        return str(refused.status)
    message = await client.socket.receive()
    if message.type is not aiohttp.WSMsgType.BINARY:
        return "closed"
    first = rtc.SignalResponse.FromString(message.data)
    if first.HasField("join"):
        return "served"
    return models.DisconnectReason.Name(first.leave.reason)


@pytest.mark.usefixtures("nothing_grows_back")
async def test_of_a_crowd_as_many_as_fit_are_served_and_who_is_there_misses_no_packet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("spaces_bridge.livekit.rooms.PARTICIPANTS_MAX", PLACES)
    caplog.set_level(logging.INFO, "spaces_bridge.livekit")
    async with embedded_engine(tmp_path) as engine, AsyncExitStack() as stack:
        world, sound = engine.world, engine.sound
        people = [UserId(f"@person{number}:{DOMAIN}") for number in range(PEOPLE)]
        for user in (ALICE, EAGER, *people):
            await world.seat(user, user.strip("@").partition(":")[0])
        await world.speak_on_page(HOST)
        host, ear = CallClient(sound, HOST), CallClient(sound, ALICE)
        stack.callback(host.close)
        stack.callback(ear.close)
        host.wire.publish()
        await host.join()
        await ear.join([stream_of(HOST)])
        speaking = asyncio.create_task(host.says_all(itertools.repeat(WORD)))
        stack.callback(speaking.cancel)
        await ear.until(lambda: len(ear.hears("TR_host")) >= 10)
        comings = [(user, f"D{number}") for user in people for number in range(DEVICES)]
        flood = [(EAGER, "PHONE")] * (2 * JOINS_BURST)
        outcomes = await asyncio.gather(
            *(outcome(world, stack, user, device) for user, device in comings + flood)
        )
        before = len(ear.hears("TR_host"))
        await ear.until(lambda: len(ear.hears("TR_host")) >= before + 10)
        full = {str(HTTPStatus.TOO_MANY_REQUESTS.value), "JOIN_FAILURE"}
        of_crowd = outcomes[: len(comings)]
        assert 0 < of_crowd.count("served") <= PLACES
        assert set(outcomes) <= {"served", *full}
        room = world.rooms.room(SPACE)
        assert room is not None
        assert len(room.clients) == PLACES
        heard = [packet.sequence for packet in ear.hears("TR_host")]
        assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(heard)} == {1}
    assert [record.getMessage() for record in caplog.records] == [
        f"{EAGER} joins calls too often: refused, and not logged again for a minute"
    ]
