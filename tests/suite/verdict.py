"""What a run comes to: second tries of what failed, and whether the run is green.

A second try is for weather: a test that fails beside others and passes alone is *flaky*. Each
flaky one is shown with both outputs, and more than a few make the run red.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.suite.lanes import Lanes, clock
from tests.suite.processes import Ended

FLAKY_AT_MOST = 3
TRIES_AT_MOST = 10
"""More failures than these are no weather: the run is red without second tries."""

WIDTH = 98
SLOWEST = 10


@dataclass(slots=True)
class Verdict:
    """What the second tries said. `before` are flaky tests of an earlier part of this run."""

    ended: Sequence[Ended] = ()
    before: int = 0
    flaky: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def try_again(self, lanes: Lanes) -> None:
        """Run each test that failed once more, alone, and print both outputs. Raises Stopped."""
        failures = [(run, test) for run in self.ended for test in run.failures]
        if any(run.broken for run in self.ended) or len(failures) > TRIES_AT_MOST:
            self.failed = [test for _, test in failures]
            return
        for run, test in failures:
            title(f"second try: {test}")
            print(f"First, beside others ({run.job.name}):\n{run.record.tests[test].text}")
            again = lanes.alone("second try", ["-rP", test])
            passed = not again.broken and again.code == 0 and list(again.record.tests) == [test]
            (self.flaky if passed else self.failed).append(test)
            print(f"Then, alone: {'passed' if passed else again.broken or 'failed again'}")
            print(again.output)

    @property
    def is_green(self) -> bool:
        """Whether nothing is broken, nothing failed twice, and little is flaky."""
        broken = any(run.broken for run in self.ended)
        return not (broken or self.failed or self.before + len(self.flaky) > FLAKY_AT_MOST)

    def print_table(self) -> None:
        """Say for each process what passed, and how long it took."""
        title("in short")
        print(f"{'':24}{'passed':>8}{'failed':>8}{'flaky':>8}{'time':>8}{'CPU':>8}")
        for run in self.ended:
            flaky = sum(test in self.flaky for test in run.failures)
            failed = len(run.failures) - flaky
            passed = sum(test.outcome == "passed" for test in run.record.tests.values())
            spent = f"{clock(run.seconds):>8}{clock(run.cpu_s):>8}"
            print(f"{run.job.name:24}{passed:>8}{failed:>8}{flaky:>8}{spent}  {run.broken}")
        left_out = [
            test.test
            for run in self.ended
            for test in run.record.tests.values()
            if test.outcome == "skipped"
        ]
        lists = (("left out", left_out), ("flaky", self.flaky), ("failed", self.failed))
        for kind, tests in lists:
            for test in tests:
                print(f"{kind}: {test}")
        if self.before + len(self.flaky) > FLAKY_AT_MOST:
            print(f"More than {FLAKY_AT_MOST} are flaky: that is no weather.")

    def print_slowest(self) -> None:
        """Name the tests that took longest."""
        runs = sorted(
            (test for run in self.ended for test in run.record.tests.values()),
            key=lambda test: -test.seconds,
        )
        title("the slowest")
        for test in runs[:SLOWEST]:
            print(f"{test.seconds:7.1f} s  {test.test}")


def title(text: str) -> None:
    """Print a heading."""
    print(f"\n== {text} {'=' * max(2, WIDTH - len(text))}", flush=True)


def count_flaky(log: str | None, flaky: Sequence[str]) -> int:
    """Add flaky tests to the log that parts of one run share, and say how many were in it."""
    if not log:
        return 0
    path = Path(log)
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.write_text("".join(f"{test}\n" for test in [*before, *flaky]), encoding="utf-8")
    return len(before)
