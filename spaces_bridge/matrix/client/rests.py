"""How long inbox and outbox rest while something is away, and when they call it broken."""

import asyncio
from typing import Final

from spaces_bridge.pacing.backoff import Backoff

AWAY_BACKOFF: Final = Backoff(1.0, 15.0, jitter=0.5)
"""Before a homeserver that is away is asked again: lanes, rooms and events wait for it at once."""
BROKEN_ATTEMPTS = 20
"""After so many errors of its own over one thing, while all else works, a homeserver means it."""
WORKS_WITHIN_S = 60.0


async def rest(stirred: asyncio.Event, seconds: float) -> None:
    """Rest for so long, or until stirred."""
    try:
        async with asyncio.timeout(seconds):
            await stirred.wait()
    except TimeoutError:
        return
