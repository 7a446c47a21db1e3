"""Nobody is kept out by the page: axe in every state and look; no state scrolls sideways."""

from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.e2e.states import LOOKS, Visitor, evening, walk
from tests.support.world import World
from tests.web.browser import chromium

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def complaints(page: Page) -> list[str]:
    """What is wrong with what stands on the page right now."""
    results = await Axe().run(page, options=RULES)
    found = [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found if wide <= 0 else [*found, f"scrolls sideways by {wide} px"]


async def test_no_state_in_any_look_has_a_violation(world: World, browser: Browser) -> None:
    found: dict[str, list[str]] = {}
    seen = set[tuple[str, str]]()

    async def look_around(state: str, visitor: Visitor) -> None:
        seen.add((state, visitor.look.name))
        wrong = await complaints(visitor.page)
        if wrong:
            found[f"{state}, {visitor.look.name}"] = wrong

    await walk(await evening(world), browser, LOOKS, look_around)
    assert found == {}
    assert len(seen) == 8 * len(LOOKS)
