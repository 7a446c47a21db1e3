"""One homeserver for all tests of the Matrix room; bridges and people are made anew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.support import Bridge, Town

Settle = Callable[[str], Awaitable[MatrixUser]]
_NAMES = iter(range(1, 1_000_000))

HOMESERVER_LINES = 60
"""So many lines of its log are shown with a test that failed."""


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A homeserver that knows the bridge."""
    made = Town(tmp_path_factory.mktemp("town"))
    asyncio.run(made.homeserver.start())
    yield made
    made.homeserver.kill_now()


@pytest.fixture
async def bridge(town: Town, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A running bridge with an empty database, connected."""
    async with Bridge(town.settings(), tmp_path / "spaces.db") as running:
        await running.connected()
        yield running


@pytest.fixture
async def settle(town: Town) -> AsyncIterator[Settle]:
    """Makes people with accounts, each followed by a sync loop."""
    async with AsyncExitStack() as everybody:

        async def settle(name: str) -> MatrixUser:
            account = await town.homeserver.register(f"{name}{next(_NAMES)}")
            return await everybody.enter_async_context(MatrixUser(town.homeserver.url, account))

        yield settle


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the homeserver said last beside what failed."""
    report = yield
    town = getattr(item, "funcargs", {}).get("town")
    if report.failed and isinstance(town, Town):
        lines = town.homeserver.log_text().splitlines()
        report.sections.append(("The homeserver's log", "\n".join(lines[-HOMESERVER_LINES:])))
    return report
