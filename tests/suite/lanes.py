"""pytest processes side by side: started in turn, watched, and stopped where somebody asks."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.suite.jobs import Job, next_of
from tests.suite.processes import Ended, Process

POLL_S = 0.2
NEWS_EVERY_S = 30.0
STOP_S = 12.0
"""How long fixtures may clean up once somebody stops the run; then their processes are killed."""


class Stopped(Exception):
    """Somebody stopped the run with a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class Lanes:
    """Runs pytest processes. What is over lies in `ended`, also once `Stopped` was raised."""

    def __init__(self, folder: Path) -> None:
        self.ended: list[Ended] = []
        self._folder = folder
        self._running: list[Process] = []
        self._asked: int | None = None
        self._news = time.monotonic()

    def alone(self, name: str, arguments: Sequence[str]) -> Ended:
        """Run one process with nothing beside it. Raises Stopped."""
        self._start(Job(name), arguments)
        self._wait()
        return self.ended.pop()

    def side_by_side(self, wanted: Sequence[Job], at_a_time: int, expression: str) -> None:
        """Run all jobs, so many at a time. Raises Stopped."""
        waiting = list(wanted)
        while waiting or self._running:
            while waiting and len(self._running) < at_a_time:
                job = next_of(waiting, {process.job.folder for process in self._running})
                waiting.remove(job)
                self._start(job, ["-m", expression, *job.files])
            self._wait(to_come=len(waiting))
            over = self.ended[-1]
            said = over.broken or f"{len(over.failures)} failed"
            print(f"  {over.job.name}: over after {clock(over.seconds)}, {said}", flush=True)

    def _start(self, job: Job, arguments: Sequence[str]) -> None:
        folder = self._folder / str(len(list(self._folder.iterdir())))
        self._running.append(Process.start(job, arguments, folder))

    def _wait(self, to_come: int | None = None) -> None:
        """Wait until one of the processes is over; say now and then how far all have come."""
        while True:
            for process in self._running:
                if process.is_over():
                    self._running.remove(process)
                    self.ended.append(process.ended())
                    return
            if self._asked is not None:
                self._stop()
                raise Stopped(self._asked)
            if to_come is not None and time.monotonic() >= self._news + NEWS_EVERY_S:
                self._news = time.monotonic()
                _tell(self._running, to_come)
            time.sleep(POLL_S)

    def _stop(self) -> None:
        """Ask all to end as Ctrl-C does; kill what does not."""
        for process in self._running:
            os.kill(process.pid, signal.SIGINT)
        patience = time.monotonic() + STOP_S
        while any([not process.is_over() for process in self._running]):  # noqa: C419  # ask each
            if time.monotonic() > patience:
                for process in self._running:
                    process.kill()
            time.sleep(POLL_S)
        self.ended += [process.ended() for process in self._running]
        self._running.clear()

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM stop what is under way (`Stopped`) instead of ending this process."""

        def on_signal(number: int, _frame: FrameType | None) -> None:
            self._asked = number

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _tell(running: Sequence[Process], to_come: int) -> None:
    """Say how far the processes have come."""
    parts = []
    for process in running:
        runs = process.record().tests.values()
        done = sum(run.outcome != "unfinished" for run in runs)
        failed = sum(run.outcome == "failed" for run in runs)
        red = f" ({failed} failed)" if failed else ""
        parts.append(f"{process.job.name} {done}/{len(process.job.tests)}{red}")
    print(f"  {', '.join(parts)}; {to_come} to come", flush=True)


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
