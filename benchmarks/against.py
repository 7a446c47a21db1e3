"""Compares this tree's benchmarks with another commit's, side by side in one run.

`python -m benchmarks.against COMMIT --only GROUP [--rounds 3]` checks the commit out beside this
tree, runs the group there and here in turns, and prints one line per figure: the medians, how far
the runs of each lie apart, and the ratio (above 1: the figure grew).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.__main__ import GROUPS

HERE = Path(__file__).resolve().parent.parent

Runs = Mapping[str, Sequence[float]]


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Hold a work tree of the commit, and take it away again."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "before")
        _git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def figures(tree: Path, group: str) -> Mapping[str, float]:
    """Return the figures of one run of a group, by name. Raises CalledProcessError."""
    places = [tree, tree / "demo"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [sys.executable, "-m", "benchmarks", "--only", group]
    ran = subprocess.run(command, cwd=tree, env=env, stdout=subprocess.PIPE, check=True, text=True)
    results = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return {result["name"]: float(result["value"]) for result in results}


def compared(before: Runs, now: Runs) -> Iterator[str]:
    """Yield a JSON line for each figure that both trees have."""
    for name in now:
        if name not in before:
            continue
        then, here = statistics.median(before[name]), statistics.median(now[name])
        yield json.dumps(
            {
                "name": name,
                "before": then,
                "now": here,
                "ratio": round(here / then, 3) if then else None,
                "runs_before": sorted(before[name]),
                "runs_now": sorted(now[name]),
            }
        )


def main() -> int:
    """Run both trees in turns and print the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks.against")
    parser.add_argument("commit", help="the commit to compare with")
    parser.add_argument("--only", choices=GROUPS, required=True, help="the group to run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each tree")
    asked = parser.parse_args()
    before: defaultdict[str, list[float]] = defaultdict(list)
    now: defaultdict[str, list[float]] = defaultdict(list)
    with checked_out(asked.commit) as tree:
        for _ in range(asked.rounds):
            for place, runs in ((tree, before), (HERE, now)):
                for name, value in figures(place, asked.only).items():
                    runs[name].append(value)
    for line in compared(before, now):
        print(line, flush=True)
    return 0


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(HERE), *arguments], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
