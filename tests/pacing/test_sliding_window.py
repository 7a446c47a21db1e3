"""So many in any minute."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.pacing import sliding_window
from spaces_bridge.pacing.sliding_window import SlidingWindows

pytestmark = pytest.mark.unit

MINUTE_MS = 60_000


def test_so_many_go_in_any_minute_and_the_next_waits_for_the_oldest() -> None:
    windows = SlidingWindows()
    for now in (0.0, 10.0, 20.0):
        assert windows.wait("a", 3, now) == 0
        windows.count("a", now)
    assert windows.wait("a", 3, 30.0) == 30.0
    assert windows.wait("a", 1, 30.0) == 50.0, "a lower limit waits for more of them"
    assert windows.wait("b", 1, 30.0) == 0
    assert windows.wait("a", 3, 60.0) == 0


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    windows = SlidingWindows()
    windows.count("a", 10_000.0)
    assert windows.wait("a", 1, 0.0) == 0


def test_of_many_keys_the_one_that_counted_nothing_for_longest_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sliding_window, "KEYS_KEPT", 2)
    windows = SlidingWindows()
    for key in ("a", "b", "a", "c"):
        windows.count(key, 0.0)
    assert len(windows) == 2
    assert [windows.wait(key, 1, 1.0) > 0 for key in "abc"] == [True, False, True]


@given(st.lists(st.integers(0, 3 * MINUTE_MS), max_size=60), st.integers(1, 5))
def test_no_minute_has_more_than_the_limit(times: list[int], limit: int) -> None:
    windows, went = SlidingWindows(MINUTE_MS), list[int]()
    for now in sorted(times):
        if windows.wait("a", limit, now) <= 0:
            windows.count("a", now)
            went.append(now)
    for first in went:
        assert sum(first <= now < first + MINUTE_MS for now in went) <= limit


def test_what_is_only_counted_and_never_asked_about_does_not_pile_up() -> None:
    windows = SlidingWindows()
    for now in range(0, 100_000, 30):
        windows.count("a", float(now))
    assert len(pickle.dumps(windows)) < 1_000
