"""Floods of what is not obeyed: text, and what comes from a client that has to join anew."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from livekit.protocol import models, rtc

from spaces_bridge.livekit.limits import MESSAGES_BURST
from tests.livekit.call_world import BOB, LISTENS, CallWorld, call_world, offer

pytestmark = pytest.mark.peers


@pytest.fixture
async def world() -> AsyncIterator[CallWorld]:
    async with call_world() as running:
        await running.seat(BOB, "Bob")
        yield running


async def test_a_client_that_sends_text_without_end_is_disconnected(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await bob.next("join")
        for _ in range(MESSAGES_BURST * 2):
            await bob.socket.send_str("text")
        assert (await bob.next("leave")).leave.reason == models.STATE_MISMATCH
        await bob.closed()


async def test_a_client_that_has_to_join_anew_and_goes_on_sending_is_disconnected(
    world: CallWorld,
) -> None:
    world.stage.refuse("There is no worker.")
    async with world.raw(BOB) as bob:
        await bob.send(offer=offer(LISTENS))
        assert (await bob.next("leave")).leave.action == rtc.LeaveRequest.RECONNECT
        with contextlib.suppress(ConnectionError):  # it may be closed before all is sent
            for _ in range(MESSAGES_BURST * 2):
                await bob.send(ping=1)
        await bob.closed()
