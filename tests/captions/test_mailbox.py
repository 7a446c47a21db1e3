"""The queue to the worker is bounded, and loses the oldest sound first."""

import asyncio

import pytest

from spaces_bridge.captions.mailbox import Mailbox
from spaces_bridge.captions.messages import EndOfTrack, OpenTrack, Speech
from tests.support.captions import ADA, SPACE

pytestmark = pytest.mark.unit


def sound(at_ms: int) -> Speech:
    """A tenth of a second."""
    return Speech(SPACE, ADA, at_ms, bytes(3200))


async def test_messages_come_out_as_they_went_in() -> None:
    mailbox = Mailbox()
    for at_ms in range(0, 500, 100):
        assert mailbox.put(sound(at_ms))
    assert mailbox.waiting_ms == 500
    assert [await mailbox.get() for _ in range(5)] == [sound(t) for t in range(0, 500, 100)]
    assert mailbox.waiting_ms == mailbox.dropped_ms == 0


async def test_the_oldest_sound_goes_when_there_is_too_much() -> None:
    mailbox = Mailbox(room_ms=300)
    kept = [mailbox.put(sound(at_ms)) for at_ms in range(0, 500, 100)]
    assert kept == [True, True, True, False, False]
    assert mailbox.dropped_ms == 200
    assert [await mailbox.get() for _ in range(3)] == [sound(200), sound(300), sound(400)]


async def test_the_beginning_and_the_end_of_a_track_are_never_dropped() -> None:
    mailbox = Mailbox(room_ms=100)
    opened, ended = OpenTrack(SPACE, ADA, "en"), EndOfTrack(SPACE, ADA)
    for message in (opened, sound(0), sound(100), ended, sound(200)):
        mailbox.put(message)
    assert [await mailbox.get() for _ in range(3)] == [opened, ended, sound(200)]


async def test_who_waits_for_a_message_gets_it_when_it_comes() -> None:
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.put(sound(0))
    async with asyncio.timeout(60):
        assert await waiting == sound(0)
