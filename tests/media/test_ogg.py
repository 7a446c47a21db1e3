"""Ogg Opus: read back by a real player's demuxer and decoder."""

import io
import struct

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.messages import MIX_KEPT
from spaces_bridge.media.ogg import (
    LONGEST_HOLE,
    PACKETS_PER_PAGE,
    PAGE_LEAST,
    PRE_SKIP,
    OggOpus,
    checksum,
    padded,
)
from spaces_bridge.media.worker.mix.opus import Decoder, Encoder
from tests.support.sound import decibels, frames_of, tone

pytestmark = pytest.mark.unit

CHROMIUM_READS = 32 * 1024
"""Bytes it waits for, each time."""


def decoded(stream: bytes) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    with av.open(io.BytesIO(stream), "r", format="ogg") as container:
        resampler = av.AudioResampler("s16", "mono", 48_000)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.int16)


def test_a_player_hears_what_was_said() -> None:
    encoder, ogg = Encoder(), OggOpus(serial=7)
    stream = ogg.head({})
    for number, frame in enumerate(frames_of(tone(440, 2))):
        stream += b"".join(ogg.add(5_000 + number, encoder.encode(frame)))
    pcm = decoded(stream + ogg.end())
    assert len(pcm) == 2 * 48_000 - PRE_SKIP
    assert decibels(pcm, 440) == pytest.approx(decibels(tone(440, 2), 440), abs=1)


def test_a_hole_keeps_its_length() -> None:
    encoder, ogg = Encoder(), OggOpus(serial=7)
    stream = ogg.head({})
    for number, frame in enumerate(frames_of(tone(440, 2))):
        packet = encoder.encode(frame)
        if not 30 <= number < 50:
            stream += b"".join(ogg.add(number, packet))
    assert len(decoded(stream + ogg.end())) == 2 * 48_000 - PRE_SKIP


def test_a_very_long_hole_is_left_out() -> None:
    ogg = OggOpus(serial=7)
    pages = [*ogg.add(0, b"\xf8abc"), *ogg.add(LONGEST_HOLE + 5, b"\xf8abc")]
    assert not pages


def test_packets_from_the_past_are_left_out() -> None:
    ogg = OggOpus(serial=7)
    for number in (10, 9, 10, 3, 11):
        assert not ogg.add(number, b"\xf8abc")
    assert ogg.end().count(b"abc") == 2


def test_the_checksum_is_that_of_the_specification() -> None:
    def slow(data: bytes) -> int:
        crc = 0
        for byte in data:
            crc ^= byte << 24
            for _ in range(8):
                crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
        return crc

    for data in (b"", b"a", bytes(range(256)) * 3):
        assert checksum(data) == slow(data)


@given(st.lists(st.binary(min_size=1, max_size=1275), max_size=30))
def test_pages_follow_each_other_and_hold_every_packet(packets: list[bytes]) -> None:
    ogg = OggOpus(serial=9)
    stream = ogg.head({})
    for number, packet in enumerate(packets):
        stream += b"".join(ogg.add(number, packet))
    stream += ogg.end()
    bodies, page, granules = [], 0, []
    while stream:
        magic, _, _, granule, serial, number, crc, count = struct.unpack_from("<4sBBqIIIB", stream)
        lacing = stream[27 : 27 + count]
        size = 27 + count + sum(lacing)
        whole, stream = stream[:size], stream[size:]
        assert (magic, serial, number) == (b"OggS", 9, page)
        assert crc == checksum(whole[:22] + bytes(4) + whole[26:])
        bodies.append(whole[27 + count :])
        granules.append(granule)
        page += 1
    sound = b"".join(bodies[2:])
    assert sum(len(body) for body in bodies[2:]) == len(sound) >= sum(map(len, packets))
    for packet in packets:
        # one that was padded has a head of its own, and its frame unchanged
        assert packet[1:] in sound
    assert granules == sorted(granules)
    assert granules[-1] == 960 * len(packets)
    assert page == 3 + len(packets) // PACKETS_PER_PAGE


def test_a_page_is_never_small_and_silence_is_filled_up() -> None:
    encoder, ogg = Encoder(), OggOpus(serial=7)
    sizes = [
        len(page)
        for n, frame in enumerate(frames_of(tone(440, 6, peak=0)))
        for page in ogg.add(n, encoder.encode(frame))
    ]
    assert len(sizes) == 60
    assert min(sizes) >= PAGE_LEAST
    assert max(sizes) < PAGE_LEAST + 10
    assert len(ogg.head({})) + sum(sizes[: MIX_KEPT // PACKETS_PER_PAGE]) > CHROMIUM_READS


@given(st.binary(min_size=1, max_size=1275), st.integers(-5, 3000))
def test_a_padded_packet_is_as_long_as_wanted_or_untouched(packet: bytes, more: int) -> None:
    longer = padded(packet, more)
    if more < 2 or packet[0] % 4:
        assert longer == packet
    else:
        assert len(longer) == len(packet) + more
        assert longer[0] == packet[0] + 3


def test_padding_changes_no_sound() -> None:
    encoder, plain, filled = Encoder(), Decoder(), Decoder()
    for number, frame in enumerate(frames_of(tone(440, 1))):
        packet = encoder.encode(frame)
        longer = padded(packet, 2 + 17 * number)
        assert np.array_equal(plain.decode(packet), filled.decode(longer))
