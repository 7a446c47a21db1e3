"""Hostile words everywhere a page shows words, in a real Chromium: they stay words."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.text.writing import clean_text
from tests.web import evil_feed
from tests.web.browser import Watched, comes_true, opened
from tests.web.evil_feed import EvilFeed, Frame
from tests.web.hostile import (
    ADDRESSES,
    BREAKING,
    PARSED,
    PROPERTIES,
    RUNNING,
    SURROGATES,
    WATCH,
    WORDS,
)
from tests.web.looks import fits, overflow
from tests.web.world import WallClock, WebWorld, until

pytestmark = pytest.mark.e2e

opened_small = partial(opened, width=320, height=640)

CLOSE_SHEETS = "document.querySelectorAll('dialog[open]').forEach((dialog) => dialog.close())"


async def is_harmless(page: Page) -> None:
    """Nothing ran, nothing became an element, nothing is wider than the window."""
    # pictures that cannot be loaded and the like tell so a moment later
    await page.evaluate("new Promise((done) => setTimeout(() => requestIdleCallback(done), 30))")
    assert await page.evaluate("window.canaries ?? []") == []
    assert await page.evaluate(PARSED) == []
    assert await overflow(page) == 0


@asynccontextmanager
async def haunted(
    browser: Browser, world: WebWorld, *, moderates: bool, language: str, policy: bool
) -> AsyncIterator[tuple[Watched, EvilFeed]]:
    """A page whose feed is evil. `policy`: with the help of the content security policy."""
    space = await world.create()
    address = world.page(space)
    evil = EvilFeed(address, moderates=moderates)
    bare = f"{address}?lang={language}"
    async with opened_small(browser, bare, before=WATCH, bypass_csp=not policy) as watched:
        await evil.take_over(watched.page)
        await watched.page.reload()
        await until(lambda: bool(evil.asked))
        async with evil.beating():
            await expect(watched.page.locator("#title")).to_have_text("Garden hour")
            yield watched, evil


# --- the corpus -------------------------------------------------------------------------------


async def test_the_words_do_run_where_text_becomes_html(browser: Browser) -> None:
    """Without this, a page on which nothing runs proves nothing."""
    page = await browser.new_page()
    await page.add_init_script(WATCH)
    for words in RUNNING:
        await page.goto("about:blank")
        await page.set_content(f"<!doctype html><title>x</title><h1><bdi>{words}</bdi></h1>")
        await comes_true(page, "canaries.length > 0")
        assert await page.evaluate(PARSED) != []


# --- what the server draws --------------------------------------------------------------------


async def dressed(world: WebWorld, words: Sequence[str]) -> list[LiveSpace]:
    """Live spaces, planned and past ones, with these words wherever Matrix may put words."""
    found = []
    for number, text in enumerate(words):
        host = UserId(f"@host{number}:example.org")
        later = WallClock().now_ms() + 3_600_000 if number % 3 == 1 else None
        title = clean_text(text[:200]) or "x"
        space = await world.create(
            title, host=host, host_name=title, live=later is None, scheduled_at_ms=later
        )
        found.append(space)
        if later is not None:
            continue
        await world.caption(space.space, host, text[:4000])
        hand = UserId(f"@hand{number}:example.org")
        await world.joined(space.space, hand, text[:255])
        await world.spaces.ask(space.space, cmd.RequestToSpeak(hand, 5))
        if number % 3 == 2:
            await world.spaces.ask(space.space, cmd.EndSpace(host, WallClock().now_ms()))
    return found


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_the_directory_shows_hostile_titles_and_hosts_as_words(
    world: WebWorld, browser: Browser, language: str
) -> None:
    await dressed(world, [words for words in WORDS if words not in PROPERTIES])
    address = f"{world.base}/?lang={language}"
    for policy in (True, False):
        async with opened_small(browser, address, before=WATCH, bypass_csp=not policy) as watched:
            await expect(watched.page.locator(".bubble, .past li")).not_to_have_count(0)
            await is_harmless(watched.page)
            await fits(watched.page)


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_the_pages_that_the_server_draws_show_words(
    world: WebWorld, browser: Browser, language: str
) -> None:
    words = [*RUNNING[::5], *BREAKING[::6], *ADDRESSES[::9], "W" * 200, "__proto__"]
    for space in await dressed(world, words):
        address = f"{world.page(space)}?lang={language}"
        for script in (False, True):
            async with opened_small(
                browser, address, before=WATCH, script=script, bypass_csp=True
            ) as watched:
                title = watched.page.locator("#title")
                assert (await title.text_content() or "").split() == space.title.split()
                assert (await watched.page.title()).split() == space.title.split()
                assert await watched.page.evaluate(PARSED) == []
                assert await overflow(watched.page) == 0
                if script:
                    await is_harmless(watched.page)


# --- what the script draws --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "policy"), [("en", True), ("ar", True), ("en", False)], ids=str
)
async def test_whatever_a_feed_says_is_words(
    world: WebWorld, browser: Browser, language: str, policy: bool
) -> None:
    async with haunted(browser, world, moderates=False, language=language, policy=policy) as (
        watched,
        evil,
    ):
        page = watched.page
        for number, words in enumerate([*WORDS, *SURROGATES]):
            about = {"type": "space", "space": evil_feed.space(words, world.base + "/s/x")}
            evil.send(about, *evil_feed.everything(words, number))
            evil.send({"type": "notice", "code": "none", "text": f"That was number {number}."})
            await expect(page.locator("#notice")).to_have_text(f"That was number {number}.")
            assert watched.complaints == [], words[:200]
            if number % 12 == 0:
                await is_harmless(page)
                await fits(page)
        await is_harmless(page)
        await page.click("#tab-chat")
        await is_harmless(page)
        await fits(page)
        await page.evaluate("document.querySelector('#posts-earlier').open = true")
        await is_harmless(page)


async def test_hosts_and_readers_of_large_captions_see_words_too(
    world: WebWorld, browser: Browser
) -> None:
    async with haunted(browser, world, moderates=True, language="en", policy=False) as (
        watched,
        evil,
    ):
        page = watched.page
        words: str = ""

        def people(query: str) -> Frame:
            found = [evil_feed.person(words, words[:200], hand="pending", role="listener")]
            everybody: Frame = {"people": found, "removed": found, "total": 1, "query": query}
            return {"type": "people", "followers": 1, **everybody}

        evil.people = people
        chosen = [*RUNNING[::5], *BREAKING[::6], "W" * 10_000, *PROPERTIES[:2]]
        for number, words in enumerate(chosen):
            await page.evaluate(CLOSE_SHEETS)
            evil.send(*evil_feed.everything(words, number))
            await page.click("#tab-control")
            await expect(page.locator("#people bdi")).to_have_text(words)
            await page.locator("#people .people-row").first.press("Enter")
            await page.locator("#removed summary").press("Enter")
            await is_harmless(page)
            await fits(page)
            for opener in ("#stage .person-open", "#tab-chat", ".line-more", "#report", "#large"):
                if opener.startswith("."):
                    await page.evaluate(CLOSE_SHEETS)
                await page.locator(opener).first.press("Enter")
                await is_harmless(page)
                await page.keyboard.press("Escape")
            await page.evaluate(CLOSE_SHEETS)
