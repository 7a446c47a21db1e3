"""Every test of a store runs on an SQLite file and on a PostgreSQL server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from spaces_bridge.storage.storage import Storage, open_storage
from tests.storage.support import SetClock
from tests.support.postgres import PrivatePostgres, postgres_database, shared_postgres


@pytest.fixture(scope="session")
def postgres() -> PrivatePostgres:
    """The server that all tests share; each has a database of its own there."""
    return shared_postgres()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that does not exist yet."""
    return f"sqlite:{tmp_path}/spaces.db"


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> Iterator[str]:
    """An empty database."""
    with postgres_database(postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of either kind."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def clock() -> SetClock:
    """The clock of `storage`."""
    return SetClock()


@pytest.fixture
async def storage(url: str, clock: SetClock) -> AsyncIterator[Storage]:
    """All stores, on an empty database of either kind."""
    opened = await open_storage(url, clock)
    yield opened
    await opened.close()
