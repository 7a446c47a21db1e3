"""Figures of two trees are compared by name, by their medians."""

import json

import pytest

from benchmarks.against import compared

pytestmark = pytest.mark.unit


def test_medians_are_compared_and_all_runs_shown() -> None:
    before = {"fanout.cost": [4.0, 2.0, 3.0], "only.there": [1.0]}
    now = {"fanout.cost": [6.0, 6.5, 1.0], "only.here": [1.0]}
    lines = [json.loads(line) for line in compared(before, now)]
    assert lines == [
        {
            "name": "fanout.cost",
            "before": 3.0,
            "now": 6.0,
            "ratio": 2.0,
            "runs_before": [2.0, 3.0, 4.0],
            "runs_now": [1.0, 6.0, 6.5],
        }
    ]


def test_a_figure_of_nothing_has_no_ratio() -> None:
    (line,) = compared({"lost": [0.0]}, {"lost": [2.0]})
    assert json.loads(line)["ratio"] is None
