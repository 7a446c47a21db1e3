"""One homeserver for all tests of the Matrix room; bridges and people are made anew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.support import Bridge, LiveSetup

Settle = Callable[[str], Awaitable[MatrixUser]]
_NAMES = iter(range(1, 1_000_000))

HOMESERVER_LINES = 60
"""So many lines of its log are shown with a test that failed."""


@pytest.fixture(scope="session")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSetup]:
    """A homeserver that knows the bridge."""
    made = LiveSetup(tmp_path_factory.mktemp("setup"))
    asyncio.run(made.homeserver.start())
    yield made
    made.homeserver.kill_now()


@pytest.fixture
async def bridge(setup: LiveSetup, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A running bridge with an empty database, connected."""
    async with Bridge(setup.settings(), tmp_path / "spaces.db") as running:
        await running.connected()
        yield running


@pytest.fixture
async def settle(setup: LiveSetup) -> AsyncIterator[Settle]:
    """Makes people with accounts, each followed by a sync loop."""
    async with AsyncExitStack() as everybody:

        async def settle(name: str) -> MatrixUser:
            account = await setup.homeserver.register(f"{name}{next(_NAMES)}")
            return await everybody.enter_async_context(MatrixUser(setup.homeserver.url, account))

        yield settle


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the homeserver said last beside what failed."""
    report = yield
    setup = getattr(item, "funcargs", {}).get("setup")
    if report.failed and isinstance(setup, LiveSetup):
        lines = setup.homeserver.log_text().splitlines()
        report.sections.append(("The homeserver's log", "\n".join(lines[-HOMESERVER_LINES:])))
    return report
