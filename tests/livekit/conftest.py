"""Clients of the tests with LiveKit, and the real server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.livekit.clients import Made, clients
from tests.livekit.engine import Keyed
from tests.livekit.livekit_server import livekit_server


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
