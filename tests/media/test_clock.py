"""The beat: 50 ticks a second, no bursts, no drift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.clock import LONGEST_LAG, TICK_S, TickClock

pytestmark = pytest.mark.unit


def test_a_tick_is_due_every_20_ms() -> None:
    clock = TickClock(100.0)
    assert clock.beat(100.01) == 0
    assert clock.wait(100.0) == pytest.approx(TICK_S)
    assert clock.beat(100.0201) == 1
    assert clock.wait(100.0201) == pytest.approx(TICK_S - 0.0001)


@given(st.lists(st.floats(0, 0.3), max_size=60))
def test_time_is_neither_lost_nor_gained_and_comes_at_most_at_double_pace(
    delays: list[float],
) -> None:
    clock, now, ticks, last = TickClock(0.0), 0.0, 0, float("-inf")
    for delay in delays:
        waited = clock.wait(now)
        now += waited + delay
        steps = clock.beat(now)
        if steps:
            ticks += steps
            assert now - last >= TICK_S / 2 - 1e-9
            last = now
        assert ticks * TICK_S <= now + 1e-6
        assert now - ticks * TICK_S < (LONGEST_LAG + 1) * TICK_S + 1e-6


def test_a_short_delay_is_made_up_for() -> None:
    clock = TickClock(0.0)
    now, ticks = 0.09, 0
    while clock.wait(now) <= TICK_S / 2 + 1e-6 and now < 1:
        now += clock.wait(now)
        ticks += clock.beat(now)
    assert clock.skipped == 0
    assert now < 0.2


def test_after_a_long_delay_ticks_are_skipped_and_counted() -> None:
    clock = TickClock(0.0)
    assert clock.beat(1.0001) == 50
    assert clock.skipped == 49
    assert clock.wait(1.0001) > 0.01


def test_lateness_is_measured() -> None:
    clock, now = TickClock(0.0), 0.0
    for number in range(200):
        now = (number + 1) * TICK_S + (0.0085 if number % 10 == 0 else 0.0005)
        assert clock.beat(now) == 1
    assert clock.lateness_ms(0.5) == 0
    assert clock.lateness_ms(0.99) == 8
