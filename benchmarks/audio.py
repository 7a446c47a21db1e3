"""From sound to sound: a marker in what a speaker says, found in what listeners decode.

The time runs from the moment at which the marker's first sample was said until that sample could
be heard: a packet holds what was said in the 20 ms before it was sent, and is heard from its
arrival on. A client's own capture and playout buffers are not in it.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.crowd_server import crowd_server
from benchmarks.peers.audience import Audience, DecryptingPeer, enough_files
from benchmarks.peers.voice import TICK_S
from benchmarks.result import Result, percentile, spread
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Decoder, Encoder, Pcm

MARKERS: Final = 35
"""In each round; where a speaker's packets lie between the worker's ticks, each has by chance."""
ROUNDS: Final = 3
SEED: Final = 20261201
SMALL: Final = 20
CROWD: Final = 300
EARS: Final = 3
"""Listeners that decode: in a crowd they get their packets in different ticks."""
_BED, _LOUD = 300, 12_000
_HERTZ = 1500
_MARKER_S: Final = 0.03
_BETWEEN_S: Final = (0.28, 0.38)
_FIRST_S: Final = 0.5
_SHARE: Final = 0.3
"""The share of a marker's height at which it begins: far above the bed, and above all echoes."""


class MarkedSound:
    """A hum with a loud, short tone in it now and then, at times that chance has chosen."""

    def __init__(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        gaps = chance.uniform(*_BETWEEN_S, MARKERS)
        self._starts = [round(at * SAMPLE_RATE) for at in _FIRST_S + np.cumsum(gaps)]
        length = self._starts[-1] + SAMPLE_RATE
        at = np.arange(length - length % FRAME) / SAMPLE_RATE
        self._pcm = (np.sin(2 * np.pi * 180 * at) * _BED).astype(np.int16)
        burst = np.sin(
            2 * np.pi * _HERTZ * np.arange(round(_MARKER_S * SAMPLE_RATE)) / SAMPLE_RATE
        )
        for start in self._starts:
            self._pcm[start : start + len(burst)] = (burst * _LOUD).astype(np.int16)
        self._encoder = Encoder()
        self._sent: list[float] = []
        self.goes = False
        """Whether the markers are said; before, there is only the hum."""

    @property
    def seconds(self) -> float:
        """The length of the sound."""
        return len(self._pcm) / SAMPLE_RATE

    def packet(self, _index: int) -> bytes:
        """Return the next packet, which is sent now; after the end, a hum."""
        first = len(self._sent) * FRAME
        if self.goes:
            self._sent.append(time.monotonic())
        frame = self._pcm[first : first + FRAME] if first < len(self._pcm) else self._pcm[:FRAME]
        return self._encoder.encode(np.ascontiguousarray(frame))

    def said_at(self) -> list[float]:
        """Return when each marker's first sample was said."""
        return [
            self._sent[start // FRAME] - TICK_S + start % FRAME / SAMPLE_RATE
            for start in self._starts
            if start // FRAME < len(self._sent)
        ]


class Recorder(DecryptingPeer):
    """A listener that keeps each packet and its time of arrival."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self._heard: list[tuple[float, bytes]] = []

    def _receive_rtp(self, datagram: bytes) -> None:
        at, before = time.monotonic(), self.received
        super()._receive_rtp(datagram)
        if self.received > before and self.payload:
            self._heard.append((at, self.payload))

    def markers(self) -> list[float]:
        """Return when each marker's first sample could be heard."""
        decoder, pieces, firsts, arrivals = Decoder(), list[Pcm](), list[int](), list[float]()
        length = 0
        for arrival, payload in self._heard:
            pieces.append(decoder.decode(payload))
            firsts.append(length)
            arrivals.append(arrival)
            length += len(pieces[-1])
        found = []
        for sample in onsets(np.concatenate(pieces)):
            piece = bisect_right(firsts, sample) - 1
            found.append(arrivals[piece] + (sample - firsts[piece]) / SAMPLE_RATE)
        return found


def onsets(pcm: Pcm) -> list[int]:
    """Return the first sample of each marker."""
    height = np.abs(pcm.astype(np.int32))
    loud = np.flatnonzero(height > _SHARE * float(np.percentile(height, 99.9)))
    if not len(loud):
        return []
    apart = np.diff(loud) > _BETWEEN_S[0] * SAMPLE_RATE / 2
    return [int(loud[0]), *(int(sample) for sample in loud[1:][apart])]


def delays_s(said: Sequence[float], heard: Sequence[float]) -> list[float]:
    """Return the time from each marker that was said until it was heard; lost ones are left out.

    A marker is heard before the next one is said.
    """
    found = []
    for at in said:
        later = [each - at for each in heard if 0 <= each - at < _BETWEEN_S[0]]
        found += later[:1]
    return found


async def _measure(listeners: int, seed: int) -> tuple[list[float], int]:
    """Return the delays in milliseconds, and the samples of a packet."""
    sound = MarkedSound(seed)
    async with crowd_server(say=sound.packet) as server:
        audience = Audience()
        try:
            recorders = [Recorder(audience.identity) for _ in range(EARS)]
            await audience.grow(listeners - EARS, server.answers)
            for recorder in recorders:
                await audience.join(server.answers, recorder)
            sound.goes = True
            await asyncio.sleep(sound.seconds)
            samples = max(audience.heard().sink.samples)
        finally:
            await audience.close()
    said = sound.said_at()
    found = [delay for each in recorders for delay in delays_s(said, each.markers())]
    return [1000 * delay for delay in found], samples


def results() -> Sequence[Result]:
    """Measure a small space and a crowd, and return the figures."""
    enough_files()
    return [
        *_results("audio.delay", SMALL, ("<= 60", "<= 90")),
        *_results("audio.delay_crowd", CROWD, ("", "<= 170")),
    ]


def _results(name: str, listeners: int, targets: tuple[str, str]) -> list[Result]:
    delays_ms, samples = list[float](), 0
    for seed in range(SEED, SEED + ROUNDS):
        of_round, samples = asyncio.run(_measure(listeners, seed))
        delays_ms += of_round
    told = (
        f"{spread(delays_ms)}; {ROUNDS} rounds, {listeners} listeners, packets of "
        f"{samples * 1000 // SAMPLE_RATE} ms, {EARS} of them decode; without the clients' own "
        "buffers"
    )
    return [
        Result(
            f"{name}_p{percent}_ms",
            round(percentile(delays_ms, percent), 1),
            "ms",
            len(delays_ms),
            told,
            target,
            seed=SEED,
        )
        for percent, target in zip((50, 95), targets, strict=True)
    ]
