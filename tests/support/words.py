"""How much of what was said is found somewhere within all that was heard."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from spaces_bridge_demo.patience import PATIENCE_S
from spaces_bridge_demo.wer import words_of

MAX_WER: Final = 0.15
TIMES: Final = 5


def word_error_rate_within(reference: str, heard: str) -> float:
    """As `word_error_rate`, of the best place in what was heard.

    For a recording that is played over and over: whoever begins to listen hears an end of it
    first, and how much of that depends on how busy the machine is.
    """
    wanted, written = words_of(reference), words_of(heard)
    row = [0] * (len(written) + 1)  # words before the place cost nothing
    for i, want in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(written, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (want != got))
    return min(row) / len(wanted)  # nor do those after it


async def understood(
    wrong: Callable[[], Awaitable[float]],
    again: Callable[[], Awaitable[object]],
    *,
    most: float = MAX_WER,
    within_s: float = PATIENCE_S,
) -> None:
    """What was said came over: no more than that share of its words is wrong, soon after it.

    As long as it is not, it is said again, some times, as on a bad line: where a machine is too
    busy to play in time, there are holes in the sound. How many words come over on one that is
    not, the benchmarks measure. Raises AssertionError.
    """
    for _ in range(TIMES):
        if await _falls(wrong, most, within_s):
            return
        await again()
    assert await _falls(wrong, most, within_s), f"{await wrong():.2f} of the words are wrong"


async def _falls(wrong: Callable[[], Awaitable[float]], most: float, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while await wrong() > most:
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.2)
    return True
