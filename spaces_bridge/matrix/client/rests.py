"""The back-off of inbox and outbox while something is away, and when it counts as broken."""

import asyncio
from typing import Final

from spaces_bridge.pacing.backoff import Backoff

AWAY_BACKOFF: Final = Backoff(1.0, 15.0, jitter=0.5)
"""The wait before a homeserver that is away is asked again; many wait for it at once."""
BROKEN_ATTEMPTS = 20
"""Server errors over one event or task, while all else works, after which it is given up."""
WORKS_WITHIN_S = 60.0


async def rest(stirred: asyncio.Event, seconds: float) -> None:
    """Rest for so long, or until the event is set."""
    try:
        async with asyncio.timeout(seconds):
            await stirred.wait()
    except TimeoutError:
        return
