"""A tap does what the button said when it was aimed at, and a button says one thing at a time."""

import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.live_space import LiveSpace
from tests.web.browser import opened, text
from tests.web.world import ALICE, BOB, HOST, WebWorld, until

pytestmark = pytest.mark.e2e

NOTES_BOTH = """
window.saidBoth = new Set();
const known = new WeakMap();
const nameOf = (node) => node.getAttribute("aria-label") ?? node.textContent.trim();
const look = () => {
  for (const node of document.querySelectorAll("button, summary, [role=switch], [aria-pressed]")) {
    const { names, states } = known.get(node) ?? { names: new Set(), states: new Set() };
    names.add(nameOf(node));
    states.add(node.getAttribute("aria-pressed") ?? node.getAttribute("aria-checked"));
    known.set(node, { names, states });
    const both = names.size > 1 && states.size > 1;
    if (both) saidBoth.add(`${node.id || node.className}: ${[...names]} and ${[...states]}`);
  }
};
addEventListener("DOMContentLoaded", () => {
  look();
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(document.body, all);
});
"""
"""Notes the controls whose name and whose pressed state have both changed (ARIA APG, button)."""


async def guest_page(world: WebWorld, space: LiveSpace) -> str:
    return world.page(space, f"#t={await world.member(space.space, ALICE)}")


async def host_page(world: WebWorld, space: LiveSpace) -> str:
    return world.page(space, f"#t={await world.member(space.space, HOST, 90)}")


async def asks(world: WebWorld, page: Page, space: LiveSpace) -> None:
    await page.click("#ask")
    await text(page, "#ask", "Lower hand")
    await until(lambda: ALICE in world.view(space.space).requests)


async def reaches_the_server(page: Page, world: WebWorld, space: LiveSpace) -> None:
    """What the page sent before is done."""
    before = world.view(space.space).reactions.get("👏", 0)
    await page.click(".react[data-emoji='👏']")
    await until(lambda: world.view(space.space).reactions.get("👏", 0) > before)


async def never_settles(page: Page) -> None:
    """From its next load on, what comes under the finger takes no tap for good."""

    async def without_end(route: Route) -> None:
        answer = await route.fetch()
        script, count = re.subn(r"(const SETTLES_MS = )\d+", r"\g<1>1e9", await answer.text())
        assert count == 1
        await route.fulfill(response=answer, body=script)

    await page.route("**/aim.js*", without_end)
    await page.reload()


async def test_no_control_changes_both_what_it_is_called_and_whether_it_is_pressed(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with (
        opened(browser, await guest_page(world, space), before=NOTES_BOTH) as guest,
        opened(browser, await host_page(world, space), before=NOTES_BOTH) as host,
    ):
        await guest.page.click("#follow")
        await text(guest.page, "#follow", "Unfollow")
        await asks(world, guest.page, space)
        await guest.page.click("#ask")
        await text(guest.page, "#ask", "Ask to speak")
        await asks(world, guest.page, space)
        await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, ALICE))
        await world.seat(space.space, ALICE, "Alice")
        await expect(guest.page.locator("#step-down")).to_be_visible()
        await guest.page.click("#large")
        await guest.page.click("#large-full")
        await expect(guest.page.locator("#large-full")).to_have_attribute("aria-pressed", "true")
        await guest.page.keyboard.press("Escape")
        await host.page.click("#tab-control")
        await host.page.click(f"#people [data-key='{ALICE}'] .people-row")
        await host.page.click(f"#people [data-key='{ALICE}'] [data-key='person.mute']")
        await expect(
            host.page.locator(f"[data-key='{ALICE}'] [data-key='person.unmute']")
        ).to_be_visible()
        for visitor in (guest, host):
            assert await visitor.page.evaluate("[...saidBoth]") == []


async def test_a_finger_on_lower_hand_does_not_leave_the_stage(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, await guest_page(world, space)) as guest:
        page = guest.page
        await asks(world, page, space)
        await page.hover("#ask")
        await page.mouse.down()
        await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, ALICE))
        await world.seat(space.space, ALICE, "Alice")
        await expect(page.locator("#bar")).to_contain_text("Leave stage")
        await page.mouse.up()
        await reaches_the_server(page, world, space)
        assert world.view(space.space).may_speak(ALICE)


async def test_what_has_just_come_under_the_finger_takes_no_tap_and_no_key(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, await guest_page(world, space)) as guest:
        page = guest.page
        await never_settles(page)
        await asks(world, page, space)
        assert await page.evaluate("document.activeElement.id") == "ask"
        await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, ALICE))
        await world.seat(space.space, ALICE, "Alice")
        await expect(page.locator("#step-down")).to_be_focused()
        for button in ("#step-down", "#microphone"):
            await page.locator(button).click(force=True)
            await page.locator(button).press("Enter")
        await page.keyboard.press("m")
        await reaches_the_server(page, world, space)
        assert world.view(space.space).may_speak(ALICE)
        assert await page.evaluate("microphonesAsked") == 0


async def test_after_a_moment_the_stage_can_be_left_and_the_focus_stays(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    secret = await world.member(space.space, ALICE, 10)
    async with opened(browser, world.page(space, f"#t={secret}")) as speaker:
        await speaker.page.click("#step-down")
        await until(lambda: ALICE in world.view(space.space).closing)
        await world.levels(space.space, {ALICE: None})
        await expect(speaker.page.locator("#ask")).to_be_focused()
        await expect(speaker.page.locator("#step-down")).to_be_hidden()


async def test_a_hand_that_moves_up_is_not_answered_by_a_tap_on_the_one_before(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    for user, name in ((ALICE, "Alice"), (BOB, "Bob")):
        await world.joined(space.space, user, name)
        await world.spaces.ask(space.space, cmd.RequestToSpeak(user, 1, name=name))
    async with opened(browser, await host_page(world, space)) as host:
        await never_settles(host.page)
        bob = host.page.locator("#hands .hand", has_text="Bob").locator("button")
        await expect(bob.first).to_be_visible()
        await expect(host.page.locator("#hands [data-settling]")).to_have_count(0)
        await world.spaces.ask(space.space, cmd.CancelRequest(ALICE))
        await expect(host.page.locator("#hands .hand")).to_have_count(1)
        for button in await bob.all():
            await button.click(force=True)
        await reaches_the_server(host.page, world, space)
        assert [hand.user for hand in world.view(space.space).hands] == [BOB]
