"""Everybody equally loud: a far talker beside a near one, and ten at full scale.

Two voices, one of them 20 dB softer, go as Opus packets into a real mix, where they speak in
turns; what a listener decodes of each turn is measured by pyloudnorm (ITU-R BS.1770). All turns
count, also the first, in which the gain is still on its way.
"""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyloudnorm

from benchmarks.result import Result, percentile, spread
from spaces_bridge.media.worker.mix.limiter import PEAK
from spaces_bridge.media.worker.mix.mixer import Mixer
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Decoder, Encoder, Pcm
from spaces_bridge.media.worker.mix.space_mix import SpaceMix
from spaces_bridge.media.worker.mix.voices import Voices
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection
from spaces_bridge_demo.speech import CONVERSATION, speak

NEAR_LUFS: Final = -18.0
APART_DB: Final = 20.0
TURNS: Final = 8
SPEAKERS: Final = 10
TICKS: Final = 1_000
_METER: Final = pyloudnorm.Meter(SAMPLE_RATE)


def results() -> Sequence[Result]:
    """Measure and return the figures."""
    before, after = _turns()
    apart = [abs(near - far) for near, far in after]
    raw = [abs(near - far) for near, far in before]
    told = f"{spread(apart, 2)}; sent {percentile(raw, 50):.1f} LU apart; pairs of turns"
    costs, loudest, clipped = _ten_at_full_scale()
    ten = f"{spread(costs)}; {SPEAKERS} voices and {SPEAKERS} mixes that lack one, loud speech"
    high = f"loudest sample {loudest}; {TICKS} ticks of {SPEAKERS} at full scale, in all mixes"
    return [
        Result("audio.loudness_spread_db", round(max(apart), 2), "LU", len(apart), told, "<= 3"),
        Result("audio.clipped_samples", clipped, "samples", TICKS, high, "0"),
        Result(
            "audio.loudness_us_per_tick",
            round(percentile(costs, 50), 1),
            "us",
            len(costs),
            ten,
            "<= 1000",
        ),
    ]


def _turns() -> tuple[Sequence[tuple[float, float]], Sequence[tuple[float, float]]]:
    """Return the loudness of near and far in each pair of turns: as sent, and as heard."""
    lines = [speak(line) for line in CONVERSATION]
    mix, ear = SpaceMix(0), Decoder()
    users = {"near": NEAR_LUFS, "far": NEAR_LUFS - APART_DB}
    for user in users:
        mix.join(user, user, StreamDirection.SPEAK)
    mix.join("ear", "listener", StreamDirection.LISTEN)
    mix.set_gates(users)
    clients = {user: _Client(user) for user in users}
    before, after, now = [], [], 0.0
    for turn in range(TURNS):
        sent, heard = [], []
        said = np.concatenate([lines[(turn + n) % len(lines)] for n in range(3)])
        for user, loudness in users.items():
            own = _at(loudness, said)
            parts = []
            for frame in own.reshape(-1, FRAME):
                mix.receive(user, user, clients[user].packet(frame), now)
                parts += [ear.decode(p) for peers, p in _payloads(mix, now) if "ear" in peers]
                now += FRAME / SAMPLE_RATE
            sent.append(_lufs(own))
            heard.append(_lufs(np.concatenate(parts)))
        before.append((sent[0], sent[1]))
        after.append((heard[0], heard[1]))
    return before, after


def _payloads(mix: SpaceMix, now: float) -> Sequence[tuple[Sequence[str], bytes]]:
    return [(each[0], each[1]) for each in mix.tick(now).payloads]


class _Client:
    """A client numbers and encodes what its person says."""

    def __init__(self, user: str) -> None:
        self._encoder, self._sent, self._ssrc = Encoder(), 0, len(user)

    def packet(self, frame: Pcm) -> RtpPacket:
        self._sent += 1
        at = self._sent * FRAME
        payload = self._encoder.encode(np.ascontiguousarray(frame))
        return RtpPacket(self._sent % (1 << 16), at, False, 111, self._ssrc, payload)


def _ten_at_full_scale() -> tuple[Sequence[float], int, int]:
    """Return the cost of each tick in microseconds, the loudest sample, and how many clip."""
    users = [f"@{number}" for number in range(SPEAKERS)]
    line = speak(CONVERSATION[0]).astype(np.float64)
    loud = np.clip(line / np.abs(line).max() * 2, -1, 1) * PEAK
    frames = loud[: len(loud) // FRAME * FRAME].astype(np.int16).reshape(-1, FRAME)
    voices, mixer = Voices(), Mixer()
    costs, loudest, clipped = [], 0, 0
    for tick in range(TICKS):
        said = {u: frames[(tick + 3 * n) % len(frames)] for n, u in enumerate(users)}
        began = time.process_time()
        mix = mixer.mix(voices.hear(said), users)
        costs.append((time.process_time() - began) * 1e6)
        for each in (mix.everybody, *mix.without.values()):
            size = np.abs(each.astype(np.int32))
            loudest = max(loudest, int(size.max()))
            clipped += int((size >= PEAK).sum())
    return costs, loudest, clipped


def _at(loudness: float, pcm: Pcm) -> Pcm:
    """Return whole frames of the sound, so loud."""
    louder = pcm * 10 ** ((loudness - _lufs(pcm)) / 20)
    whole: Pcm = np.clip(np.rint(louder), -PEAK, PEAK).astype(np.int16)
    return whole[: len(whole) // FRAME * FRAME]


def _lufs(pcm: Pcm) -> float:
    return float(_METER.integrated_loudness(pcm / 32_768))
