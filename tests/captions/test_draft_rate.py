"""Drafts give way when the worker is behind, and come back."""

from collections.abc import Callable

import pytest

from spaces_bridge.captions.worker.draft_rate import (
    CALM_S,
    DRAFT_LATE,
    FINAL_LATE_S,
    INTERVALS_S,
    NO_DRAFTS,
    SETTLE_S,
    DraftRate,
)

pytestmark = pytest.mark.unit

LATE = FINAL_LATE_S + 0.1


def test_a_worker_that_keeps_up_drafts_often() -> None:
    rate = DraftRate()
    for second in range(60):
        rate.draft_begins(0.1, second)
        rate.draft_took(0.3, second)
        rate.final_begins(0.2, second)
    assert rate.interval_s(60) == INTERVALS_S[0] == 0.6


@pytest.mark.parametrize(
    "late", [DraftRate.draft_begins, DraftRate.draft_took, DraftRate.final_begins]
)
def test_each_sign_of_too_much_to_do_is_a_step_down_until_there_are_no_drafts(
    late: Callable[[DraftRate, float, float], None],
) -> None:
    rate, seen = DraftRate(), []
    for step in range(5):
        seen.append(rate.interval_s(step * SETTLE_S))
        late(rate, 10.0, step * SETTLE_S)
    assert seen == [0.6, 1.0, 2.0, None, None]


def test_signs_at_the_same_time_are_one_step() -> None:
    rate = DraftRate()
    for _ in range(5):
        rate.final_begins(LATE, 7.0)
    assert rate.interval_s(7.0) == INTERVALS_S[1]


def test_a_draft_counts_as_late_by_its_own_interval() -> None:
    rate = DraftRate()
    rate.draft_begins(INTERVALS_S[0] or 0, 1.0)
    assert rate.interval_s(1.0) == 1.0
    rate.draft_begins(DRAFT_LATE * 1.0 - 0.01, 3.0)
    assert rate.interval_s(3.0) == 1.0


def test_calm_brings_the_drafts_back_step_by_step() -> None:
    rate = DraftRate()
    for second in range(4):
        rate.final_begins(LATE, second)
    steps = [rate.interval_s(3 + CALM_S * n) for n in range(4)]
    assert steps == [None, 2.0, 1.0, 0.6]


def test_trouble_that_goes_on_keeps_them_away() -> None:
    rate = DraftRate()
    for second in range(60):
        rate.final_begins(LATE, second)
    assert rate.interval_s(60) is None


def test_without_drafts_there_is_no_way_up() -> None:
    assert DraftRate(NO_DRAFTS).interval_s(1000) is None
