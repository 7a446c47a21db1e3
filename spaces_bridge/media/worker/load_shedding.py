"""A worker that gives things up when it has too much to do, as `overload` says."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from spaces_bridge.media import messages
from spaces_bridge.media.worker.clock import TickClock
from spaces_bridge.media.worker.mix.shared_packets import SharedPackets
from spaces_bridge.media.worker.overload import LoadMeter, OverloadLadder, WorkerLoad
from spaces_bridge.media.worker.values import OverloadStep

log = logging.getLogger(__name__)

LONG_FRAMES: Final = 3
"""The frames of 20 ms in a packet of an overloaded worker; see `SharedPackets.lengthen`."""


class MeasuresLoad(Protocol):
    """What tells the load of each second: a `LoadMeter`, or a test that says what it is."""

    def ticked(self, late_s: float) -> None:
        """Note how late a tick came, in seconds."""
        ...

    def second(
        self, now: float, cpu_s: float, skipped: int, listeners: Callable[[], int]
    ) -> WorkerLoad | None:
        """Return the load of a second that has passed, else None; see `LoadMeter.second`."""
        ...


class LoadShedding:
    """Load shedding looks once a second, takes the steps that are the worker's, and tells of all.

    Captions and refusals are the control process's part: it is told each change, once.
    """

    def __init__(
        self,
        mixes: Callable[[], Iterable[SharedPackets]],
        send: Callable[[messages.OverloadChanged], None],
        listeners: Callable[[], int],
        meter: MeasuresLoad | None = None,
    ) -> None:
        """`mixes`: what is sent to those who only listen, of each live space there is."""
        self._mixes, self._send, self._listeners = mixes, send, listeners
        self._meter = meter or LoadMeter(time.monotonic(), time.process_time())
        self._ladder = OverloadLadder()
        self._busy = 0.0
        self._changes = 0

    def ticked(self, now: float, clock: TickClock) -> None:
        """Note a tick that has just been made."""
        self._meter.ticked(clock.late_s)
        load = self._meter.second(now, time.process_time(), clock.skipped, self._listeners)
        if load is None:
            return
        self._busy = load.busy
        before = self._ladder.step
        if self._ladder.look(load):
            self._changed(before, load)

    def opened(self, mix: SharedPackets) -> None:
        """Treat a live space that begins like the others."""
        if self._ladder.step >= OverloadStep.LONG_FRAMES:
            mix.lengthen(LONG_FRAMES)

    def introduce(self) -> None:
        """Tell a new control process what it takes to be calm otherwise."""
        if self._ladder.step is not OverloadStep.CALM:
            self._send(messages.OverloadChanged(self._ladder.step))

    def numbers(self) -> Mapping[str, float]:
        """Return the numbers for the metrics."""
        return {
            "overload_step": self._ladder.step,
            "overload_changes": self._changes,
            "busy_share": self._busy,
        }

    def _changed(self, before: OverloadStep, load: WorkerLoad) -> None:
        """Take or take back a step. The ladder's pace bounds the lines of the log."""
        step = self._ladder.step
        self._changes += step > before
        log.warning(
            "overload: %s (step %d of 3; ticks %d ms late, %d skipped, %d %% busy, %d listeners)",
            step.meaning,
            step,
            load.late_ms,
            load.skipped,
            round(load.busy * 100),
            load.listeners,
        )
        if (before >= OverloadStep.LONG_FRAMES) != (step >= OverloadStep.LONG_FRAMES):
            for mix in self._mixes():
                mix.lengthen(LONG_FRAMES if step >= OverloadStep.LONG_FRAMES else 1)
        self._send(messages.OverloadChanged(step))
