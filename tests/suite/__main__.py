"""Run a set of tests in several pytest processes side by side (`python -m tests.suite SET`).

Most tests wait for real parts rather than for the processor. What fails runs once more, alone, at
the very end. Ends with 0: all is green; 1: something is red; 128 + N: stopped by signal N.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from tests.suite.jobs import SETS, jobs
from tests.suite.lanes import Lanes, Stopped, clock
from tests.suite.verdict import Verdict, count_flaky, title

LANES = 3
FLAKY_LOG = "FLAKY_LOG"
"""The variable that names a file where several calls of one run count their flaky tests."""


def run(chosen: str, at_a_time: int, lanes: Lanes) -> int:
    """Collect, run, try again what failed, and say how it went."""
    began = time.monotonic()
    verdict = Verdict()
    try:
        code = 0 if _is_green(chosen, at_a_time, lanes, verdict) else 1
        verdict.print_slowest()
    except Stopped as stopped:
        if not verdict.ended:
            verdict.ended = lanes.ended
            print_outputs(lanes)
        title(f"{stopped}: this is what was reached")
        code = 128 + stopped.number
    verdict.print_table()
    print(f"{'RED' if code else 'green'} after {clock(time.monotonic() - began)}")
    return code


def _is_green(chosen: str, at_a_time: int, lanes: Lanes, verdict: Verdict) -> bool:
    """Run everything. Raises Stopped."""
    expression = SETS[chosen]
    collected = lanes.alone("collection", ["--collect-only", "-q", "-m", expression])
    if collected.broken:
        print(collected.output)
        verdict.ended = [collected]
        return False
    wanted = jobs(collected.record.chosen)
    title(f"{chosen}: {len(collected.record.chosen)} tests in {len(wanted)} processes")
    lanes.side_by_side(wanted, at_a_time, expression)
    print_outputs(lanes)
    verdict.ended = list(lanes.ended)
    verdict.try_again(lanes)
    verdict.before = count_flaky(os.environ.get(FLAKY_LOG), verdict.flaky)
    return verdict.is_green


def print_outputs(lanes: Lanes) -> None:
    """Print what each pytest process said, one after the other."""
    for over in lanes.ended:
        title(over.job.name)
        print(over.output)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.suite", description=__doc__)
    parser.add_argument("set", choices=SETS, help="which tests")
    parser.add_argument("--lanes", type=int, default=LANES, help="how many processes at a time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spaces-tests-") as folder:
        lanes = Lanes(Path(folder))
        with lanes.heeding_signals():
            return run(given.set, given.lanes, lanes)


if __name__ == "__main__":
    raise SystemExit(main())
