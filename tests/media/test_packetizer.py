"""Longer packets: every frame once and soon for every phase, and the same sound to the sample."""

from collections.abc import Sequence

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.opus import FRAME, LONGEST, Decoder, Encoder, Pcm, duration
from spaces_bridge.media.worker.mix.packetizer import (
    MOST_BYTES,
    MOST_FRAMES,
    PHASES,
    Packetizer,
    merged,
)
from tests.support.sound import frames_of, tone

pytestmark = pytest.mark.unit


def speech(seconds: float = 2) -> list[bytes]:
    """Packets of 20 ms."""
    encoder = Encoder()
    return [encoder.encode(frame) for frame in frames_of(tone(440, seconds))]


def decoded(packets: Sequence[bytes]) -> Pcm:
    decoder = Decoder()
    return np.concatenate([decoder.decode(packet) for packet in packets])


@pytest.mark.parametrize("frames", [2, 3, 6])
def test_frames_in_one_packet_sound_as_in_packets_of_their_own(frames: int) -> None:
    alone = speech()
    together = [merged(alone[at : at + frames]) for at in range(0, len(alone) - 5, frames)]
    assert all(duration(packet) == frames * FRAME for packet in together)
    assert np.array_equal(decoded(together), decoded(alone[: len(together) * frames]))


def test_ffmpegs_parser_takes_them_as_well() -> None:
    alone = speech(1)
    context = av.CodecContext.create("libopus", "r")
    samples = 0
    for at in range(0, 48, 3):
        for frame in context.decode(av.Packet(merged(alone[at : at + 3]))):
            samples += frame.samples
    assert samples == 48 * FRAME


@pytest.mark.parametrize("size", [0, 1, 251, 252, 253, 255, 256, 1020, 1274])
def test_lengths_of_every_size_are_coded_as_the_rfc_has_it(size: int) -> None:
    frames = [b"\xf8" + bytes([7]) * size, b"\xf8" + b"\x09\x09"]
    packet = merged(frames)
    assert packet[:2] == b"\xfb\x82"
    first = packet[2]
    length, body = (first, packet[3:]) if first < 252 else (first + 4 * packet[3], packet[4:])
    assert length == size
    assert body == frames[0][1:] + frames[1][1:]


def test_in_a_small_space_each_frame_leaves_at_once_and_for_all() -> None:
    packetizer = Packetizer()
    for packet in speech(1):
        (packed,) = packetizer.push(packet)
        assert (packed.phase, packed.packet, packed.frames) == (None, packet, 1)


@pytest.mark.parametrize("frames", [2, 3])
def test_in_a_crowd_each_tick_serves_an_equal_share(frames: int) -> None:
    packetizer = Packetizer(frames)
    served = [len(packetizer.push(packet)) for packet in speech(1)]
    assert served[frames:] == [PHASES // frames] * (len(served) - frames)


def test_who_comes_while_others_wait_gets_a_phase_for_which_nothing_does() -> None:
    packetizer = Packetizer(3)
    for packet in speech(1):
        before = packetizer.idle_phases()
        assert len(before) >= 2
        first = {each.phase: each for each in packetizer.push(packet)}
        assert all(first[phase].frames == 1 for phase in before if phase in first)


_KINDS = st.sampled_from([b"\xf8", b"\x78", b"\x08"])
_TICKS = st.lists(
    st.tuples(
        st.integers(1, MOST_FRAMES),
        st.one_of(st.none(), st.tuples(_KINDS, st.integers(0, MOST_BYTES))),
        st.sampled_from([1, 1, 1, 1, 7]),
    ),
    max_size=60,
)


@given(ticks=_TICKS)
def test_each_frame_comes_once_in_order_and_soon_whatever_changes(
    ticks: list[tuple[int, tuple[bytes, int] | None, int]],
) -> None:
    packetizer, now = Packetizer(), -1
    pushed: list[tuple[int, bytes]] = []
    pushed_in: dict[int, int] = {}  # the call of `push`, by tick
    came: list[list[tuple[int, bytes]]] = [[] for _ in range(PHASES)]
    frames, was_silent = 1, True
    for call, (wanted, frame, steps) in enumerate(
        [*ticks, *[(1, None, 1) for _ in range(5 * MOST_FRAMES)]]
    ):
        packetizer.frames = frames = wanted
        now += steps
        packet = None if frame is None else frame[0] + len(pushed).to_bytes(2) + bytes(frame[1])
        begins, was_silent = was_silent and packet is not None, packet is None
        if packet is not None:
            pushed.append((now, packet))
            pushed_in[now] = call
        for each in packetizer.push(packet, steps=steps, begins=begins):
            begin = now + 1 - each.frames
            assert call - pushed_in[begin] <= MOST_FRAMES
            for phase in range(PHASES) if each.phase is None else [each.phase]:
                parts = _parts(each.packet)
                assert len(parts) == 1 or len(each.packet) <= MOST_BYTES + 2 * MOST_FRAMES
                came[phase] += [(begin + place, part) for place, part in enumerate(parts)]
    assert frames == 1
    assert all(phase == pushed for phase in came)


def _parts(packet: bytes) -> list[bytes]:
    """The packets of one frame that a packet was made of."""
    if packet[0] & 3 == 0:
        return [packet]
    count, at, sizes = packet[1] & 63, 2, []
    for _ in range(count - 1):
        size, at = packet[at], at + 1
        if size >= 252:
            size, at = size + 4 * packet[at], at + 1
        sizes.append(size)
    sizes.append(len(packet) - at - sum(sizes))
    parts = []
    for size in sizes:
        parts.append(bytes((packet[0] & ~3,)) + packet[at : at + size])
        at += size
    return parts


def test_a_packet_is_never_longer_than_opus_allows() -> None:
    assert MOST_FRAMES * FRAME <= LONGEST
