"""The web room and the browser, for all tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from spaces_bridge.web.limits import Limiter
from tests.web.browser import chromium
from tests.web.world import WebWorld, web_world


@pytest.fixture
def nothing_grows_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits stay used up, however long the test takes (`usefixtures`: ahead of the world)."""
    usual = Limiter.__init__

    def made(self: Limiter, burst: float, per_second: float) -> None:
        usual(self, burst, 0.0)

    monkeypatch.setattr(Limiter, "__init__", made)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[WebWorld]:
    async with web_world(tmp_path) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running
