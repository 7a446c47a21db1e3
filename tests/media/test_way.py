"""The shortest way of a stream's packets, and what a pause does to it."""

import pytest

from spaces_bridge.media.worker.mix.way import ShortestWay

pytestmark = pytest.mark.unit


def test_it_is_the_least_of_the_last_seconds() -> None:
    way = ShortestWay()
    for tick, took in enumerate([0.05, 0.02, 0.04, 0.03]):
        way.note(took, 10 + tick * 0.02)
    assert way.shortest == 0.02
    for tick in range(600):
        way.note(0.06, 10.1 + tick * 0.02)
    assert way.shortest == 0.06


@pytest.mark.parametrize("change", [-0.5, 0.1, 0.6])
def test_after_a_pause_only_what_comes_now_counts(change: float) -> None:
    way = ShortestWay()
    way.note(0.02, 10.0)
    way.note(0.02 + change, 3610.0)
    assert way.shortest == 0.02 + change


def test_packets_of_a_silence_are_no_pause() -> None:
    way = ShortestWay()
    for number in range(10):
        way.note(0.02 if number == 0 else 0.05, 10 + 0.4 * number)
    assert way.shortest == 0.02
