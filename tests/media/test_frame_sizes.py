"""Every way an Opus encoder may cut and code sound is heard at full level."""

import ctypes
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pytest

from spaces_bridge.media.worker.mix import opus
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Pcm
from spaces_bridge.media.worker.mix.speaker import Speaker
from spaces_bridge.media.worker.values import RtpPacket
from tests.support.sound import decibels, tone

pytestmark = pytest.mark.unit

SET_BITRATE, SET_VBR, SET_DTX = 4002, 4006, 4016
SET_FORCE_MODE, SET_BANDWIDTH, SET_FEC, SET_LOSS = 11002, 4008, 4012, 4014
SILK, HYBRID, CELT = 1000, 1001, 1002
WIDEBAND, FULLBAND = 1103, 1105
VOIP, AUDIO = 2048, 2049


def encoded(
    pcm: Pcm,
    samples: int,
    *,
    channels: int,
    bitrate: int,
    vbr: bool,
    dtx: bool,
    kind: int,
    others: Mapping[int, int] = MappingProxyType({}),
) -> Iterator[bytes]:
    """Packets of `samples` each, as a sender's libopus makes them; `others`: more settings."""
    error = ctypes.c_int()
    state = opus._lib.opus_encoder_create(SAMPLE_RATE, channels, kind, ctypes.byref(error))
    assert error.value == 0
    for key, value in ((SET_BITRATE, bitrate), (SET_VBR, vbr), (SET_DTX, dtx), *others.items()):
        assert opus._lib.opus_encoder_ctl(state, key, ctypes.c_int(value)) == 0
    packet = ctypes.create_string_buffer(8000)
    for at in range(0, len(pcm) - samples + 1, samples):
        frame = np.ascontiguousarray(np.repeat(pcm[at : at + samples], channels))
        size = opus._lib.opus_encode(state, frame.ctypes.data, samples, packet, 8000)
        assert size > 0
        yield packet.raw[:size]
    opus._lib.opus_encoder_destroy(state)


def heard(packets: list[bytes], samples: int) -> tuple[Pcm, Speaker]:
    """What a speaker's frames are when each packet comes as soon as it is full.

    Packets of two bytes or less are kept back, as a sender with DTX keeps them.
    """
    speaker, ticks, now, number = Speaker("peer"), list[Pcm](), 100.0, 0
    for place, packet in enumerate(packets):
        full = (place + 1) * samples
        while (len(ticks) + 1) * FRAME <= full:
            frame = speaker.frame(now + len(ticks) * FRAME / SAMPLE_RATE)
            ticks.append(opus_silence() if frame is None else frame)
        if len(packet) > 2:
            rtp = RtpPacket(number, place * samples, False, 111, 1, packet)
            speaker.receive(rtp, now + full / SAMPLE_RATE)
            number += 1
    return np.concatenate(ticks), speaker


def opus_silence() -> Pcm:
    return np.zeros(FRAME, np.int16)


@pytest.mark.parametrize("frame_ms", [2.5, 5, 10, 20, 40, 60, 80, 100, 120])
@pytest.mark.parametrize(
    ("channels", "bitrate", "vbr", "kind"),
    [(1, 32_000, True, VOIP), (2, 160_000, False, AUDIO), (2, 510_000, False, AUDIO)],
)
def test_every_frame_size_is_heard_at_full_level(
    frame_ms: float, channels: int, bitrate: int, vbr: bool, kind: int
) -> None:
    samples, pcm = int(frame_ms * 48), tone(440, 3)
    packets = list(
        encoded(pcm, samples, channels=channels, bitrate=bitrate, vbr=vbr, dtx=False, kind=kind)
    )
    assert {opus.duration(packet) for packet in packets} == {samples}
    out, speaker = heard(packets, samples)
    assert abs(decibels(out[SAMPLE_RATE:], 440) - decibels(pcm, 440)) < 1
    assert (speaker.broken, speaker.jitter.lost) == (0, 0)
    assert all(frame.any() for frame in out[SAMPLE_RATE:].reshape(-1, FRAME)[:-1])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("mode", "bandwidth", "frame_ms"),
    [
        *((SILK, WIDEBAND, size) for size in (10, 20, 40, 60)),
        *((HYBRID, FULLBAND, size) for size in (10, 20, 40, 60)),
        *((CELT, FULLBAND, size) for size in (2.5, 5, 10, 20, 40, 60, 120)),
    ],
)
def test_every_mode_is_heard_at_full_level(
    mode: int, bandwidth: int, frame_ms: float, channels: int
) -> None:
    """With FEC where there is any; a packet of SILK of 40 or 60 ms may be one frame or three."""
    samples, pcm = int(frame_ms * 48), tone(440, 3)
    settings = {SET_FORCE_MODE: mode, SET_BANDWIDTH: bandwidth, SET_FEC: 1, SET_LOSS: 10}
    packets = list(
        encoded(
            pcm, samples, channels=channels, bitrate=40_000 * channels, vbr=True, dtx=False,
            kind=VOIP, others=settings,
        )
    )  # fmt: skip
    kinds = {packet[0] >> 3 for packet in packets[5:]}
    first, last = {SILK: (0, 11), HYBRID: (12, 15), CELT: (16, 31)}[mode]
    assert all(first <= kind <= last for kind in kinds)
    out, speaker = heard(packets, samples)
    assert abs(decibels(out[SAMPLE_RATE:], 440) - decibels(pcm, 440)) < 1
    assert (speaker.broken, speaker.jitter.lost) == (0, 0)
    assert all(frame.any() for frame in out[SAMPLE_RATE:].reshape(-1, FRAME)[:-1])


@pytest.mark.parametrize("frame_ms", [20, 60])
def test_a_sender_that_is_silent_in_silence_is_heard_whole_before_and_after(
    frame_ms: int,
) -> None:
    samples, silence = frame_ms * 48, np.zeros(4 * SAMPLE_RATE, np.int16)
    pcm = np.concatenate((tone(440, 2), silence, tone(440, 2)))
    packets = list(
        encoded(pcm, samples, channels=1, bitrate=32_000, vbr=True, dtx=True, kind=VOIP)
    )
    assert sum(len(packet) <= 2 for packet in packets) > len(packets) // 4  # DTX did its work
    out, speaker = heard(packets, samples)
    for begin_s, end_s in ((1, 2), (6.5, 7.8)):
        part = out[int(begin_s * SAMPLE_RATE) : int(end_s * SAMPLE_RATE)]
        assert decibels(part, 440) == pytest.approx(decibels(pcm[:SAMPLE_RATE], 440), abs=1)
    assert np.abs(out[int(3 * SAMPLE_RATE) : int(5.9 * SAMPLE_RATE)]).max() < 40
    assert speaker.broken == 0
