"""Streams over HTTP: what each of them begins with, and when they end."""

import io
from collections.abc import AsyncIterator

import av
import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.live_ogg import MOST_WAITING, PAGES_AT_ONCE, LiveOgg
from spaces_bridge.media.messages import MIX_KEPT, MixPacket
from spaces_bridge.media.ogg import PACKETS_PER_PAGE
from spaces_bridge.media.worker.mix.opus import Encoder
from tests.support.sound import frames_of, tone

pytestmark = pytest.mark.unit

SPACE = SpaceId("space0000000000a")
HEADERS = 2
BURST = PACKETS_PER_PAGE * PAGES_AT_ONCE
"""Packets that a reader is given at once."""


def pages(stream: bytes) -> int:
    return stream.count(b"OggS")


def say(ogg: LiveOgg, first: int, packets: int, opus: bytes = b"\xf8ab") -> None:
    for number in range(first, first + packets):
        ogg.feed(MixPacket(SPACE, number, opus))


async def rest_of(stream: AsyncIterator[bytes]) -> list[bytes]:
    return [burst async for burst in stream]


async def test_who_comes_later_begins_with_the_last_seconds() -> None:
    ogg = LiveOgg(lambda _: None)
    first = ogg.stream(SPACE, {})
    assert pages(await anext(first)) == HEADERS
    say(ogg, 0, MIX_KEPT + BURST)
    second = ogg.stream(SPACE, {})
    assert pages(await anext(second)) == HEADERS + MIX_KEPT // PACKETS_PER_PAGE
    say(ogg, MIX_KEPT + BURST, BURST)
    assert pages(await anext(second)) == PAGES_AT_ONCE


async def test_all_readers_are_given_the_same_bytes() -> None:
    """What is packed once and kept once is what makes a thousand readers cheap."""
    ogg = LiveOgg(lambda _: None)
    streams = [ogg.stream(SPACE, {}) for _ in range(3)]
    for stream in streams:
        await anext(stream)
    say(ogg, 0, BURST)
    first, second, third = [await anext(stream) for stream in streams]
    assert first is second is third


async def test_a_stream_that_is_joined_on_its_way_is_played_to_its_end() -> None:
    ogg, encoder = LiveOgg(lambda _: None), Encoder()
    first = ogg.stream(SPACE, {})
    await anext(first)
    packets = [encoder.encode(frame) for frame in frames_of(tone(440, 12))]
    for number, packet in enumerate(packets[:500]):
        ogg.feed(MixPacket(SPACE, number, packet))
        if number % BURST == BURST - 1:
            await anext(first)
    late = ogg.stream(SPACE, {"TITLE": "Garden hour", "ARTIST": "Hanna"})
    stream = await anext(late)
    for number, packet in enumerate(packets[500:], 500):
        ogg.feed(MixPacket(SPACE, number, packet))
    ogg.end(SPACE)
    stream += b"".join(await rest_of(late))
    with av.open(io.BytesIO(stream), "r", format="ogg") as container:
        told = {**container.metadata, **container.streams.audio[0].metadata}
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert (told["TITLE"], told["ARTIST"]) == ("Garden hour", "Hanna")
    missed = (500 - 500 % BURST - MIX_KEPT) * 960
    assert samples == pytest.approx(12 * 48_000 - missed, abs=2 * 3840)


async def test_who_is_too_far_behind_is_cut_off_and_the_others_are_not() -> None:
    changes = list[SpaceId]()
    ogg = LiveOgg(changes.append)
    slow, quick = ogg.stream(SPACE, {}), ogg.stream(SPACE, {})
    for stream in (slow, quick):
        await anext(stream)
    for number in range(MOST_WAITING + 1):
        say(ogg, number * BURST, BURST)
        await anext(quick)
    assert await rest_of(slow) == []
    assert (ogg.count(SPACE), len(changes)) == (1, 3)
    ogg.end(SPACE)
    assert len(await rest_of(quick)) == 1


async def test_nothing_is_kept_for_those_who_come_after_everybody_has_gone() -> None:
    changes = list[SpaceId]()
    ogg = LiveOgg(changes.append)
    first = ogg.stream(SPACE, {})
    await anext(first)
    say(ogg, 0, 1)
    ogg.end(SPACE)
    assert [pages(each) async for each in first] == [1]
    assert (ogg.count(SPACE), changes) == (0, [SPACE, SPACE])
    say(ogg, 1, 1)
    again = ogg.stream(SPACE, {})
    assert pages(await anext(again)) == HEADERS
