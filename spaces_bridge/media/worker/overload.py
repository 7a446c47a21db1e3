"""The overload ladder of a media worker: what is given up when there is too much, and when. Pure.

Each step keeps what the one before gave up: the sound of those who are there comes first. No clock
is read: each load says how long it lasted. Lateness says that the sound suffers already, whoever
takes the processor; the busy share says that it is about to. See docs/adr/0045-overload.md.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.values import OverloadStep

LATE_MS: Final = 20
"""A second with ticks later than this is a bad one: jitter buffers of listeners run dry."""
VERY_LATE_MS: Final = 40
"""A second with ticks later than this is one in which nobody new should come."""
BUSY: Final = 0.85
"""A loop that works for this share of a second is about to be late."""
CALM_LATE_MS: Final = 10
CALM_BUSY: Final = 0.6
"""What a second may have at most that counts as calm."""

LOOKED_AT: Final = 5
BAD_ONES: Final = 3
"""So many bad seconds of the last `LOOKED_AT` are one step up: one stall is none."""
CALM_S: Final = 20.0
MOST_CALM_S: Final = 320.0
"""Calm seconds before a step down; doubled each time when it was too early, up to the latter."""

FEWEST_LISTENERS: Final = 20
"""With fewer there is nothing to win: others take the processor, and captions run with less
priority anyway."""


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """The load of one second, or of `lasted_s` where the loop stood still.

    `late_ms`: how late its ticks came, but for the worst twentieth; `busy`: the share of it in
    which the process used a processor, 0 to about 1; `skipped`: ticks that were left out.
    """

    late_ms: int
    busy: float
    skipped: int
    listeners: int
    lasted_s: float = 1.0

    @property
    def is_calm(self) -> bool:
        """Whether there is room for what was given up."""
        return self.late_ms < CALM_LATE_MS and self.busy < CALM_BUSY and not self.skipped

    def asks_for(self, step: OverloadStep) -> bool:
        """Return whether a second like this is a reason to go up to `step`."""
        if self.listeners < FEWEST_LISTENERS:
            return False
        if step is OverloadStep.CROWDED:
            # not by the busy share alone: many who join at once keep the loop busy, not late
            return self.late_ms >= VERY_LATE_MS or self.skipped > 0
        return self.late_ms >= LATE_MS or self.busy >= BUSY or self.skipped > 0


class OverloadLadder:
    """An overload ladder goes up and down one step at a time, by the load of each second."""

    def __init__(self) -> None:
        self.step = OverloadStep.CALM
        self._recent: deque[WorkerLoad] = deque(maxlen=LOOKED_AT)
        self._calm_s = 0.0
        self._wanted_s = CALM_S
        self._eased_s: float | None = None
        """How long ago the last step down was, until the next step up."""

    def look(self, load: WorkerLoad) -> bool:
        """Take the load of the second that has just ended; return whether the step changed."""
        self._recent.append(load)
        self._note_time(load)
        if self.step < OverloadStep.CROWDED and self._is_asked_for(OverloadStep(self.step + 1)):
            self._go_up()
            return True
        is_over = self.step > OverloadStep.CALM and self._calm_s >= self._wanted_s
        if is_over or self._is_useless(load):
            self._go_down()
            return True
        return False

    def _is_asked_for(self, step: OverloadStep) -> bool:
        return sum(each.asks_for(step) for each in self._recent) >= BAD_ONES

    def _note_time(self, load: WorkerLoad) -> None:
        """Count calm: a bad second ends it, one between the thresholds only does not count."""
        if self._eased_s is not None:
            self._eased_s += load.lasted_s
        if load.asks_for(OverloadStep.NO_DRAFTS):
            self._calm_s = 0.0
        elif load.is_calm:
            self._calm_s += load.lasted_s

    def _is_useless(self, load: WorkerLoad) -> bool:
        """Return whether those have left for whom the step was taken."""
        return self.step > OverloadStep.CALM and load.listeners < FEWEST_LISTENERS / 2

    def _go_up(self) -> None:
        if self._eased_s is not None:
            was_early = self._eased_s <= self._wanted_s
            self._wanted_s = min(2 * self._wanted_s, MOST_CALM_S) if was_early else CALM_S
            self._eased_s = None
        self._change(OverloadStep(self.step + 1))

    def _go_down(self) -> None:
        self._eased_s = 0.0
        self._change(OverloadStep(self.step - 1))

    def _change(self, step: OverloadStep) -> None:
        """Begin to look anew: what was seen before does not show what this step does."""
        self.step = step
        self._recent.clear()
        self._calm_s = 0.0


class LoadMeter:
    """A load meter makes a `WorkerLoad` of each second, of its ticks and of processor time."""

    def __init__(self, now: float, cpu_s: float) -> None:
        """`cpu_s`: the processor time that this process has used, in seconds, as throughout."""
        self._since, self._cpu_s, self._skipped = now, cpu_s, 0
        self._late: list[float] = []

    def ticked(self, late_s: float) -> None:
        """Note how late a tick came, in seconds."""
        self._late.append(late_s)

    def second(
        self, now: float, cpu_s: float, skipped: int, listeners: Callable[[], int]
    ) -> WorkerLoad | None:
        """Return the load since the last one, once a second has passed, else None.

        `skipped`: ticks since the start; `listeners` counts those there are.
        """
        passed = now - self._since
        if passed < 1.0:
            return None
        late = sorted(self._late)
        worst = late[-1 - len(late) // 20] if late else passed
        load = WorkerLoad(
            late_ms=round(worst * 1000),
            busy=(cpu_s - self._cpu_s) / passed,
            skipped=skipped - self._skipped,
            listeners=listeners(),
            lasted_s=passed,
        )
        self._since, self._cpu_s, self._skipped = now, cpu_s, skipped
        self._late.clear()
        return load
