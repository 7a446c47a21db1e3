"""The page in a real Chromium."""

import pytest
from playwright.async_api import Browser, Route, expect

from spaces_bridge.app.ports import Draft
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UtteranceId
from tests.web.browser import FLOATED, floated, opened, text
from tests.web.looks import XSS, fits, overflow
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld, cut_off, until

pytestmark = pytest.mark.e2e

# --- the floor --------------------------------------------------------------------------------


async def test_a_guest_asks_and_the_host_decides_on_the_page(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    link = world.page(space, f"#t={await world.link(space.space, HOST)}")
    async with (
        opened(browser, world.page(space)) as guest,
        opened(browser, link, width=1280, height=800) as host,
    ):
        assert "#t=" not in host.page.url
        await guest.page.click("#ask")
        await guest.page.click("#name-form >> text=Ask to speak")
        await text(guest.page, "#name-error", "at least one letter")
        await guest.page.fill("#name", "Maria")
        await guest.page.click("#name-form >> text=Ask to speak")
        await text(guest.page, "#hands", "You are next")
        await text(guest.page, "#ask", "Lower hand")
        await text(host.page, "#hands", "Maria guest")

        await guest.page.reload()
        await text(guest.page, "#hands", "You are next")
        await host.page.click("#hands >> text=Let speak")
        await text(guest.page, "#hands", "Getting the floor")
        [user] = world.view(space.space).requests
        await world.seat(space.space, user, "Maria (guest)")
        await text(guest.page, "#floor", "You have the floor")
        await text(guest.page, "#stage", "Maria guest")
        assert await guest.page.evaluate("window.microphonesAsked") == 0

        await host.page.click("#stage >> text=Maria")
        await host.page.click("#person-actions >> text=Make listener")
        await expect(guest.page.locator("#floor")).to_be_hidden()


async def test_the_host_runs_a_space_from_a_phone(world: WebWorld, browser: Browser) -> None:
    space = await world.create(live=False)
    link = world.page(space, f"#t={await world.link(space.space, HOST)}")
    async with (
        opened(browser, world.page(space)) as listener,
        opened(browser, link) as host,
    ):
        await text(listener.page, "#when", "Starts soon")
        await expect(listener.page.locator("#bar")).to_be_hidden()
        await host.page.click("#hosting >> text=Go live")
        await text(listener.page, "#state", "Live")
        await expect(listener.page.locator("#listen")).to_be_visible()
        await host.page.click("#hosting >> text=End")
        await host.page.click("#sure-yes")
        await text(listener.page, "#notice", "has ended")
        await expect(listener.page.locator("#bar")).to_be_hidden()


# --- reading ----------------------------------------------------------------------------------


async def test_captions_and_reactions_arrive_as_they_happen(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.caption(space.space, HOST, "Said before.")
    async with (
        opened(browser, world.page(space), before=FLOATED) as one,
        opened(browser, world.page(space)) as two,
    ):
        log = one.page.get_by_role("log")
        await expect(log).to_have_attribute("aria-live", "polite")
        await until(lambda: world.hub.connections() == 2)
        for words in ("Said just", ""):
            partial = Draft(UtteranceId("open"), HOST, words, 0, 5000, 5600, "en")
            world.hub.draft(space.space, partial)
        await world.caption(space.space, HOST, "Said just now.", start_ms=5000)
        await expect(log).to_contain_text("Said just now.")
        assert await log.locator(".caption").count() == 2
        await two.page.click("[data-emoji='❤️']")
        await floated(one.page, "❤️")
        await expect(one.page.locator(".float")).to_have_count(0)


async def test_the_page_comes_back_after_the_server_was_away(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, world.page(space)) as reader:
        await until(lambda: world.hub.connections() == 1)
        await world.caption(space.space, HOST, "Before.", start_ms=1000)
        await cut_off(world)
        await world.caption(space.space, HOST, "Meanwhile.", start_ms=3000)
        await until(lambda: world.hub.connections() == 1)
        await world.caption(space.space, HOST, "After.", start_ms=5000)
        await text(reader.page, "#captions", "After.")
        shown = await reader.page.locator(".caption-text").all_text_contents()
        assert shown == ["Before.", "Meanwhile.", "After."]


async def test_a_private_space_opens_by_its_link_and_shuts_when_one_leaves(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create("Family matters", private=True)
    await world.joined(space.space, ALICE, "Alice")
    async with opened(browser, world.page(space)) as stranger:
        await text(stranger.page, "#sorry", "or it is private")
        await expect(stranger.page.locator("#space")).to_be_hidden()
    link = world.page(space, f"#t={await world.link(space.space, ALICE)}")
    async with opened(browser, link) as member:
        await text(member.page, "#title", "Family matters")
        await member.page.reload()
        await text(member.page, "#title", "Family matters")
        await world.left(space.space, ALICE)
        await text(member.page, "#sorry", "You are not in here any more")
        await expect(member.page.locator("#space")).to_be_hidden()


async def test_hostile_words_stay_words(world: WebWorld, browser: Browser) -> None:
    for number, words in enumerate(XSS):
        space = await world.create(words, host_name=words)
        await world.seat(space.space, ALICE, words)
        await world.caption(space.space, ALICE, words, start_ms=1000)
        async with opened(browser, world.page(space), width=320, height=640) as page:
            await until(lambda: world.hub.connections() == 1)
            await world.caption(space.space, HOST, words, start_ms=9000)
            await expect(page.page.locator(".caption")).to_have_count(2)
            assert await page.page.locator(".caption-text").last.text_content() == words
            title = words.replace("\u202e", "")  # what turns letters around is taken away
            assert await page.page.locator("#title").text_content() == title
            strange = page.page.locator("main img:not(.portrait), main script, #stage b")
            assert await strange.count() == 0
            assert await overflow(page.page) == 0, number
        await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
        await until(lambda: world.hub.connections() == 0)
    async with opened(browser, world.base + "/", width=320, height=640) as page:
        assert await page.page.locator(".past-link").count() == len(XSS)
        assert await overflow(page.page) == 0


async def test_the_page_can_be_read_without_script(world: WebWorld, browser: Browser) -> None:
    space = await world.create("Garden hour")
    await world.caption(space.space, HOST, "Roses want water.")
    async with opened(browser, world.page(space), script=False) as reader:
        await text(reader.page, "#title", "Garden hour")
        await text(reader.page, "#captions", "Roses want water.")
        await text(reader.page, "#stage", "Hanna")
        await expect(reader.page.locator("noscript .plain-sound audio")).to_be_visible()
        await expect(reader.page.locator("#bar")).to_be_hidden()


@pytest.mark.parametrize(
    ("lost", "broken"),
    [
        ("**/js/views/picker.js", None),
        ("**/js/rtc.js", "export const beyond = #{ this: 'browser' };"),
        ("**/js/names.js", "throw new Error('lost');"),
    ],
    ids=["lost", "too_new", "broken"],
)
async def test_a_page_that_cannot_start_says_so_and_can_be_loaded_again(
    world: WebWorld, browser: Browser, lost: str, broken: str | None
) -> None:
    space = await world.create("Garden hour")
    async with opened(browser, world.page(space)) as reader:
        page, plain = reader.page, reader.page.locator("#unstarted")
        await until(lambda: world.hub.connections() == 1)
        await expect(plain).to_be_hidden()

        async def instead(route: Route) -> None:
            if broken is None:
                await route.abort()
            else:
                await route.fulfill(body=broken, content_type="text/javascript")

        await page.route(lost, instead)
        await page.reload()
        await expect(plain).to_be_visible()
        await expect(plain).to_contain_text("could not start")
        await expect(plain.locator("audio")).to_be_visible()
        assert await overflow(page) == 0
        await page.unroute(lost)
        reader.complaints.clear()
        await page.click("#load-again")
        await expect(plain).to_be_hidden()
        await expect(page.locator("#bar")).to_be_visible()


# --- for every hand and eye -------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_every_target_is_big_named_and_inside_the_smallest_screen(
    world: WebWorld, browser: Browser, dark: bool, direction: str
) -> None:
    space = await world.create()
    await world.seat(space.space, BOB, "Bob")
    await world.joined(space.space, ALICE, "Alice")
    at_ms = WallClock().now_ms()
    await world.spaces.ask(space.space, cmd.RequestToSpeak(ALICE, at_ms))
    await world.caption(space.space, BOB, "Roses want water.")
    link = world.page(space, f"#t={await world.link(space.space, HOST)}")
    async with opened(browser, link, width=320, height=700, dark=dark) as host:
        await text(host.page, "#hands", "Alice")
        await host.page.evaluate(f"document.documentElement.dir = '{direction}'")
        await fits(host.page)


async def test_asking_works_by_keyboard_alone_and_the_focus_stays(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, world.page(space)) as guest:
        page = guest.page
        await page.locator("#ask").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.type("Maria")
        await page.keyboard.press("Enter")
        await text(page, "#ask", "Lower hand")
        assert await page.evaluate("document.activeElement.id") == "ask"
        await cut_off(world)
        await until(lambda: world.hub.connections() == 1)
        assert await page.evaluate("document.activeElement.id") == "ask"
        await page.keyboard.press("Enter")
        await text(page, "#ask", "Ask to speak")


async def test_a_guests_words_bear_the_mark_in_the_readers_language(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    ghost = world.sessions.guest_id()
    asked = cmd.RequestToSpeak(ghost, 1, name="Maria", guest=True)
    await world.spaces.ask(space.space, asked)
    await world.caption(space.space, ghost, "Rosen brauchen Wasser.", start_ms=1000)
    for script in (False, True):
        async with opened(browser, world.page(space, "?lang=de"), script=script) as reader:
            name = reader.page.locator("#captions .caption-name")
            await expect(name).to_have_text("Maria Gast")
            if script:
                await world.caption(space.space, ghost, "Jeden Tag.", start_ms=9000)
                await expect(name.last).to_have_text("Maria Gast")
