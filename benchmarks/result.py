"""The result of a benchmark: one figure, and how figures are summarised."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """A result: a figure as `make bench` prints it, one JSON object per line.

    `ratio` is the peer's figure over ours (above 1: ours is cheaper or faster), None without a
    peer. `n` is the sample size, `spread` says how noisy it was, `seed` what chance was seeded by.
    """

    name: str
    value: float
    unit: str
    n: int
    spread: str
    target: str = ""
    peer: str | None = None
    ratio: float | None = None
    seed: int | None = None

    def line(self) -> str:
        """Return the JSON line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of at least one sample."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def spread(samples: Sequence[float], digits: int = 1) -> str:
    """Return minimum, median and maximum as text for people."""
    low, middle, high = min(samples), percentile(samples, 50), max(samples)
    return f"min {low:.{digits}f}, median {middle:.{digits}f}, max {high:.{digits}f}"
