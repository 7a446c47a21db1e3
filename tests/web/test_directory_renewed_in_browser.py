"""The directory renews its list by itself."""

import pytest
from playwright.async_api import Browser, Route, expect

from tests.web.browser import opened
from tests.web.world import ALICE, WebWorld

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]

BY_HAND = "setInterval = (renew) => { window.renew = renew; };"


async def test_what_a_network_answers_in_its_place_leaves_the_list_as_it_is(
    world: WebWorld, browser: Browser
) -> None:
    async def answer(route: Route) -> None:
        body = "<h1>Log in to this network first</h1>"
        await route.fulfill(content_type="text/html", body=body)

    await world.create("Garden hour")
    async with opened(browser, world.base + "/", before=BY_HAND) as page:
        await page.page.route("**/*", answer)
        await page.page.evaluate("renew()")
        await expect(page.page.locator("main")).to_contain_text("Garden hour")
        await page.page.unroute("**/*")
        await world.create("Evening hour", host=ALICE, host_name="Alice")
        await page.page.evaluate("renew()")
        await expect(page.page.locator("main")).to_contain_text("Evening hour")
