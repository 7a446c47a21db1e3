"""Nobody is kept out by the page: axe in every state and look; no state scrolls sideways."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.e2e.states import LOOKS, Visitor, hosted_space, walk
from tests.support.world import World
from tests.web.browser import chromium
from tests.web.looks import complaints

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def test_no_state_in_any_look_has_a_violation(world: World, browser: Browser) -> None:
    found: dict[str, list[str]] = {}
    seen = set[tuple[str, str]]()

    async def look_around(state: str, visitor: Visitor) -> None:
        seen.add((state, visitor.look.name))
        wrong = await complaints(visitor.page)
        if wrong:
            found[f"{state}, {visitor.look.name}"] = wrong

    await walk(await hosted_space(world), browser, LOOKS, look_around)
    assert found == {}
    assert len(seen) == 8 * len(LOOKS)
