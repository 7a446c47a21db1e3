"""How long inbox and outbox rest while something is away, and when they call it broken."""

import asyncio
import random

BACK_OFF_MAX_S = 15.0
BROKEN_ATTEMPTS = 20
"""After so many errors of its own over one thing, while all else works, a homeserver means it."""
WORKS_WITHIN_S = 60.0


def back_off_s(failures: int) -> float:
    """Full jitter under a doubling ceiling of 15 s at most."""
    ceiling = min(BACK_OFF_MAX_S, 0.5 * 2.0 ** min(failures, 10))
    return ceiling * random.uniform(0.5, 1.0)


async def rest(stirred: asyncio.Event, seconds: float) -> None:
    """Rest for so long, or until stirred."""
    try:
        async with asyncio.timeout(seconds):
            await stirred.wait()
    except TimeoutError:
        return
