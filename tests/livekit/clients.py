"""Clients of any kind, with the tone that each one's microphone hears."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.e2e.chromium import write_wav
from tests.livekit.client import LiveKitClient
from tests.livekit.page_client import page_client
from tests.livekit.python_client import python_client
from tests.support.sound import tone

Made = Callable[[str, float], Awaitable[LiveKitClient]]
"""Makes a client: of which kind, and the tone (Hz) that its microphone hears."""

TONE_S = 10


@asynccontextmanager
async def clients(folder: Path) -> AsyncIterator[Made]:
    """Make clients that end with this; what they need lies in the folder.

    Kinds: `python` and `page`; with ` of two`, with a peer connection for each direction.
    """
    numbers = itertools.count(1)
    async with AsyncExitStack() as stack:

        async def make(kind: str, hertz: float) -> LiveKitClient:
            sdk, _, pair = kind.partition(" of ")
            wav = folder / f"{hertz:g}.wav"
            write_wav(wav, tone(hertz, TONE_S))
            single = pair != "two"
            if sdk == "python":
                own = folder / f"python-{next(numbers)}"
                return await stack.enter_async_context(
                    python_client(own, wav, single_connection=single)
                )
            return await stack.enter_async_context(page_client(wav, single_connection=single))

        yield make
