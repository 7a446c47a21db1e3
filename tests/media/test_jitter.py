"""The jitter buffer: order, time, loss and silence, for well-meant and for hostile streams."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.jitter import LONGEST_S, MAX_TARGET_S, Gap, JitterBuffer

pytestmark = pytest.mark.unit

TICK = 0.02
CELT_20_MS = 0xF8


def payload(number: int, size: int = 8) -> bytes:
    """A packet of 20 ms that says which one it is."""
    return bytes([CELT_20_MS]) + number.to_bytes(4, "big") + bytes(size - 5)


def number_of(packet: bytes) -> int:
    return int.from_bytes(packet[1:5], "big")


@dataclass(frozen=True)
class Arrival:
    number: int
    at: float
    sequence: int
    timestamp: int


@dataclass(frozen=True)
class Outcome:
    played: list[int]
    played_at: dict[int, float]
    gaps: list[Gap]
    most_held: int


def stream(
    delays: Sequence[float | None], first_sequence: int = 0, first_timestamp: int = 0
) -> list[Arrival]:
    """One packet per 20 ms, each delayed; None: lost."""
    return [
        Arrival(
            number,
            number * TICK + delay,
            (first_sequence + number) % (1 << 16),
            (first_timestamp + number * 960) % (1 << 32),
        )
        for number, delay in enumerate(delays)
        if delay is not None
    ]


def play(arrivals: Sequence[Arrival], ticks: int) -> Outcome:
    buffer = JitterBuffer()
    waiting = sorted(arrivals, key=lambda arrival: arrival.at)
    outcome = Outcome([], {}, [], 0)
    most_held = 0
    for tick in range(ticks):
        now = tick * TICK
        while waiting and waiting[0].at <= now:
            arrival = waiting.pop(0)
            buffer.push(arrival.sequence, arrival.timestamp, payload(arrival.number), arrival.at)
        most_held = max(most_held, buffer.held_samples)
        taken = buffer.take(now)
        if isinstance(taken, Gap):
            outcome.gaps.append(taken)
        elif isinstance(taken, bytes):
            outcome.played.append(number_of(taken))
            outcome.played_at[number_of(taken)] = now
    return Outcome(outcome.played, outcome.played_at, outcome.gaps, most_held)


DELAYS = st.lists(st.one_of(st.none(), st.floats(0, 0.3)), max_size=150)


@given(DELAYS, st.integers(0, 65_535), st.integers(0, (1 << 32) - 1))
def test_packets_come_out_in_order_and_once_whatever_happens_on_the_way(
    delays: list[float | None], first_sequence: int, first_timestamp: int
) -> None:
    arrivals = stream(delays, first_sequence, first_timestamp)
    outcome = play([*arrivals, *arrivals[::3]], len(delays) + 60)
    assert outcome.played == sorted(set(outcome.played))
    assert outcome.most_held <= LONGEST_S * 48_000


@given(st.integers(1, 200), st.floats(0, 3), st.integers(0, 65_535))
@example(count=3, delay=1.5801603569153286, first_sequence=0)  # due just after a tick
def test_on_an_even_way_nothing_is_lost_and_the_delay_stays_small(
    count: int, delay: float, first_sequence: int
) -> None:
    outcome = play(stream([delay] * count, first_sequence), count + 200)
    assert outcome.played == list(range(count))
    waits = [at - number * TICK - delay for number, at in outcome.played_at.items()]
    assert max(waits) < 0.0601


def test_an_uneven_way_is_evened_out_once_it_is_known() -> None:
    """Delays are true chance: chosen against the buffer, they could always be worse."""
    missed = 0
    for seed in range(60):
        chance = random.Random(seed)
        unevenness = chance.uniform(0.005, 0.12)
        delays = [chance.uniform(0, unevenness) for _ in range(400)]
        delays[:20:5] = [unevenness] * 4
        outcome = play(stream(delays), 440)
        missed += len(set(range(100, 400)) - set(outcome.played))
        waits = [at - number * TICK for number, at in outcome.played_at.items() if number > 100]
        assert max(waits) <= MAX_TARGET_S + 0.05
    assert missed <= 0.01 * 60 * 300


def test_a_lost_packet_is_concealed_and_shifts_nothing() -> None:
    delays: list[float | None] = [0.01] * 50
    delays[25] = None
    outcome = play(stream(delays), 50)
    assert [gap for gap in outcome.gaps if gap.conceal] == [Gap(960, conceal=True)]
    assert outcome.played_at[26] - outcome.played_at[24] == pytest.approx(2 * TICK)


def test_a_long_hole_is_concealed_for_a_moment_and_silent_after_it() -> None:
    delays: list[float | None] = [0.01] * 60
    delays[20:40] = [None] * 20
    outcome = play(stream(delays), 60)
    assert 1 <= sum(gap.conceal for gap in outcome.gaps) <= 5
    assert outcome.played == [*range(20), *range(40, outcome.played[-1] + 1)]


def test_a_speaker_who_sends_nothing_while_silent_does_not_make_the_buffer_grow() -> None:
    buffer = JitterBuffer()
    sequence, waits = 0, []
    for tick in range(3000):
        now = tick * TICK
        if tick % 100 < 40:  # talks for 0.8 s, then sends nothing for 1.2 s
            buffer.push(sequence, tick * 960, payload(tick), now)
            sequence += 1
        taken = buffer.take(now)
        if isinstance(taken, bytes):
            waits.append(tick - number_of(taken))
    assert len(waits) == 1200
    assert max(waits) <= 3
    assert buffer.lost == 0


def test_a_packet_that_announces_silence_is_not_concealed_after() -> None:
    buffer = JitterBuffer()
    buffer.push(1, 0, bytes([CELT_20_MS]), 0.0)
    taken = [buffer.take(tick * TICK) for tick in range(10)]
    assert [item for item in taken if isinstance(item, bytes)] == [bytes([CELT_20_MS])]
    assert not any(item.conceal for item in taken if isinstance(item, Gap))


@given(st.integers(1, 60), st.integers(0, 20))
def test_after_a_flush_nothing_from_before_is_played(before: int, late: int) -> None:
    buffer = JitterBuffer()
    for number in range(before):
        if number != before - 1 - late:
            buffer.push(number, number * 960, payload(number), number * TICK)
    buffer.flush()
    if late < before - 1:
        number = before - 1 - late
        buffer.push(number, number * 960, payload(number), before * TICK)
    for number in range(before, before + 20):
        buffer.push(number, number * 960, payload(number), number * TICK)
    taken = [buffer.take((before + tick) * TICK) for tick in range(60)]
    played = [number_of(item) for item in taken if isinstance(item, bytes)]
    assert played == sorted(played)
    assert all(number >= before for number in played)


def test_what_passed_by_a_shut_gate_is_never_played_even_if_it_comes_again() -> None:
    buffer = JitterBuffer()
    for number in range(10):
        buffer.pass_by(number, number * 960)
    buffer.push(4, 4 * 960, payload(4), 0.3)
    buffer.push(10, 10 * 960, payload(10), 0.3)
    taken = [buffer.take(0.3 + tick * TICK) for tick in range(20)]
    assert [number_of(item) for item in taken if isinstance(item, bytes)] == [10]


def test_a_burst_after_a_standstill_is_cut_down_to_the_newest() -> None:
    delays = [0.0] * 50 + [max(0.0, 1.5 - number * TICK) for number in range(75)] + [0.0] * 75
    outcome = play(stream(delays), 230)
    after = [at - number * TICK for number, at in outcome.played_at.items() if number > 130]
    assert max(after) <= MAX_TARGET_S + 0.05
    assert outcome.played[-1] == 199


@pytest.mark.parametrize("pace", [0.999, 1.001])
def test_a_speaker_whose_clock_runs_differently_is_followed(pace: float) -> None:
    arrivals = [
        Arrival(number, number * TICK * pace, number % (1 << 16), number * 960)
        for number in range(6000)
    ]
    outcome = play(arrivals, int(6000 * pace))
    waits = [at - number * TICK * pace for number, at in outcome.played_at.items()]
    assert max(waits[-1000:]) < 0.15
    assert len(outcome.played) > 5900


def test_packets_of_60_ms_are_understood() -> None:
    silk_60_ms = 0x18
    buffer = JitterBuffer()
    played = 0
    for number in range(20):
        now = number * 0.06
        buffer.push(number, number * 2880, bytes([silk_60_ms, number, 0, 0]), now)
        for tick in range(3):  # a frame that was decoded lasts for three ticks
            if not isinstance(buffer.take(now + tick * TICK), Gap):
                played += 1
                break
    assert played == 20
    assert buffer.lost == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 65_535), st.integers(0, (1 << 32) - 1), st.binary(max_size=12)),
        max_size=80,
    )
)
def test_a_hostile_stream_neither_raises_nor_piles_up(
    packets: list[tuple[int, int, bytes]],
) -> None:
    buffer = JitterBuffer()
    for tick, (sequence, timestamp, data) in enumerate(packets):
        buffer.push(sequence, timestamp, data, tick * TICK)
        assert buffer.held_samples <= LONGEST_S * 48_000
        for taken in (buffer.take(tick * TICK), buffer.take(tick * TICK)):
            assert not isinstance(taken, Gap) or 120 <= taken.samples <= 960
