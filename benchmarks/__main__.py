"""Runs the benchmarks: `python -m benchmarks [--only GROUP]`.

Prints one JSON object per line and writes `docs/benchmarks.md` when every group was run.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.result import Result

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


GROUPS = (
    "fanout", "stage", "restarts", "outage", "media", "captions", "reactions", "lock", "page",
    "ogg", "calls", "joins", "callers", "crowd", "held", "join", "audio", "attack", "loudness",
    "reception",
)  # fmt: skip
"""The groups, each a module here with `results()`."""


def run(group: str) -> Sequence[Result]:
    """Return all figures of one group."""
    measured: Sequence[Result] = import_module(f"benchmarks.{group}").results()
    return measured


def document(results: Sequence[Result]) -> str:
    """Return the page that shows the figures."""
    lines = [
        "# Benchmarks",
        "",
        (
            f"Written by `make bench` on {time.strftime('%Y-%m-%d', time.gmtime())}: "
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
            "everything on one machine over loopback. Read ratios before absolute figures."
        ),
        "",
        "| figure | value | target | peer | ratio | n | how noisy |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        ratio = f"{r.ratio:.1f}x" if r.ratio is not None else ""
        seed = f" (seed {r.seed})" if r.seed is not None else ""
        lines.append(
            f"| `{r.name}` | {r.value:g} {r.unit} | {r.target} | {r.peer or ''} | {ratio} "
            f"| {r.n} | {r.spread}{seed} |"
        )
    return "\n".join([*lines, ""])


def main() -> int:
    """Run the groups that were asked for."""
    # One core for each model, as in the worker; read when numpy and the model are imported.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=GROUPS, help="run one group")
    only = parser.parse_args().only
    results: list[Result] = []
    for group in GROUPS if only is None else (only,):
        for result in run(group):
            print(result.line(), flush=True)
            results.append(result)
    if only is None:
        DOCUMENT.write_text(document(results))
        print(f"wrote {DOCUMENT.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
