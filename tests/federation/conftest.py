"""Two federated homeservers for all tests here; the bridge and people are made anew.

Each test runs in two combinations of room version and database, so that each of the four values
is met; a test that wants all four says `@pytest.mark.parametrize("combination", COMBINATIONS,
indirect=True, ids=str)`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.federation.combinations import PAIRS, Combination
from tests.federation.federated_setup import FederatedSetup
from tests.federation.twins import Twins
from tests.matrix.support import Bridge
from tests.support.postgres import postgres_database, shared_postgres


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """Two homeservers that federate; the first knows the bridge."""
    made = Twins(tmp_path_factory.mktemp("twins"))
    try:
        asyncio.run(made.start())
        yield made
    finally:
        made.kill_now()


@pytest.fixture(params=PAIRS, ids=str)
def combination(request: pytest.FixtureRequest) -> Combination:
    """What the bridge runs on in this test."""
    chosen: Combination = request.param
    return chosen


@pytest.fixture
def database(combination: Combination, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database for the bridge."""
    if combination.database == "sqlite":
        yield f"sqlite:{tmp_path}/spaces.db"
        return
    with postgres_database(shared_postgres()) as url:
        yield url


@pytest.fixture
async def setup(
    twins: Twins, combination: Combination, database: str
) -> AsyncIterator[FederatedSetup]:
    """A bridge that is connected, with nobody there yet; the wire is whole before and after."""
    settings = twins.home.settings(room_version=combination.room_version)
    async with AsyncExitStack() as people, Bridge(settings, database) as bridge:
        await bridge.connected()
        try:
            yield FederatedSetup(twins, bridge, people)
        finally:
            await twins.heal()
