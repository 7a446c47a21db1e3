"""Houses and worlds of the end-to-end tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from spaces_bridge.demo.house import House
from tests.support.world import World, model_directory, open_house


@pytest.fixture(scope="session")
def models() -> Iterator[Path]:
    """Where speech models are put together, once."""
    with model_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def house(models: Path) -> Iterator[House]:
    """The shared house: Synapse with rooms of version 12, everything on SQLite."""
    settings = {"reactions": {"ttl_s": 3}}
    with open_house(House(models=models, settings=settings)) as opened:
        yield opened


@pytest.fixture
async def world(house: House) -> AsyncIterator[World]:
    """People in the shared house."""
    async with World(house) as people:
        yield people
