"""The large view of captions in a real Chromium."""

import re

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say
from tests.web.browser import comes_true, opened, text
from tests.web.captions import ARABIC, ROSES, WAKE_LOCKS, Talk, connected, texts
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld

pytestmark = pytest.mark.e2e


ONE_ROW_EACH = """
(lines) => lines.every((line) =>
  line.clientHeight < 1.5 * parseFloat(getComputedStyle(line).lineHeight))
"""


async def test_the_large_view_rolls_two_lines_up_without_flowing_anew(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    await talk.final(HOST, talk.begins(), "Welcome.")
    before = WAKE_LOCKS
    async with opened(browser, world.page(space), width=1280, height=800, before=before) as reader:
        await connected(world)
        page, at, lines = reader.page, talk.begins(), reader.page.locator(".large-line")
        await page.click("#large")
        await expect(lines).to_have_text(["Welcome."])
        await comes_true(page, "locks.length === 1 && !locks[0].released")
        seen: list[list[str]] = []
        for words in range(1, len(ROSES.split()) + 1):
            so_far = " ".join(ROSES.split()[:words])
            talk.draft(ALICE, at, so_far, committed=max(0, len(so_far) - 6))
            await expect(page.locator("#drafts .caption-text")).to_have_text(so_far)
            seen.append(await texts(lines))
        assert all(len(line) <= 42 for shown in seen for line in shown)
        assert max(map(len, seen)) == 2
        whole = [
            "Roses want water in the morning, before",
            "the sun is over the wall, and never at",
            "noon.",
        ]
        assert seen[-1] == whole[1:]
        assert all(any(line.startswith(shown[-1]) for line in whole) for shown in seen)
        solid = page.locator(".large-line").first
        assert await solid.locator(".tail").text_content() == ""
        assert await texts(page.locator(".large-name:visible")) == ["Alice"]
        assert await lines.evaluate_all(ONE_ROW_EACH)

        await talk.final(ALICE, at, ROSES)
        await expect(page.locator("#large-log")).to_contain_text(f"Alice: {ROSES}")
        assert await texts(lines) == whole[1:]
        await page.keyboard.press("Escape")
        await expect(page.locator("#captions-large")).to_be_hidden()
        await comes_true(page, "locks[0].released")
        assert await page.evaluate("document.activeElement.id") == "large"


async def test_two_at_once_have_a_line_each_in_the_large_view(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    async with opened(browser, world.page(space, "?view=captions")) as reader:
        await connected(world)
        page = reader.page
        await text(page, "#large-state", "What is said appears here")
        start = talk.begins()
        talk.draft(ALICE, start, ROSES, committed=20)
        talk.draft(BOB, talk.begins(), "And the ferns?")
        await expect(page.locator(".large-line")).to_have_text(["noon.", "And the ferns?"])
        await expect(page.locator(".large-name:visible")).to_have_text(["Alice", "Bob"])
        await expect(page.locator("#large-state")).to_have_text("")


async def test_the_address_opens_the_large_view_and_leaving_forgets_it(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    address = world.page(space, f"?view=captions#t={await world.link(space.space, ALICE)}")
    async with opened(browser, address) as reader:
        page, large = reader.page, reader.page.locator("#captions-large")
        await expect(large).to_be_visible()
        await page.reload()
        await expect(large).to_be_visible()
        await connected(world)
        await talk.final(ALICE, talk.begins(), "One two.")
        await expect(page.locator(".large-line")).to_have_text(["One two."])
        await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
        await text(page, "#large-state", "has ended")
        await page.click("#large-leave")
        await expect(large).to_be_hidden()
        await expect(page).not_to_have_url(re.compile("view"))
        await page.reload()
        await expect(page.locator("#title")).to_be_visible()
        await expect(large).to_be_hidden()


async def test_the_large_view_may_fill_the_screen(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    await talk.final(ALICE, talk.begins(), "One two.")
    async with opened(browser, world.page(space)) as reader:
        page, button = reader.page, reader.page.locator("#large-full")
        await page.click("#large")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
        assert await page.evaluate("document.fullscreenElement.id") == "large-stage"
        await expect(page.locator(".large-line")).to_be_visible()
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "false")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
        await page.click("#large-leave")
        await expect(button).to_have_attribute("aria-pressed", "false")
        await expect(page.locator("#captions-large")).to_be_hidden()


async def test_whoever_is_shown_out_reads_why_instead_of_the_large_view(
    world: WebWorld, space: LiveSpace, browser: Browser
) -> None:
    address = world.page(space, f"?view=captions#t={await world.link(space.space, ALICE)}")
    async with opened(browser, address) as reader:
        await expect(reader.page.locator("#captions-large")).to_be_visible()
        world.hub.show_out(space.space, ALICE, say("removed", "A host has removed you."))
        await expect(reader.page.locator("#sorry")).to_be_visible()
        await expect(reader.page.locator("#captions-large")).to_be_hidden()


LINES = """
async ([text, width]) => {
  const { lines } = await import(
    document.querySelector("script[type=module]").src.replace("main.js", "lines.js")
  );
  return lines(text, width).map(({ start, text: line }) => {
    const there = text.slice(start, start + line.length).replace(/\\s/g, " ");
    return there === line ? line : [there, line];
  });
}
"""

BROKEN: tuple[tuple[str, int, list[str]], ...] = (
    ("", 10, []),
    ("  \n ", 10, []),
    ("one", 10, ["one"]),
    ("one two three", 7, ["one two", "three"]),
    ("one two three", 6, ["one", "two", "three"]),
    (" one\ntwo  three ", 7, ["one two", "three"]),
    ("abcdefghij k", 4, ["abcd", "efgh", "ij k"]),
    ("ab abcdefg", 4, ["ab", "abcd", "efg"]),
    ("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 4, ["👨‍👩‍👧👨‍👩‍👧", "👨‍👩‍👧"]),
    ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
    ("玫瑰需要水。早上好", 10, ["玫瑰需要", "水。早上好"]),
    ("Roses 玫瑰 ok", 9, ["Roses 玫", "瑰 ok"]),
    ("الورود تحتاج إلى", 12, ["الورود تحتاج", "إلى"]),
)
"""Text, width, and its lines."""


async def test_words_break_into_lines(world: WebWorld, space: LiveSpace, browser: Browser) -> None:
    async with opened(browser, world.page(space)) as reader:
        for words, width, wanted in BROKEN:
            assert await reader.page.evaluate(LINES, [words, width]) == wanted


async def test_a_growing_text_never_moves_words_to_another_line(
    world: WebWorld, space: LiveSpace, browser: Browser
) -> None:
    words = f"{ROSES} 玫瑰需要水。早上好，朋友们，欢迎来到花园。 {ARABIC}".split()
    async with opened(browser, world.page(space)) as reader:
        before: list[str] = []
        for count in range(1, len(words) + 1):
            now = await reader.page.evaluate(LINES, [" ".join(words[:count]), 42])
            assert now[: len(before) - 1] == before[:-1]
            assert not before or now[len(before) - 1].startswith(before[-1])
            before = now
