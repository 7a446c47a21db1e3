"""The web room and the browser, for all tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.pacing.token_bucket import TokenBuckets
from tests.web.browser import chromium
from tests.web.captions import Talk
from tests.web.world import ALICE, BOB, WebWorld, web_world


@pytest.fixture
def nothing_grows_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits stay used up, however long the test takes (`usefixtures`: ahead of the world)."""
    usual = TokenBuckets.__init__

    def made(self: TokenBuckets, burst: float, per_second: float) -> None:
        usual(self, burst, 0.0)

    monkeypatch.setattr(TokenBuckets, "__init__", made)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[WebWorld]:
    async with web_world(tmp_path) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def space(world: WebWorld) -> LiveSpace:
    """Live, with two speakers."""
    made = await world.create()
    await world.seat(made.space, ALICE, "Alice")
    await world.seat(made.space, BOB, "Bob")
    return world.view(made.space)


@pytest.fixture
def talk(world: WebWorld, space: LiveSpace) -> Talk:
    """What is said in it."""
    return Talk(world, space)
