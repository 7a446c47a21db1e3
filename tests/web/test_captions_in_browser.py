"""Captions on the page in a real Chromium: drafts and log."""

import pytest
from playwright.async_api import Browser, Locator, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.web.browser import comes_true, opened, text
from tests.web.captions import ARABIC, ROSES, Talk, again, by_keyboard, connected, texts
from tests.web.looks import overflow
from tests.web.world import ALICE, BOB, HOST, WebWorld, cut_off

pytestmark = pytest.mark.e2e


# --- drafts -----------------------------------------------------------------------------------

SOLID = "document.querySelector('#drafts .caption-text').firstChild"


async def test_a_draft_grows_in_place_and_its_final_takes_over(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        page, at = reader.page, talk.begins()
        talk.draft(ALICE, at, "Roses want what", committed=10)
        await expect(page.locator("#drafts .tail")).to_have_text(" what")
        await page.evaluate(f"window.solid = {SOLID}; window.first = solid.data")
        talk.draft(ALICE, at, "Roses want water 🌹 in the morn", committed=18)
        await expect(page.locator("#drafts .tail")).to_have_text(" in the morn")
        assert await page.evaluate(f"window.solid === {SOLID}")
        assert await page.evaluate("[first, solid.data]") == ["Roses want", "Roses want water 🌹"]
        assert await texts(page.locator("#drafts .caption-name")) == ["Alice"]
        assert await page.locator("#captions .caption").count() == 0

        await talk.final(ALICE, at, ROSES)
        await expect(page.locator("#captions .caption-text")).to_have_text(ROSES)
        await expect(page.locator("#drafts .caption")).to_have_count(0)
        talk.draft(ALICE, at, "Roses too late")
        talk.draft(BOB, talk.begins(), "And ferns?")
        await expect(page.locator("#drafts .caption-text")).to_have_text("And ferns?")


async def test_screen_readers_are_told_finals_only(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        page, at = reader.page, talk.begins()
        await page.evaluate("""
            window.heard = [];
            new MutationObserver((changes) => window.heard.push(
                ...changes.flatMap(({ addedNodes }) => [...addedNodes])
                    .filter((node) => node.parentElement?.closest("[role=log], [role=status]"))
                    .map((node) => node.textContent)
            )).observe(document.body, { childList: true, subtree: true });
        """)
        for words in ("Roses", "Roses want", "Roses want water"):
            talk.draft(ALICE, at, words, committed=len(words) - 2)
            await expect(page.locator("#drafts .caption-text")).to_have_text(words)
        hidden = page.locator("[aria-hidden=true] #drafts, #drafts[aria-hidden=true]")
        await expect(hidden).to_contain_text("Roses want water")
        await talk.final(ALICE, at, "Roses want water.")
        await text(page, "#captions", "Roses want water.")
        assert await page.evaluate("heard") == ["Alice Roses want water."]


HASTY = """
const later = window.setTimeout;
window.setTimeout = (then, ms, ...rest) => later(then, ms === 10000 ? 500 : ms, ...rest);
"""


async def test_a_withdrawn_draft_vanishes_and_so_does_one_without_news(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    async with (
        opened(browser, world.page(space)) as reader,
        opened(browser, world.page(space), before=HASTY) as hasty,
    ):
        await connected(world, 2)
        drafts = reader.page.locator("#drafts .caption-text")
        at = talk.begins()
        talk.draft(ALICE, at, "Hm")
        await expect(drafts).to_have_text("Hm")
        talk.draft(ALICE, at, "")
        await expect(drafts).to_have_count(0)
        await hasty.page.evaluate("""
            window.seen = new Promise((resolve) => new MutationObserver((_, watch) => {
                if (document.querySelector("#drafts .caption")) resolve(watch.disconnect());
            }).observe(document.getElementById("drafts"), { childList: true })), 0
        """)
        talk.draft(ALICE, at, "The roses")
        await expect(drafts).to_have_text("The roses")
        await hasty.page.evaluate("window.seen")
        await expect(hasty.page.locator("#drafts .caption")).to_have_count(0)


async def test_three_talkers_have_a_line_each_and_a_fourth_waits(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    await world.seat(space.space, UserId("@cleo:example.org"), "Cleo")
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        names = reader.page.locator("#drafts .caption-name")
        starts = {user: talk.begins() for user in (HOST, ALICE, BOB)}
        for user, at in starts.items():
            talk.draft(user, at, "I think")
        talk.draft(UserId("@cleo:example.org"), talk.begins(), "But")
        await expect(names).to_have_text(["Hanna", "Alice", "Bob"])
        await talk.final(HOST, starts[HOST], "I think so.")
        await expect(names).to_have_text(["Alice", "Bob", "Cleo"])


# --- the log ----------------------------------------------------------------------------------


async def test_what_one_says_in_one_go_stands_under_one_name(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    said = [(ALICE, 1000), (ALICE, 3000), (BOB, 5000), (ALICE, 7000), (ALICE, 30_000)]
    for speaker, start_ms in said[:3]:
        await talk.final(speaker, start_ms, f"At {start_ms}.")
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        for speaker, start_ms in said[3:]:
            await talk.final(speaker, start_ms, f"At {start_ms}.")
        await text(reader.page, "#captions", "At 30000.")
        lines = reader.page.locator("#captions .caption")
        keys = await lines.evaluate_all("(nodes) => nodes.map((node) => node.dataset.key)")
        assert keys == [f"{speaker}:{start_ms}" for speaker, start_ms in said]
        named = await lines.locator(".caption-name").evaluate_all(
            "(nodes) => nodes.filter((node) => node.checkVisibility()).map((n) => n.innerText)"
        )
        assert named == ["Alice", "Bob", "Alice", "Alice"]
        await again(reader.page)
        assert await lines.evaluate_all("(n) => n.map((node) => node.className)") == [
            "caption",
            "caption goes-on",
            *["caption"] * 3,
        ]


async def test_who_scrolls_back_is_left_there_and_finds_the_newest_words(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    for number in range(30):
        await talk.final(ALICE, talk.begins(), f"Line {number}. {ROSES}")
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        page, box = reader.page, reader.page.locator("#captions-box")
        end = "(box) => box.scrollHeight - box.scrollTop - box.clientHeight"
        await until_zero(box, end)
        talk.draft(BOB, talk.begins(), ROSES)
        await text(page, "#drafts", ROSES)
        await until_zero(box, end)
        await box.focus()
        await page.keyboard.press("Home")
        await until_zero(box, "(box) => box.scrollTop")
        await expect(page.locator("#newest")).to_be_visible()
        await talk.final(ALICE, talk.begins(), "Come after.")
        await text(page, "#captions", "Come after.")
        assert await box.evaluate("(box) => box.scrollTop") == 0
        await cut_off(world)
        await connected(world)
        await talk.final(ALICE, talk.begins(), "Come back.")
        await text(page, "#captions", "Come back.")
        assert await box.evaluate("(box) => box.scrollTop") == 0
        await page.click("#newest")
        await until_zero(box, end)
        assert await page.evaluate("document.activeElement.id") == "captions-box"
        await by_keyboard(page)  # bigger words: the newest are still those in sight
        await until_zero(box, end)
        await expect(page.locator("#newest")).to_be_hidden()


async def until_zero(box: Locator, distance: str) -> None:
    """Its scrolling, which the browser may animate, has come there."""
    handle = await box.element_handle()
    await comes_true(box.page, f"(box) => ({distance})(box) <= 1", handle)


async def test_text_from_right_to_left_reads_so_and_hostile_text_stays_text(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    hostile = "<img src=x onerror=alert(1)> </p><script>alert(2)</script> \u202etxet"
    address = world.page(space, "?view=captions")
    async with opened(browser, address, width=320, height=640) as reader:
        await connected(world)
        page = reader.page
        talk.draft(ALICE, talk.begins(), ARABIC, committed=6, language="ar")
        talk.draft(BOB, talk.begins(), hostile, committed=9, language='"><b>')
        await expect(page.locator("#drafts .caption-text")).to_have_text([ARABIC, hostile])
        lines = page.locator(".large-line")
        await expect(lines).to_have_count(2)
        direction = "(nodes) => nodes.map((node) => getComputedStyle(node).direction)"
        assert await page.locator("#drafts .caption-text").evaluate_all(direction) == [
            "rtl",
            "ltr",
        ]
        assert (await lines.evaluate_all(direction))[0] == "rtl"
        languages = "(nodes) => nodes.map((node) => node.getAttribute('lang'))"
        assert await page.locator("#drafts .caption").evaluate_all(languages) == ["ar", None]
        assert await page.locator("#drafts img, #drafts script, .large img").count() == 0
        assert await overflow(page) == 0
        large = page.locator("#captions-large")
        assert await large.evaluate("(node) => node.scrollWidth - node.clientWidth") == 0


async def test_the_panel_says_why_no_captions_come(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        page = reader.page
        await text(page, "#captions-empty", "What is said appears here")
        talk.frame(type="notice", code="captions_paused", text="Captions are paused.")
        await text(page, "#captions-empty", "Captions are paused for a moment")
        talk.frame(type="notice", code="captions_resumed", text="Captions go on.")
        await text(page, "#captions-empty", "What is said appears here")
        await talk.final(ALICE, talk.begins(), ROSES)
        await expect(page.locator("#captions-empty")).to_be_hidden()
        await world.spaces.ask(space.space, cmd.SetCaptions(HOST, on=False))
        await text(page, "#captions-empty", "Captions are off here")
