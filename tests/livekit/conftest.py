"""Clients of the tests with LiveKit, and the real server."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.e2e.chromium import write_wav
from tests.livekit.client import LiveKitClient
from tests.livekit.engine import Keyed
from tests.livekit.livekit_server import livekit_server
from tests.livekit.page_client import page_client
from tests.livekit.python_client import python_client
from tests.support.sound import tone

Made = Callable[[str, float], Awaitable[LiveKitClient]]
"""Makes a client: of which kind, and the tone (Hz) that its microphone hears."""

TONE_S = 10


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Keyed]:
    """A real livekit-server of this test's own."""
    async with livekit_server(tmp_path) as engine:
        yield engine


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Made]:
    """Clients, which end with the test.

    Kinds: `python` and `page`; with ` of two`, with a peer connection for each direction.
    """
    numbers = itertools.count(1)
    async with AsyncExitStack() as stack:

        async def make(kind: str, hertz: float) -> LiveKitClient:
            sdk, _, pair = kind.partition(" of ")
            wav = tmp_path / f"{hertz:g}.wav"
            write_wav(wav, tone(hertz, TONE_S))
            single = pair != "two"
            if sdk == "python":
                folder = tmp_path / f"python-{next(numbers)}"
                return await stack.enter_async_context(
                    python_client(folder, wav, single_connection=single)
                )
            return await stack.enter_async_context(page_client(wav, single_connection=single))

        yield make
