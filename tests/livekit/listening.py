"""Waiting for sound that a client receives, and for its absence."""

import asyncio
import time
from collections.abc import Callable

from spaces_bridge_demo.ears import usual_tone_db
from spaces_bridge_demo.patience import PATIENCE_S
from tests.livekit.client import RATE, LiveKitClient, Pcm

LOUD_DB = -35.0
QUIET_DB = -60.0
POLL_S = 0.1


async def hears_tone(client: LiveKitClient, identity: str, hertz: float, since: int = 0) -> None:
    """The client receives this tone of somebody, for a second on end. Raises AssertionError."""
    await _until(client, identity, since, lambda pcm: usual_tone_db(pcm[-RATE:], hertz) > LOUD_DB)


async def hears_no_tone(
    client: LiveKitClient, identity: str, hertz: float, since: int = 0
) -> None:
    """The client receives a second of somebody's sound without this tone."""
    await _until(client, identity, since, lambda pcm: usual_tone_db(pcm[-RATE:], hertz) < QUIET_DB)


async def length(client: LiveKitClient, identity: str) -> int:
    """How many samples of somebody were received so far."""
    return len(await client.heard(identity))


async def _until(
    client: LiveKitClient, identity: str, since: int, so: Callable[[Pcm], bool]
) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        pcm = (await client.heard(identity))[since:]
        if len(pcm) >= RATE and so(pcm):
            return
        assert time.monotonic() < deadline, f"{len(pcm)} samples of {identity}, not as wanted"
        await asyncio.sleep(POLL_S)
