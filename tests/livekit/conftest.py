"""Clients of the tests with LiveKit, and the real server."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from spaces_bridge.pacing.token_bucket import TokenBuckets
from tests.livekit.clients import Made, clients
from tests.livekit.engine import Keyed
from tests.livekit.livekit_server import livekit_server


@pytest.fixture
def nothing_grows_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits stay used up, however long the test takes (`usefixtures`: ahead of the world)."""
    usual = TokenBuckets.__init__

    def made(
        self: TokenBuckets,
        burst: float,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        usual(self, burst, 0.0, clock)

    monkeypatch.setattr(TokenBuckets, "__init__", made)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Keyed]:
    """A real livekit-server of this test's own."""
    async with livekit_server(tmp_path) as engine:
        yield engine


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Made]:
    """What makes clients, which end with the test."""
    async with clients(tmp_path) as make:
        yield make
