"""How the page's parts come to a real Chromium."""

import pytest
from playwright.async_api import Browser

from tests.web.browser import opened
from tests.web.world import WebWorld

pytestmark = pytest.mark.e2e


async def test_a_page_announces_every_module_that_its_script_loads(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    for address in (world.base + "/", world.page(space)):
        async with opened(browser, address) as tab:
            await tab.page.wait_for_load_state("networkidle")
            announced = await tab.page.evaluate(
                """() => [...document.querySelectorAll("script[src], link[rel=modulepreload]")]
                  .map((node) => node.src || node.href)"""
            )
            loaded = await tab.page.evaluate(
                """() => performance.getEntriesByType("resource")
                  .map((entry) => entry.name).filter((name) => name.endsWith(".js"))"""
            )
            assert sorted(loaded) == sorted(announced)
            assert len(announced) > 2
