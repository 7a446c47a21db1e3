"""How speakers sound from bad networks: our receiver beside FFmpeg's and aiortc's, same packets.

Time is passed in, so ours and aiortc's runs are the same on every machine.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from benchmarks.lossy import (
    PACKET_S,
    Network,
    Sent,
    arrivals,
    distance_db,
    packets,
    undisturbed,
)
from benchmarks.peers.receivers import aiortc_hears, ffmpeg_hears
from benchmarks.result import Result, percentile, spread
from spaces_bridge.media.worker.mix.jitter import Totals
from spaces_bridge.media.worker.mix.mixer import SILENCE
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Pcm
from spaces_bridge.media.worker.mix.speaker import Speaker
from spaces_bridge.media.worker.values import RtpPacket

LOSSES: Final = (5, 10, 20)
SEEDS: Final = range(20261201, 20261206)
_AFTER_S: Final = 0.5
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Heard:
    """What our receiver made of a trace.

    `concealed` and `restored` are shares of the sound; `delays_s` is how long each packet waited
    from the moment at which it comes by the shortest way.
    """

    sound: Pcm
    concealed: float
    restored: float
    delays_s: Sequence[float]


def results() -> Sequence[Result]:
    """Run once and return the figures."""
    found: list[Result] = []
    for loss in LOSSES:
        found += _compared(loss)
    found += _in_a_good_network()
    found.append(_cost())
    return found


def hears(trace: Sequence[Sent], phase_s: float = 0.0) -> Heard:
    """Return what a `Speaker` makes of a trace, with ticks that begin at `phase_s`."""
    speaker, waiting = Speaker("peer"), list(arrivals(trace))[::-1]
    parts, delays, totals = list[Pcm](), list[float](), Totals()
    for tick in range(int((len(trace) * PACKET_S + _AFTER_S) / PACKET_S)):
        now = phase_s + tick * PACKET_S
        while waiting and waiting[-1][0] <= now:
            arrived, sent = waiting.pop()
            packet = RtpPacket(
                sent.number % (1 << 16), sent.number * FRAME, False, 111, 7, sent.payload
            )
            speaker.receive(packet, arrived)
        frame = speaker.frame(now)
        parts.append(SILENCE if frame is None else frame)
        slack_s = speaker.jitter.slack_s(now)
        if slack_s is not None:
            delays.append(slack_s + speaker.jitter.target_s + PACKET_S)
        if speaker.jitter.totals.played > totals.played:  # what is made up after the end is not
            totals = replace(speaker.jitter.totals)
    whole = totals.played + totals.restored + totals.missing
    return Heard(np.concatenate(parts), totals.missing / whole, totals.restored / whole, delays)


def _compared(loss: int) -> Iterator[Result]:
    payloads = packets(loss)
    said = undisturbed(payloads)
    traces = [Network(loss / 100).carry(payloads, seed) for seed in SEEDS]
    lost = [100 * sum(each.arrives is None for each in trace) / len(trace) for trace in traces]
    ours = [hears(trace) for trace in traces]
    concealed = [100 * each.concealed for each in ours]
    beyond = [one - other for one, other in zip(concealed, lost, strict=True)]
    restored = [100 * each.restored for each in ours]
    name = f"reception.loss_{loss}"
    n, seed = len(traces), SEEDS[0]
    middle = round(percentile(concealed, 50), 2)
    note = f"{spread(concealed, 2)}; restored by FEC: {spread(restored, 2)}"
    yield Result(f"{name}_concealed_percent", middle, "%", n, note, f"<= {loss + 2}", seed=seed)
    yield Result(
        f"{name}_beyond_loss_points",
        round(max(beyond), 2),
        "points",
        n,
        spread(beyond, 2),
        "<= 2",
        seed=seed,
    )
    apart = [distance_db(said, each.sound) for each in ours]
    others = {
        "FFmpeg": [distance_db(said, sound) for sound in ffmpeg_hears(traces)],
        "aiortc": [distance_db(said, aiortc_hears(trace)) for trace in traces],
    }
    value = percentile(apart, 50)
    for peer, theirs in others.items():
        yield Result(
            f"{name}_distance_to_{peer.lower()}_db",
            round(value, 2),
            "dB",
            n,
            f"{spread(apart, 2)}; theirs {spread(theirs, 2)}",
            "ratio > 1",
            peer,
            round(percentile(theirs, 50) / value, 2),
            seed,
        )


def _in_a_good_network() -> Iterator[Result]:
    """Yield how long sound waits where packets come evenly (jitter of 2 ms), ticks anywhere."""
    payloads = packets(0)
    delays: list[float] = []
    concealed: list[float] = []
    for seed in SEEDS:
        trace = Network(0, jitter_s=0.002, drift=0).carry(payloads, seed)
        heard = hears(trace, random.Random(seed).uniform(0, PACKET_S))
        delays += [1000 * each for each in heard.delays_s]
        concealed.append(100 * heard.concealed)
    for percent, target in ((50, "<= 30"), (95, "<= 40")):
        yield Result(
            f"reception.good_network_delay_p{percent}_ms",
            round(percentile(delays, percent), 1),
            "ms",
            len(delays),
            f"{spread(delays)}; concealed {max(concealed):.2f} %",
            target,
            seed=SEEDS[0],
        )


def _cost() -> Result:
    """Return what a frame of a speaker costs, decoding and all, without loss."""
    trace = Network(0, jitter_s=0.005, drift=0).carry(packets(0), SEEDS[0])
    each_us = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        hears(trace)
        each_us.append((time.process_time() - began) * 1e6 / len(trace))
    return Result(
        "reception.frame_us",
        round(percentile(each_us, 50), 1),
        "us",
        _ROUNDS,
        spread(each_us),
        f"a frame lasts {FRAME * 1000 // SAMPLE_RATE} ms",
    )
