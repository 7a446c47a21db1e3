"""One pytest process: how it is started, and what is known of it once it is over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.suite.jobs import Job
from tests.suite.record import Record, read

COMMAND = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.suite.recorder")


@dataclass(slots=True)
class Ended:
    """A pytest process that is over: what it said and what it cost."""

    job: Job
    record: Record
    code: int
    seconds: float
    cpu_s: float
    output: str

    @property
    def broken(self) -> str:
        """Why this run cannot be believed, whatever its tests say; empty if it can."""
        if self.record.uncollected:
            return "could not be collected: " + ", ".join(
                text.partition("\n")[0] for text in self.record.uncollected
            )
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}{self._within()}"
        if self.record.status is None:
            return f"ended with status {self.code} before its time{self._within()}"
        if self.code not in (0, 1):
            return f"pytest ended with status {self.code}{self._within()}"
        if missing := self.job.tests - self.record.tests.keys():
            return f"{len(missing)} tests did not run, such as {min(missing)}"
        if self.code == 1 and not any(run.failed for run in self.record.tests.values()):
            return "pytest ended with status 1, but no test failed"
        return ""

    def _within(self) -> str:
        return "".join(f", within {test}" for test in self.record.unfinished)

    @property
    def failures(self) -> list[str]:
        """The tests that failed here."""
        return [run.test for run in self.record.tests.values() if run.failed]


@dataclass(slots=True)
class Process:
    """A pytest process under way. Its output goes to a file, what happens to a record."""

    job: Job
    folder: Path
    popen: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    cpu_s: float = 0.0

    @classmethod
    def start(cls, job: Job, arguments: Sequence[str], folder: Path) -> "Process":
        """Start pytest in a session of its own: a Ctrl-C is ours to pass on."""
        folder.mkdir()
        prefix = ("nice", "-n", "5") if job.gives_way else ()
        with (folder / "output").open("wb") as output:
            popen = subprocess.Popen(
                [*prefix, *COMMAND, "--record", str(folder / "record"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(job, folder, popen)

    @property
    def pid(self) -> int:
        """Its process, which leads a session of its own."""
        return self.popen.pid

    def kill(self) -> None:
        """End it and what is left in its session, without asking."""
        if not self.is_over():
            os.killpg(self.pid, signal.SIGKILL)

    def is_over(self) -> bool:
        """Whether it ended. Notes what it and its children cost."""
        if self.popen.returncode is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                self.cpu_s = usage.ru_utime + usage.ru_stime
        return self.popen.returncode is not None

    def ended(self) -> Ended:
        """What is known of it once it is over."""
        return Ended(
            self.job,
            self.record(),
            self.popen.returncode,
            time.monotonic() - self.started,
            self.cpu_s,
            (self.folder / "output").read_text(encoding="utf-8", errors="replace"),
        )

    def record(self) -> Record:
        """What has happened in it so far."""
        return read(self.folder / "record")
