"""The chat on the page, in a real Chromium."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge.app.chat import ChatKind, ChatLine, LinesGone
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from tests.web.browser import comes_true, opened, text
from tests.web.looks import XSS, fits, has_focus, overflow
from tests.web.world import ALICE, BOB, HOST, WebWorld, cut_off, web_world

pytestmark = pytest.mark.e2e

LINE = "#chat-lines .line"


def tell(
    world: WebWorld,
    space: SpaceId,
    number: int,
    words: str,
    user: UserId = BOB,
    kind: ChatKind = ChatKind.TEXT,
    file: str = "",
) -> None:
    """What the Matrix side does with a message of the room."""
    event = EventId(f"$m{number}")
    name = user[1:].partition(":")[0].title()
    at_ms = 1_700_000_000_000 + number * 1000
    line = ChatLine(event, user, name, words, at_ms, kind, file, event=event)
    news = world.spaces.context.chat.add(space, line)
    assert news is not None
    world.hub.chatted(space, news)


async def page_of(world: WebWorld, space: SpaceId, user: UserId) -> str:
    """The address by which this person opens the page."""
    return world.page(world.view(space), f"#t={await world.member(space, user)}")


async def open_chat(page: Page) -> None:
    await page.click("#tab-chat")
    await expect(page.locator("#chat")).to_be_visible()


async def test_people_write_to_each_other_and_the_tab_counts_what_is_unread(
    world: WebWorld, browser: Browser
) -> None:
    space = (await world.create()).space
    async with (
        opened(browser, await page_of(world, space, ALICE)) as alice,
        opened(browser, await page_of(world, space, BOB), width=1280, height=800) as bob,
    ):
        await expect(bob.page.locator("#tab-chat")).to_be_visible()
        await expect(bob.page.locator("#chat-lines")).to_have_attribute("aria-live", "off")
        await alice.page.locator("#tab-words").focus()
        await alice.page.keyboard.press("ArrowRight")
        await alice.page.locator("#chat-text").focus()
        await alice.page.keyboard.type("Read this:")
        await alice.page.keyboard.press("Shift+Enter")
        await alice.page.keyboard.type("(https://example.org/roses_(wild)?a=1&b=2), now.")
        await alice.page.keyboard.press("Enter")
        await text(alice.page, LINE, "Read this:\n")
        await expect(alice.page.locator("#chat-text")).to_have_value("")
        await has_focus(alice.page, "chat-text")
        await expect(alice.page.locator("#unread")).to_be_hidden()
        await expect(alice.page.locator("#chat-lines")).to_have_attribute("aria-live", "polite")

        await text(bob.page, "#unread-shown", "1")
        await text(bob.page, "#tab-chat", "1 new line")
        await open_chat(bob.page)
        await expect(bob.page.locator("#unread")).to_be_hidden()
        link = bob.page.locator(".line-text a")
        address = "https://example.org/roses_(wild)?a=1&b=2"
        assert await link.text_content() == address
        for name, value in (
            ("href", address),
            ("rel", "noopener noreferrer"),
            ("target", "_blank"),
        ):
            await expect(link).to_have_attribute(name, value)
        words = await bob.page.locator(".line-text").text_content()
        assert words == f"Read this:\n({address}), now."


async def test_lines_are_changed_and_taken_away(world: WebWorld, browser: Browser) -> None:
    space = (await world.create()).space
    book = world.spaces.context.chat
    async with opened(browser, await page_of(world, space, ALICE)) as alice:
        await open_chat(alice.page)
        for number, words in enumerate(["one", "two", "three"]):
            tell(world, space, number, words)
        tell(world, space, 4, "roses.jpg", kind=ChatKind.PICTURE, file="roses.jpg", user=HOST)
        lines = alice.page.locator(LINE)
        await expect(lines).to_have_count(4)
        assert await alice.page.locator(".line.again").count() == 2
        await text(alice.page, f"{LINE}:last-child", "sent a picture: roses.jpg")

        changed = book.reword(space, EventId("$m0"), BOB, "uno")
        assert isinstance(changed, ChatLine)
        world.hub.chatted(space, changed)
        await text(alice.page, f"{LINE}:first-child", "uno")
        await text(alice.page, f"{LINE}:first-child .line-edited", "edited")

        await alice.page.locator(f"{LINE}:first-child .line-face").focus()
        gone = book.take_back(space, EventId("$m0"))
        assert isinstance(gone, LinesGone)
        world.hub.chatted(space, gone)
        await expect(lines).to_have_count(3)
        await has_focus(alice.page, "chat-lines")
        assert await alice.page.locator(".line.again").count() == 1

        writer = book.forget(space, BOB)
        assert writer is not None
        world.hub.chatted(space, writer)
        await expect(lines).to_have_count(1)


async def test_only_who_wrote_what_stands_there_is_offered_for_reports(
    world: WebWorld, browser: Browser
) -> None:
    """The server takes no report of others: they may be anybody, and there may be very many."""
    space = (await world.create()).space
    async with opened(browser, await page_of(world, space, ALICE)) as watched:
        page = watched.page
        for number, user in enumerate((BOB, UserId("@eve:far.example"), BOB)):
            tell(world, space, number, f"line {number}", user)
        await expect(page.locator(LINE)).to_have_count(3)
        news = world.spaces.context.chat.take_back(space, EventId("$m1"))
        assert news is not None
        world.hub.chatted(space, news)
        await expect(page.locator(LINE)).to_have_count(2)
        await page.click("#report")
        offered = page.locator("#report-who option").evaluate_all("all => all.map((o) => o.value)")
        assert await offered == ["", HOST, BOB]


async def test_after_a_pause_nothing_is_twice_and_what_was_taken_back_is_gone(
    world: WebWorld, browser: Browser
) -> None:
    space = (await world.create()).space
    tell(world, space, 1, "one")
    tell(world, space, 2, "two")
    async with opened(browser, await page_of(world, space, ALICE)) as alice:
        await expect(alice.page.locator(LINE)).to_have_count(2)
        await expect(alice.page.locator("#unread")).to_be_hidden()
        await cut_off(world)
        assert world.spaces.context.chat.take_back(space, EventId("$m1")) is not None
        tell(world, space, 3, "three")
        await text(alice.page, "#unread-shown", "1")
        assert await alice.page.locator(".line-text").all_text_contents() == ["two", "three"]


@pytest.mark.usefixtures("nothing_grows_back")
async def test_what_is_refused_stands_in_the_field_again(
    world: WebWorld, browser: Browser
) -> None:
    space = (await world.create()).space
    async with opened(browser, await page_of(world, space, ALICE)) as alice:
        await open_chat(alice.page)
        field = alice.page.locator("#chat-text")
        for number in range(5):
            await field.fill(f"line {number}")
            await field.press("Enter")
            await expect(alice.page.locator(LINE)).to_have_count(number + 1)
        await field.fill("one too fast")
        await field.press("Enter")
        await text(alice.page, "#notice", "very fast")
        await expect(field).to_have_value("one too fast")
        assert await alice.page.locator(LINE).count() == 5


async def test_who_may_not_write_reads_why(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    host = await world.link(space.space, HOST)
    async with (
        opened(browser, world.page(space)) as nameless,
        opened(browser, await page_of(world, space.space, ALICE)) as alice,
    ):
        await open_chat(nameless.page)
        await open_chat(alice.page)
        await text(nameless.page, "#chat-why", "by your personal link")
        await expect(nameless.page.locator("#chat-text")).to_be_disabled()
        await expect(alice.page.locator("#chat-text")).to_be_enabled()
        async with world.feed(space, host) as feed:
            await feed.send(type="chat-mode", on=False)
            await text(alice.page, "#chat-why", "The chat is off")
            await expect(alice.page.locator("#chat-text")).to_be_disabled()
            await feed.send(type="chat-mode", on=True)
            await expect(alice.page.locator("#chat-text")).to_be_enabled()
            await feed.send(type="lock")
            await text(alice.page, "#chat-why", "locked")
            await feed.send(type="unlock")
            await expect(alice.page.locator("#chat-why")).to_be_hidden()
        await nameless.page.click("#ask")
        await nameless.page.fill("#name", "Maria")
        await nameless.page.keyboard.press("Enter")
        await text(nameless.page, "#chat-why", "Guests read along")


async def test_where_guests_write_they_say_who_they_are(tmp_path: Path, browser: Browser) -> None:
    async with web_world(tmp_path, guest_chat=True) as world:
        space = await world.create()
        async with opened(browser, world.page(space)) as guest:
            await open_chat(guest.page)
            await guest.page.fill("#chat-text", "hello")
            await guest.page.keyboard.press("Enter")
            await text(guest.page, "#name-title", "Who writes?")
            await guest.page.fill("#name", "Maria")
            await guest.page.keyboard.press("Enter")
            await text(guest.page, f"{LINE} .line-name", "Maria guest")
            await text(guest.page, f"{LINE} .line-text", "hello")


async def test_who_scrolls_back_is_left_alone_and_led_to_the_newest(
    world: WebWorld, browser: Browser
) -> None:
    space = (await world.create()).space
    for number in range(40):
        tell(world, space, number, f"line {number}")
    async with opened(browser, await page_of(world, space, ALICE)) as alice:
        await open_chat(alice.page)
        log = alice.page.locator("#chat-lines")
        handle = await log.element_handle()
        at_end = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2"
        await expect(alice.page.locator(LINE)).to_have_count(40)
        await comes_true(alice.page, at_end, handle)
        await log.evaluate("(log) => { log.scrollTop = 0; }")
        await expect(alice.page.locator("#chat-newest")).to_be_visible()
        tell(world, space, 41, "the newest")
        await expect(alice.page.locator(LINE)).to_have_count(41)
        assert await log.evaluate("(log) => log.scrollTop") == 0
        await alice.page.locator("#chat-newest").press("Enter")
        await comes_true(alice.page, at_end, handle)
        await has_focus(alice.page, "chat-lines")


async def test_hostile_lines_stay_lines(world: WebWorld, browser: Browser) -> None:
    space = (await world.create()).space
    words = [*XSS, "https://example.org/" + "w" * 300, 'https://x.org/"onmouseover="alert(9)']
    names = [UserId(f"@{n}:example.org") for n in range(len(words))]
    for number, (line, user) in enumerate(zip(words, names, strict=True)):
        event = EventId(f"$x{number}")
        shown = ChatLine(event, user, line[:100], line, 1000 + number, event=event)
        news = world.spaces.context.chat.add(space, shown)
        assert news is not None
    host = world.page(world.view(space), f"#t={await world.link(space, HOST)}")
    async with opened(browser, host, width=320, height=640) as page:
        await open_chat(page.page)
        await expect(page.page.locator(LINE)).to_have_count(len(words))
        assert await page.page.locator(".line-text").all_text_contents() == words
        assert (
            await page.page.locator("main img:not(.portrait), main script, #chat b").count() == 0
        )
        hrefs = await page.page.locator(".line-text a").evaluate_all(
            "(links) => links.map((link) => link.href)"
        )
        assert all(href.startswith("https://") for href in hrefs)
        assert len(hrefs) == 2
        assert await overflow(page.page) == 0
        await page.page.locator(".line-more").first.press("Enter")
        assert await page.page.locator("#person-quote").text_content() == words[0]
        assert await overflow(page.page) == 0


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_every_target_of_the_chat_is_big_and_named(
    world: WebWorld, browser: Browser, direction: str
) -> None:
    space = (await world.create()).space
    for number in range(3):
        tell(
            world,
            space,
            number,
            "Roses want water https://example.org",
            user=[ALICE, BOB][number % 2],
        )
    host = world.page(world.view(space), f"#t={await world.link(space, HOST)}")
    async with opened(browser, host, width=320, height=640) as page:
        await page.page.evaluate(f"document.documentElement.dir = '{direction}'")
        await open_chat(page.page)
        await expect(page.page.locator(".line-more").first).to_be_visible()
        await fits(page.page)


async def test_an_ended_space_shows_what_was_written_and_no_field(
    world: WebWorld, browser: Browser
) -> None:
    space = (await world.create()).space
    tell(world, space, 1, "good night")
    async with opened(browser, await page_of(world, space, ALICE)) as alice:
        await open_chat(alice.page)
        await expect(alice.page.locator("#chat-form")).to_be_visible()
        await world.spaces.ask(space, cmd.EndSpace(HOST, 1_800_000_000_000))
        await expect(alice.page.locator("#chat-form")).to_be_hidden()
        await text(alice.page, LINE, "good night")
