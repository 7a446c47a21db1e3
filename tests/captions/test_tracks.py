"""After the worker died, its sound is heard once: in the replay, or live if none comes."""

import pytest

from spaces_bridge.captions.tracks import REPLAY_WAIT_S, Captioned

pytestmark = pytest.mark.unit


def lost_at(heard_ms: int, last_ms: int) -> Captioned:
    """A track whose worker died, and whose new worker is there since second 0."""
    track = Captioned("en", heard_ms=heard_ms, last_ms=last_ms)
    track.lose()
    track.expect_replay(0)
    return track


def test_sound_in_order_is_admitted() -> None:
    track = Captioned("en")
    assert all(track.admits(at_ms, 0) for at_ms in range(0, 1000, 100))
    assert not track.wants_replay


def test_a_track_without_sound_wants_no_replay() -> None:
    track = Captioned("en")
    track.lose()
    assert not track.wants_replay


def test_without_a_worker_nothing_is_admitted() -> None:
    track = Captioned("en", heard_ms=4000, last_ms=5000)
    track.lose()
    assert not any(track.admits(at_ms, 1e9) for at_ms in (4000, 100, 5100))
    assert track.wants_replay


def test_live_sound_waits_until_the_replay_has_begun() -> None:
    track = lost_at(4000, 6000)
    assert not track.admits(6100, 1)
    assert track.admits(4000, 1)
    assert track.admits(4100, 1)
    assert track.admits(6200, 1)


def test_a_replay_that_begins_late_is_known_by_going_back_in_time() -> None:
    track = lost_at(1000, 60_000)
    assert not track.admits(60_100, 1)
    assert track.admits(30_000, 1)


def test_live_sound_goes_on_when_no_replay_comes() -> None:
    track = lost_at(4000, 6000)
    assert not track.admits(6100, REPLAY_WAIT_S - 1)
    assert track.admits(6200, REPLAY_WAIT_S)
    assert not track.wants_replay


def test_the_age_of_a_moment_counts_from_when_it_was_spoken() -> None:
    track = Captioned("en", arrived=(5000, 100.0))
    assert track.age_s(5000, 103.0) == 3.0
    assert track.age_s(4000, 103.0) == 4.0
    assert track.age_s(9000, 103.0) == 0.0
