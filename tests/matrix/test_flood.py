"""How many commands are answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.matrix.commands.flood import WINDOW_MS, FloodGate, Patience

pytestmark = pytest.mark.unit


def test_the_first_one_too_many_is_told_so_and_the_rest_ignored_until_a_minute_is_over() -> None:
    gate = FloodGate()
    verdicts = [gate.judge("ben", 2, at_ms) for at_ms in (0, 10, 20, 30, WINDOW_MS - 1)]
    assert verdicts == [
        Patience.ANSWER,
        Patience.ANSWER,
        Patience.WARN,
        Patience.IGNORE,
        Patience.IGNORE,
    ]
    assert gate.judge("ben", 2, WINDOW_MS) is Patience.ANSWER


def test_who_loses_a_higher_limit_is_told_so() -> None:
    gate = FloodGate()
    for _ in range(5):
        gate.judge("ben", 10, 0)
    assert gate.judge("ben", 2, 0) is Patience.WARN
    assert gate.judge("ben", 2, 0) is Patience.IGNORE


def test_everybody_is_counted_apart() -> None:
    gate = FloodGate()
    assert gate.judge(("room", "ben"), 1, 0) is Patience.ANSWER
    assert gate.judge(("room", "eve"), 1, 0) is Patience.ANSWER
    assert gate.judge(("dm", "ben"), 1, 0) is Patience.ANSWER
    assert gate.judge(("room", "ben"), 1, 0) is Patience.WARN


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    gate = FloodGate()
    gate.judge("ben", 1, 10 * WINDOW_MS)
    assert gate.judge("ben", 1, 0) is Patience.ANSWER


@given(st.lists(st.integers(0, 3 * WINDOW_MS), max_size=60), st.integers(1, 5))
def test_no_more_than_the_limit_is_answered_in_a_window(times: list[int], limit: int) -> None:
    gate, answered = FloodGate(), list[int]()
    for at_ms in sorted(times):
        if gate.judge("ben", limit, at_ms) is Patience.ANSWER:
            answered.append(at_ms)
    for first in answered:
        assert sum(first <= at_ms < first + WINDOW_MS for at_ms in answered) <= limit
