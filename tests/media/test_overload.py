"""What an overloaded worker gives up, in which order, and when it takes it back: no clock runs."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.overload import (
    BAD_ONES,
    BUSY,
    CALM_S,
    FEWEST_LISTENERS,
    LATE_MS,
    MOST_CALM_S,
    VERY_LATE_MS,
    LoadMeter,
    OverloadLadder,
    WorkerLoad,
)
from spaces_bridge.media.worker.values import OverloadStep

pytestmark = pytest.mark.unit

CALM, NO_DRAFTS, LONG_FRAMES, CROWDED = OverloadStep
MANY = 1000
IDLE = WorkerLoad(late_ms=1, busy=0.1, skipped=0, listeners=MANY)
LATE = WorkerLoad(late_ms=LATE_MS, busy=0.5, skipped=0, listeners=MANY)
VERY_LATE = WorkerLoad(late_ms=VERY_LATE_MS, busy=0.5, skipped=0, listeners=MANY)
BUSY_ONE = WorkerLoad(late_ms=1, busy=BUSY, skipped=0, listeners=MANY)
UNEASY = WorkerLoad(late_ms=1, busy=0.7, skipped=0, listeners=MANY)
STALLED = WorkerLoad(late_ms=1, busy=0.1, skipped=7, listeners=MANY)


class Seconds:
    """A ladder that is shown a load a second."""

    def __init__(self) -> None:
        self.ladder, self.now = OverloadLadder(), 0

    def pass_by(self, load: WorkerLoad, seconds: float) -> list[OverloadStep]:
        """The steps that were taken in so many seconds of this load."""
        return self.each([load] * int(seconds))

    def each(self, loads: Iterable[WorkerLoad]) -> list[OverloadStep]:
        taken = []
        for load in loads:
            self.now += 1
            if self.ladder.look(load):
                taken.append(self.ladder.step)
        return taken

    def until_calm(self) -> float:
        """The calm seconds until the next step down."""
        began = self.now
        while not self.pass_by(IDLE, 1):
            assert self.now - began < 2 * MOST_CALM_S
        return self.now - began


def test_things_are_given_up_one_after_another_and_come_back_in_reverse() -> None:
    seconds = Seconds()
    assert seconds.pass_by(VERY_LATE, 60) == [NO_DRAFTS, LONG_FRAMES, CROWDED]
    assert seconds.pass_by(IDLE, 10 * CALM_S) == [LONG_FRAMES, NO_DRAFTS, CALM]


def test_each_step_is_given_time_to_show_what_it_does() -> None:
    seconds = Seconds()
    for step in (NO_DRAFTS, LONG_FRAMES, CROWDED):
        assert seconds.pass_by(VERY_LATE, BAD_ONES - 1) == []
        assert seconds.pass_by(VERY_LATE, 1) == [step]


@pytest.mark.parametrize("load", [LATE, VERY_LATE, BUSY_ONE, STALLED])
def test_one_stall_is_no_overload(load: WorkerLoad) -> None:
    seconds = Seconds()
    assert seconds.each([IDLE, load, load, IDLE, IDLE, IDLE] * 50) == []


@pytest.mark.parametrize(
    ("load", "highest"),
    [
        (IDLE, CALM),
        (UNEASY, CALM),
        (BUSY_ONE, LONG_FRAMES),
        (LATE, LONG_FRAMES),
        (VERY_LATE, CROWDED),
        (STALLED, CROWDED),
    ],
)
def test_listeners_are_refused_only_when_the_sound_itself_suffers(
    load: WorkerLoad, highest: OverloadStep
) -> None:
    seconds = Seconds()
    seconds.pass_by(load, 600)
    assert seconds.ladder.step is highest


def test_with_few_listeners_nothing_is_given_up() -> None:
    few = WorkerLoad(VERY_LATE_MS, 1.0, 50, FEWEST_LISTENERS - 1)
    seconds = Seconds()
    assert seconds.pass_by(few, 600) == []


def test_nobody_is_refused_for_the_sake_of_people_who_have_left() -> None:
    seconds = Seconds()
    seconds.pass_by(VERY_LATE, 60)
    gone = WorkerLoad(VERY_LATE_MS, 1.0, 50, FEWEST_LISTENERS // 2 - 1)
    assert seconds.pass_by(gone, 60) == [LONG_FRAMES, NO_DRAFTS, CALM]


def test_between_the_thresholds_nothing_changes() -> None:
    seconds = Seconds()
    seconds.pass_by(VERY_LATE, 60)
    assert seconds.pass_by(UNEASY, 10 * MOST_CALM_S) == []


def test_a_bad_second_begins_the_calm_anew_and_an_uneasy_one_only_does_not_count() -> None:
    seconds = Seconds()
    seconds.pass_by(LATE, BAD_ONES)
    assert seconds.pass_by(IDLE, CALM_S - 1) == []
    assert seconds.pass_by(LATE, 1) == []
    assert seconds.pass_by(IDLE, CALM_S - 1) == []
    assert seconds.pass_by(UNEASY, 100) == []
    assert seconds.pass_by(IDLE, 3) == [CALM]


def test_who_comes_back_too_early_waits_twice_as_long_the_next_time() -> None:
    seconds, waits = Seconds(), []
    for _ in range(8):
        assert seconds.pass_by(BUSY_ONE, BAD_ONES) == [NO_DRAFTS]
        waits.append(seconds.until_calm())
    assert all(after >= before for before, after in pairwise(waits))
    assert waits[1] >= 2 * waits[0] - 2
    assert waits[-1] == pytest.approx(MOST_CALM_S, abs=2)
    seconds.pass_by(IDLE, 2 * MOST_CALM_S)
    assert seconds.pass_by(BUSY_ONE, BAD_ONES) == [NO_DRAFTS]
    assert seconds.until_calm() == pytest.approx(CALM_S, abs=2)


@given(
    st.lists(
        st.builds(
            WorkerLoad,
            late_ms=st.integers(0, 500),
            busy=st.floats(0, 2),
            skipped=st.integers(0, 50),
            listeners=st.integers(0, 5000),
        ),
        max_size=300,
    )
)
def test_whatever_the_load_one_step_is_taken_at_a_time_and_not_too_often(
    loads: list[WorkerLoad],
) -> None:
    ladder, before, ups = OverloadLadder(), CALM, list[int]()
    for second, load in enumerate(loads):
        changed = ladder.look(load)
        assert changed == (ladder.step is not before)
        assert abs(ladder.step - before) <= 1
        if ladder.step > before:
            ups.append(second)
        before = ladder.step
    assert all(b - a >= BAD_ONES for a, b in pairwise(ups))


# --- measuring -----------------------------------------------------------------------------------


def test_a_seconds_load_is_made_of_its_own_ticks_and_processor_time() -> None:
    meter = LoadMeter(100.0, cpu_s=7.0)
    for _ in range(25):
        meter.ticked(0.002)
    assert meter.second(100.5, 7.1, 0, lambda: 3) is None
    for late_s in [0.002] * 22 + [0.4, 0.3, 0.033]:
        meter.ticked(late_s)
    assert meter.second(102.0, 8.0, 15, lambda: 3) == WorkerLoad(33, 0.5, 15, 3, lasted_s=2.0)
    meter.ticked(0.004)
    assert meter.second(102.9, 8.0, 15, lambda: 3) is None
    assert meter.second(103.0, 8.25, 16, lambda: 4) == WorkerLoad(4, 0.25, 1, 4)


def test_the_worst_ticks_of_a_second_are_looked_past_but_not_many() -> None:
    for bad, seen in ((2, 1), (3, 90)):
        meter = LoadMeter(0.0, 0.0)
        for late_s in [0.001] * (50 - bad) + [0.09] * bad:
            meter.ticked(late_s)
        load = meter.second(1.0, 0.1, 0, lambda: 0)
        assert load is not None
        assert load.late_ms == seen


def test_a_second_without_a_tick_is_as_late_as_it_is_long() -> None:
    load = LoadMeter(0.0, 0.0).second(3.0, 0.0, 150, lambda: 1)
    assert load == WorkerLoad(3000, 0.0, 150, 1, lasted_s=3.0)
