"""The numbers of several workers of this machine: all together, and each by its number. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

_AS_ONE: Final[Mapping[str, Callable[[Iterable[float]], float]]] = {
    "worker_up": min,
    "tick_late_p99_ms": max,
    "busy_share": max,
    "overload_step": max,
}
"""How numbers of several workers become one; all others are summed up."""
_EACH: Final = {
    "up": "worker_up",
    "listeners": "listeners",
    "mixes": "spaces",
    "tick_late_p99_ms": "tick_late_p99_ms",
    "busy_share": "busy_share",
    "overload_step": "overload_step",
}
"""What is told of each worker, and what it is called in its own numbers."""


def of_all(numbers: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Return what workers have told as if they were one."""
    keys = dict.fromkeys(key for each in numbers for key in each)
    return {
        key: _AS_ONE.get(key, sum)([each[key] for each in numbers if key in each]) for key in keys
    }


def by_worker(
    numbers: Sequence[Mapping[str, float]],
) -> Mapping[str, float | Mapping[str, float]]:
    """Return some numbers of each worker, which count from 1 on."""
    return {
        name: {str(at): each[key] for at, each in enumerate(numbers, 1) if key in each}
        for name, key in _EACH.items()
    }
