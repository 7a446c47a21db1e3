"""What changes is announced: to all who hear the page, and loudly to moderators who wish it so."""

import asyncio

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.web.browser import comes_true, opened
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld

pytestmark = pytest.mark.e2e

NOTES = """
window.said = [];
window.sounded = [];
window.notified = [];
window.allowed = "default";
addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes) {
    if (target instanceof Element && target.matches("[role=status][data-announces]")) {
      said.push(...[...addedNodes].map((node) => node.textContent));
    }
  }
}).observe(document.documentElement, { subtree: true, childList: true }));
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  sounded.push(this.frequency.value);
  return start.apply(this, when);
};
window.Notification = class extends EventTarget {
  static get permission() { return allowed; }
  static async requestPermission() { return allowed; }
  constructor(title, { body }) {
    super();
    notified.push([title, body]);
  }
};
document.hasFocus = () => false;
"""
"""Notes what a screen reader, an ear and the desktop are told; the person looks elsewhere."""


async def host_page(world: WebWorld, space: LiveSpace) -> str:
    return world.page(space, f"#t={await world.member(space.space, HOST, 90)}")


async def ready(page: Page) -> None:
    await expect(page.locator("#hosting .button")).to_be_visible()


async def raises(world: WebWorld, space: LiveSpace, user: UserId, name: str) -> None:
    await world.joined(space.space, user, name)
    await world.spaces.ask(space.space, cmd.RequestToSpeak(user, 1, name=name))


async def hears(page: Page, sentence: str) -> None:
    await comes_true(page, "(words) => said.some((all) => all.includes(words))", sentence)


async def test_a_hand_is_said_and_sounds(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, await host_page(world, space), before=NOTES) as host:
        await ready(host.page)
        await host.page.click("#title")  # browsers let no page sound before that
        await raises(world, space, ALICE, "Alice")
        await hears(host.page, "Alice wants to speak.")
        await comes_true(host.page, "sounded.length === 2")
        assert await host.page.evaluate("notified") == []


async def test_hands_that_go_up_together_are_one_sentence(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    before = NOTES + "const later = setTimeout; window.setTimeout = (run, ms, ...with_) =>"
    # they wait for each other here for as long as it takes
    before += " ms === 1200 ? (window.together = run, 1) : later(run, ms, ...with_);"
    async with opened(browser, await host_page(world, space), before=before) as host:
        await ready(host.page)
        await asyncio.gather(
            *(raises(world, space, user, name) for user, name in ((ALICE, "Alice"), (BOB, "Bob")))
        )
        await expect(host.page.locator("#hands .hand")).to_have_count(2)
        await host.page.evaluate("together()")
        await hears(host.page, "2 people want to speak.")
        assert not await host.page.evaluate("said.join().includes('Alice')")


async def test_who_leaves_the_stage_and_a_full_one_are_said(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, await host_page(world, space), before=NOTES) as host:
        await ready(host.page)
        speakers = [UserId(f"@s{number}:example.org") for number in range(space.max_speakers)]
        for number, user in enumerate(speakers):
            await world.seat(space.space, user, f"Speaker {number}")
        await hears(host.page, "The stage is full")
        await world.left(space.space, speakers[0])
        await hears(host.page, "Speaker 0 is not on the stage any more.")


async def test_each_way_of_being_told_is_off_and_on_by_choice_and_remembered(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, await host_page(world, space), before=NOTES) as host:
        page = host.page
        await ready(page)
        await page.evaluate("allowed = 'denied'")
        await page.click("#open-settings")
        await page.click("#news-desktop")
        await expect(page.locator("#news-refused")).to_contain_text("does not allow it")
        await expect(page.locator("#news-desktop")).not_to_be_checked()
        await page.evaluate("allowed = 'granted'")
        await page.click("#news-desktop")
        for switch in ("#news-said", "#news-sound"):
            await page.click(switch)
        await raises(world, space, ALICE, "Alice")
        await comes_true(page, "notified.length === 1")
        assert await page.evaluate("notified") == [["Garden hour", "Alice wants to speak."]]
        assert await page.evaluate("said.length + sounded.length") == 0
        await page.reload()
        await ready(page)
        await page.evaluate("allowed = 'granted'")
        await raises(world, space, BOB, "Bob")
        await comes_true(page, "notified.length === 1")
        assert await page.evaluate("said.length + sounded.length") == 0


async def test_news_is_said_within_a_sheet_that_is_open(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, await host_page(world, space), before=NOTES) as host:
        await ready(host.page)
        await host.page.click("#invite")
        await raises(world, space, ALICE, "Alice")
        said = host.page.locator("#invite-dialog > [data-announces]")
        await expect(said).to_have_text("Alice wants to speak.")


async def test_a_listener_hears_of_what_only_eyes_would_notice_and_of_no_hands(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create("Roses", live=False, scheduled_at_ms=WallClock().now_ms() + 60_000)
    link = world.page(space, f"#t={await world.member(space.space, ALICE)}")
    async with opened(browser, link, before=NOTES) as alice:
        page, at = alice.page, space.space
        await expect(page.locator("#leave")).to_be_visible()
        await world.spaces.ask(at, cmd.StartSpace(HOST, WallClock().now_ms()))
        await hears(page, "It is live now.")
        await world.spaces.ask(at, cmd.Retitle(HOST, "Thorns"))
        await hears(page, "It is called “Thorns” now.")
        await world.spaces.ask(at, cmd.SetCaptions(HOST, on=False))
        await hears(page, "A host has switched captions off.")
        await raises(world, space, BOB, "Bob")
        await world.spaces.ask(at, cmd.RequestToSpeak(ALICE, 2))
        await expect(page.locator("#hands .hand")).to_have_count(2)
        await world.spaces.ask(at, cmd.CancelRequest(BOB))
        await hears(page, "Your hand is the next in the queue.")
        await world.levels(at, {ALICE: 60})
        await hears(page, "You are a co-host now.")
        assert not await page.evaluate("said.join().includes('Bob')")
        assert await page.evaluate("sounded") == []


async def test_what_is_said_in_passing_comes_into_a_region_that_was_there_before(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    secret = await world.member(space.space, ALICE)
    async with opened(browser, world.page(space, f"#t={secret}")) as alice:
        await expect(alice.page.locator("#ask")).to_be_enabled()
        for hidden in ("notice", "floor"):
            region = alice.page.locator(f"[role=status]:has(> #{hidden}[hidden])")
            await expect(region).to_have_count(1)
            assert await region.evaluate("(node) => node.closest('[hidden]') === null")
