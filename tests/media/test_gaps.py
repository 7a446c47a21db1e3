"""A speaker whose connection is bad: told while it is, by what is missing of the sound."""

import random

import pytest

from spaces_bridge.media.worker.mix.gaps import BAD_PERCENT, GapWatch
from spaces_bridge.media.worker.mix.jitter import Totals
from spaces_bridge.media.worker.mix.opus import SAMPLE_RATE
from spaces_bridge.media.worker.mix.space_mix import GAPS_TICKS, SpaceMix
from spaces_bridge.media.worker.values import StreamDirection
from tests.media.test_space_mix import Voice

pytestmark = pytest.mark.unit


class Sound:
    """Two seconds of sound after another, a part of it missing."""

    def __init__(self) -> None:
        self.totals, self.watch = Totals(), GapWatch()

    def goes_on(self, missing_percent: int, seconds: float = 2.0) -> int:
        missing = int(seconds * SAMPLE_RATE * missing_percent / 100)
        self.totals.missing += missing
        self.totals.played += int(seconds * SAMPLE_RATE) - missing
        return self.watch.measure(self.totals)


def test_a_bad_connection_is_told_until_it_is_good_and_not_at_each_swing() -> None:
    sound = Sound()
    told = [sound.goes_on(percent) for percent in (0, 8, 9, 20, 20, 8, 8, 8, 4, 4, 8)]
    assert told == [0, 0, 0, 14, 20, 14, 8, 8, 6, 0, 0]


def test_of_little_sound_nothing_is_concluded() -> None:
    assert Sound().goes_on(100, seconds=0.5) == 0


def test_another_stream_is_measured_from_its_beginning() -> None:
    sound = Sound()
    assert sound.goes_on(50) == 50
    sound.totals = Totals()
    assert sound.goes_on(0) == 0


def test_a_live_space_tells_who_is_heard_with_gaps_and_when_nobody_is() -> None:
    """What FEC restores is not missing: these voices have none."""
    good, bad = Voice("@good", 440), Voice("@bad", 300)
    mix, chance, told = SpaceMix(0), random.Random(3), []
    for voice in (good, bad):
        mix.join(voice.peer, voice.user, StreamDirection.SPEAK)
    mix.set_gates(["@good", "@bad"])
    for tick in range(590):
        now = tick * 0.02
        mix.receive(good.peer, good.user, good.packet(), now)
        packet = bad.packet()
        if tick > 290 or chance.random() > 0.25:
            mix.receive(bad.peer, bad.user, packet, now)
        mix.tick(now)
        told.append(mix.gaps())
    said = [gaps for gaps in told if gaps is not None]
    assert [list(gaps) for gaps in said] == [*[["@bad"]] * 4, []]
    assert all(BAD_PERCENT <= gaps["@bad"] < 40 for gaps in said[:3])
    assert [place % GAPS_TICKS for place, gaps in enumerate(told) if gaps is not None] == [99] * 5
