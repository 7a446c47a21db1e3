"""What a worker does itself of the overload ladder, and what it tells."""

import logging
from collections.abc import Callable

import pytest

from spaces_bridge.media.messages import OverloadChanged
from spaces_bridge.media.worker.clock import TickClock
from spaces_bridge.media.worker.load_shedding import LONG_FRAMES, LoadShedding
from spaces_bridge.media.worker.mix.shared_packets import CrowdPackets, SharedPackets
from spaces_bridge.media.worker.overload import BAD_ONES, CALM_S, VERY_LATE_MS, WorkerLoad
from spaces_bridge.media.worker.values import OverloadStep

pytestmark = pytest.mark.unit

TOO_MUCH = WorkerLoad(VERY_LATE_MS, 0.9, 3, listeners=1000)
LITTLE = WorkerLoad(0, 0.1, 0, listeners=1000)


class OneLoad:
    """A `MeasuresLoad` of which each tick is a second of `load`."""

    load = TOO_MUCH

    def ticked(self, late_s: float) -> None:
        """Whatever it was."""

    def second(
        self, now: float, cpu_s: float, skipped: int, listeners: Callable[[], int]
    ) -> WorkerLoad | None:
        return self.load


class Shedding:
    """A worker's load shedding with one live space of 100 listeners."""

    def __init__(self) -> None:
        self.told: list[OverloadChanged] = []
        self.meter = OneLoad()
        self.mixes = [self.mix()]
        self.shedding = LoadShedding(
            lambda: self.mixes, self.told.append, lambda: 100, meter=self.meter
        )

    @staticmethod
    def mix() -> SharedPackets:
        mix = SharedPackets(CrowdPackets(least=200))
        mix.lay_out([str(number) for number in range(100)])
        return mix

    def pass_by(self, load: WorkerLoad, seconds: int) -> None:
        self.meter.load = load
        for _ in range(seconds):
            self.shedding.ticked(0.0, TickClock(0.0))

    def frames(self) -> list[int]:
        """Frames in a packet of each live space, once the next ones are sent."""
        for mix in self.mixes:
            for _ in range(2 * LONG_FRAMES):
                mix.push(b"\x0b\xe4\x00", is_silent=False)
        return [mix.frames_per_packet for mix in self.mixes]


def test_frames_lengthen_at_the_second_step_also_of_a_live_space_that_begins_then() -> None:
    setup = Shedding()
    setup.pass_by(TOO_MUCH, BAD_ONES)
    assert setup.frames() == [1]
    setup.pass_by(TOO_MUCH, BAD_ONES)
    assert setup.frames() == [LONG_FRAMES]
    setup.mixes.append(setup.mix())
    setup.shedding.opened(setup.mixes[-1])
    assert setup.frames() == [LONG_FRAMES] * 2
    setup.pass_by(LITTLE, round(CALM_S))
    assert setup.frames() == [1, 1]
    setup.mixes.append(setup.mix())
    setup.shedding.opened(setup.mixes[-1])
    assert setup.frames() == [1] * 3


def test_each_change_is_told_once_and_logged_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    setup = Shedding()
    setup.shedding.introduce()
    setup.pass_by(TOO_MUCH, 100)
    setup.pass_by(LITTLE, 10 * round(CALM_S))
    steps = [1, 2, 3, 2, 1, 0]
    assert setup.told == [OverloadChanged(OverloadStep(step)) for step in steps]
    assert all(
        f"step {step} of 3" in line for step, line in zip(steps, caplog.messages, strict=True)
    )
    numbers = setup.shedding.numbers()
    assert (numbers["overload_step"], numbers["overload_changes"]) == (0, 3)


def test_a_new_control_process_is_told_what_is_given_up() -> None:
    setup = Shedding()
    setup.pass_by(TOO_MUCH, 100)
    setup.told.clear()
    setup.shedding.introduce()
    assert setup.told == [OverloadChanged(OverloadStep.CROWDED)]
