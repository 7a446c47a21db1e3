"""How far a speaker's sequence numbers may leap, and how soon again."""

import pytest

from spaces_bridge.media.worker.edge.jumps import BURST, PER_S, Jumps

pytestmark = pytest.mark.unit

LARGEST = (1 << 15) - 1


def test_the_shortest_frames_go_on_for_ever() -> None:
    jumps = Jumps()
    for number in range(100_000):
        assert jumps.allows(1, number * 0.0025)
        jumps.took(1)


def test_a_few_of_the_largest_jumps_are_followed_and_then_none_for_a_while() -> None:
    jumps, followed = Jumps(), 0
    while jumps.allows(LARGEST, 0.0):
        jumps.took(LARGEST)
        followed += 1
    assert followed == BURST // LARGEST
    assert jumps.allows(1, 0.0)
    assert not jumps.allows(LARGEST, 0.9 * (LARGEST - BURST % LARGEST) / PER_S)
    assert jumps.allows(LARGEST, LARGEST / PER_S)


def test_what_was_not_authentic_takes_nothing() -> None:
    jumps = Jumps()
    for _ in range(1000):
        assert jumps.allows(LARGEST, 0.0)


def test_a_long_silence_earns_no_more_than_the_burst() -> None:
    jumps = Jumps()
    assert jumps.allows(0, 0.0)
    assert jumps.allows(int(BURST), 1e6)
    assert not jumps.allows(int(BURST) + 1, 1e6)
