"""A bad network on paper: a speaker's packets as they would arrive, and how alike sounds are."""

import ctypes
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spaces_bridge.media.worker.mix import opus
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Decoder, Pcm
from spaces_bridge.media.worker.mix.prompts import SpokenPrompt
from spaces_bridge.prompts import prompt_file

SPOKEN: Final = (
    "welcome", "hand_raised", "floor_offered", "muted_by_host", "floor_taken", "refused",
)  # fmt: skip
BITRATE: Final = 32_000
PACKET_S: Final = FRAME / SAMPLE_RATE

_VOIP: Final = 2048
_CONTROLS: Final = {"bitrate": 4002, "fec": 4012, "loss": 4014}
_WINDOW: Final = FRAME
_HOP: Final = FRAME // 2
_BANDS: Final = 32
_LOWEST_DB: Final = -70.0
_SPOKEN_DB: Final = -50.0
_PART: Final = 60  # hops that are compared with one and the same delay (0.6 s)
_MOST_DELAY: Final = 60  # hops

Spectra = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet, and when it arrives (s, the receiver's clock); None: it is lost."""

    number: int
    payload: bytes
    arrives: float | None


@dataclass(frozen=True, slots=True)
class Network:
    """A network that loses a share of the packets and delays each by up to `jitter_s`.

    A delay longer than a packet changes their order. The sender's clock is slow by `drift`.
    """

    loss: float
    jitter_s: float = 0.050
    drift: float = 300e-6

    def carry(self, payloads: Sequence[bytes], seed: int) -> Sequence[Sent]:
        """Return the packets in the order of their numbers."""
        chance = random.Random(seed)
        sent = []
        for number, payload in enumerate(payloads):
            delay_s = chance.uniform(0, self.jitter_s)
            at = number * PACKET_S * (1 + self.drift) + delay_s
            is_lost = number > 0 and chance.random() < self.loss
            sent.append(Sent(number, payload, None if is_lost else at))
        return sent


def arrivals(trace: Sequence[Sent]) -> Sequence[tuple[float, Sent]]:
    """Return what arrives, in the order of arrival."""
    came = [(each.arrives, each) for each in trace if each.arrives is not None]
    return sorted(came, key=lambda one: one[0])


@cache
def speech() -> Pcm:
    """Return what the bridge says in calls, sentence after sentence."""
    parts = []
    for name in SPOKEN:
        prompt = SpokenPrompt(prompt_file(name, "en"))
        parts += [prompt.frame(place) for place in range(len(prompt))]
    return np.concatenate(parts)


@cache
def packets(loss_percent: int) -> Sequence[bytes]:
    """Return speech as a browser sends it that is told of so much loss: with in-band FEC."""
    error = ctypes.c_int()
    state = opus._lib.opus_encoder_create(SAMPLE_RATE, 1, _VOIP, ctypes.byref(error))
    asked = {"bitrate": BITRATE, "fec": 1, "loss": loss_percent}
    for name, value in asked.items():
        opus._lib.opus_encoder_ctl(state, _CONTROLS[name], ctypes.c_int(value))
    room, said, made = ctypes.create_string_buffer(1275), speech(), []
    for at in range(0, len(said) - FRAME + 1, FRAME):
        frame = np.ascontiguousarray(said[at : at + FRAME])
        size = opus._lib.opus_encode(state, frame.ctypes.data, FRAME, room, 1275)
        made.append(room.raw[:size])
    opus._lib.opus_encoder_destroy(state)
    return made


def undisturbed(payloads: Sequence[bytes]) -> Pcm:
    """Return what is heard of packets none of which is lost."""
    decoder = Decoder()
    return np.concatenate([decoder.decode(payload) for payload in payloads])


def distance_db(said: Pcm, heard: Pcm) -> float:
    """Return how far the log-mel spectra are apart while there is speech: mean of dB.

    Parts of 0.6 s are each compared at the delay at which they are most alike, so that neither
    a delay nor a small change of pace counts.
    """
    wanted, got = _spectra(said), _spectra(heard)
    got = np.pad(got, ((0, len(wanted) + _MOST_DELAY), (0, 0)), constant_values=_LOWEST_DB)
    spoken = wanted.max(axis=1) > _SPOKEN_DB
    apart: list[float] = []
    for at in range(0, len(wanted) - _PART + 1, _PART):
        if not spoken[at : at + _PART].any():
            continue
        part, mask = wanted[at : at + _PART], spoken[at : at + _PART]
        distances = []
        for delay in range(_MOST_DELAY):
            there = got[at + delay : at + delay + _PART]
            distances.append(float(np.abs(there[mask] - part[mask]).mean()))
        apart += [min(distances)] * int(mask.sum())
    return float(np.mean(apart))


def _spectra(sound: Pcm) -> Spectra:
    """Return a row of log-mel bands (dB of full scale) for each 10 ms."""
    count = (len(sound) - _WINDOW) // _HOP
    places = np.arange(count)[:, None] * _HOP + np.arange(_WINDOW)
    windows = sound[places].astype(np.float32) / 32768 * np.hanning(_WINDOW).astype(np.float32)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2 / (_WINDOW / 4) ** 2
    levels = 10 * np.log10(power @ _filters().T + 1e-12)
    spectra: Spectra = np.maximum(levels, _LOWEST_DB).astype(np.float32)
    return spectra


@cache
def _filters() -> NDArray[np.float64]:
    """Return the weights of each band (triangles on the mel scale, 80 to 8000 Hz)."""
    mel = np.linspace(2595 * np.log10(1 + 80 / 700), 2595 * np.log10(1 + 8000 / 700), _BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    hertz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    weights: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling))
    return weights
