"""Inviting, sharing, reporting, people and leaving on the page, in a real Chromium."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.support.frames import untabled
from tests.web.browser import opened, text
from tests.web.looks import XSS, fits, has_focus, overflow
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld, until

pytestmark = pytest.mark.e2e


async def link_of(world: WebWorld, space: LiveSpace, user: UserId) -> str:
    """The address by which somebody in the room opens the page."""
    level = 90 if user == HOST else None
    return world.page(space, f"#t={await world.member(space.space, user, level)}")


# --- shared links -----------------------------------------------------------------------------


async def test_a_host_shares_links_and_everybody_sees_them(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with (
        opened(browser, await link_of(world, space, HOST)) as host,
        opened(browser, await link_of(world, space, ALICE)) as alice,
    ):
        await expect(alice.page.locator("#invite")).to_be_visible()
        await expect(alice.page.locator("#share")).to_be_hidden()
        await host.page.locator("#share").press("Enter")
        await host.page.keyboard.type("javascript:alert(1)")
        await host.page.keyboard.press("Enter")
        await text(host.page, "#share-error", "no address of the web")
        await host.page.fill("#share-url", "example.org/roses?a=1")
        await host.page.keyboard.press("Enter")
        await expect(host.page.locator("#share-dialog")).to_be_hidden()
        await has_focus(host.page, "share")
        await text(alice.page, "#posts-newest .post", "Host shared")
        link = alice.page.locator("#posts-newest a")
        await expect(link).to_have_text("example.org/roses?a=1")
        await expect(link).to_have_attribute("href", "https://example.org/roses?a=1")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        await text(alice.page, "#posts-said", "Host shared a link: example.org")

        await host.page.locator("#share").press("Enter")
        await host.page.fill("#share-url", "https://example.org/roses?a=1")
        await host.page.keyboard.press("Enter")
        await text(host.page, "#share-error", "pinned already")
        await expect(host.page.locator("#share-url")).to_have_value(
            "https://example.org/roses?a=1"
        )

        for number in range(6):
            post = cmd.SharePost(HOST, f"https://example.org/{number}", WallClock().now_ms())
            await world.spaces.ask(space.space, post)
        await text(alice.page, "#posts-newest", "example.org/5")
        await text(alice.page, "#posts-more", "4 earlier links")
        await alice.page.click("#posts-earlier summary")
        await expect(alice.page.locator("#posts-rest .post")).to_have_count(4)
        await alice.page.reload()
        await expect(alice.page.locator("#posts-newest a")).to_have_text("example.org/5")
        await fits(alice.page)


async def test_a_shared_message_says_that_it_is_one_also_without_a_script(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    at_ms = WallClock().now_ms()
    await world.spaces.ask(space.space, cmd.SharePost(HOST, "https://example.org/old", at_ms))
    message = f"https://matrix.to/#/{space.room}/$event"
    shared = cmd.SharePost(HOST, message, at_ms, EventId("$event"))
    await world.spaces.ask(space.space, shared)
    for script in (False, True):
        async with opened(browser, world.page(space), script=script) as reader:
            link = reader.page.locator("#posts-newest a")
            await expect(link).to_have_text("a message of the chat")
            await expect(link).to_have_attribute("href", message)
            await text(reader.page, "#posts-newest", "Hanna shared")
            await reader.page.click("#posts-earlier summary")
            await text(reader.page, "#posts-rest", "example.org")


async def test_hostile_posts_are_words(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, world.page(space), width=320, height=640) as page:
        await until(lambda: world.hub.connections() == 1)
        hostile = ["javascript:alert(1)", "data:text/html,<b>x", "//evil.example", *XSS]
        for number, words in enumerate(hostile):
            # nothing lets these through; a page does not rely on that
            channel = world.hub._channels[space.space]
            post = {"number": number + 1, "url": words, "by": HOST, "name": words, "at_ms": 1}
            channel.broadcast(untabled({"type": "post", **post}))
            await expect(page.page.locator("#posts-newest .post-link")).to_have_text(words)
            assert await page.page.locator("#posts a").count() == 0
            assert await overflow(page.page) == 0


# --- inviting ---------------------------------------------------------------------------------


async def test_inviting_by_address_and_by_the_bot(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    await world.storage.followers.follow(HOST, BOB, 1)
    async with opened(browser, await link_of(world, space, HOST)) as host:
        page = host.page
        await page.locator("#invite").press("Enter")
        await has_focus(page, "invite-copy")
        await expect(page.locator("#invite-address")).to_have_value(world.page(space))
        await page.keyboard.press("Enter")
        await text(page, "#invite-said", "Copied.")
        alias = f"#spaces_{space.slug}:example.org".replace("#", "%23").replace(":", "%3A")
        matrix = page.locator("#invite-matrix")
        await expect(matrix).to_have_attribute("href", f"https://matrix.to/#/{alias}")

        await page.fill("#invite-user", "somebody")
        await page.keyboard.press("Enter")
        await text(page, "#invite-said", "Write a Matrix ID")
        await page.fill("#invite-user", "@carol:example.org")
        await page.keyboard.press("Enter")
        await text(page, "#invite-said", "invites @carol:example.org")
        await page.click("#invite-followers")
        await text(page, "#invite-said", "those who follow you")
        await page.click("#invite-followers")
        await text(page, "#invite-said", "told of this live space already")
        await page.keyboard.press("Escape")
        await expect(page.locator("#invite-dialog")).to_be_hidden()
        await has_focus(page, "invite")


async def test_guests_invite_by_address_alone_and_share_sheets_are_used(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create("Garden hour")
    sheet = "navigator.share = async (what) => { window.shared = what; };"
    async with opened(browser, world.page(space), before=sheet) as guest:
        await guest.page.click("#invite")
        for part in ("#invite-form", "#invite-followers"):
            await expect(guest.page.locator(part)).to_be_hidden()
        await guest.page.click("#invite-share")
        shared = await guest.page.evaluate("window.shared")
        assert shared == {"title": "Garden hour", "url": world.page(space)}
        await expect(guest.page.locator("#follow")).to_be_hidden()
        await fits(guest.page)


async def test_the_picture_of_the_address_is_shown_where_there_is_one(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path d='M1 1h7v7z'/></svg>"

    async def picture(route: Route) -> None:
        await route.fulfill(content_type="image/svg+xml", body=svg)

    async def nothing(route: Route) -> None:
        await route.fulfill(status=404)

    for answer, shown in ((picture, True), (nothing, False)):
        async with opened(browser, world.page(space)) as guest:
            await guest.page.route("**/qr.svg", answer)
            await expect(guest.page.locator("#invite")).to_be_visible()
            async with guest.page.expect_response("**/qr.svg"):
                await guest.page.click("#invite")
            if shown:
                await expect(guest.page.locator("#invite-qr")).to_be_visible()
            else:
                await expect(guest.page.locator("#invite-qr")).to_have_count(0)


async def test_following_the_host_and_back(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    followers = world.storage.followers
    async with opened(browser, await link_of(world, space, ALICE)) as alice:
        await alice.page.click("text=Follow Hanna")
        await text(alice.page, "#follow", "Unfollow Hanna")
        await text(alice.page, "#notice", "You follow Hanna")
        assert await followers.follows(HOST, ALICE)
        await alice.page.reload()
        await text(alice.page, "#follow", "Unfollow Hanna")
        await alice.page.locator("#follow").press("Enter")
        await text(alice.page, "#notice", "any more")
        assert not await followers.follows(HOST, ALICE)
        await has_focus(alice.page, "follow")


async def test_a_planned_space_can_be_put_into_calendars(
    world: WebWorld, browser: Browser
) -> None:
    at_ms = WallClock().now_ms() + 3_600_000
    space = await world.create(live=False, scheduled_at_ms=at_ms)
    async with opened(browser, world.page(space)) as guest:
        await expect(guest.page.locator("#calendar")).to_be_visible()
        href = str(await guest.page.locator("#calendar").evaluate("(link) => link.href"))
        async with world.http.get(href) as entry:
            assert entry.content_type == "text/calendar"
        await world.spaces.ask(space.space, cmd.StartSpace(HOST, at_ms))
        await expect(guest.page.locator("#calendar")).to_be_hidden()


# --- people and reports -----------------------------------------------------------------------


async def test_who_is_on_stage_can_be_looked_at_and_shown_out(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.seat(space.space, BOB, "Bob")
    async with opened(browser, await link_of(world, space, HOST)) as host:
        page = host.page
        bob = page.get_by_role("button", name="Bob Speaker")
        await bob.press("Enter")
        await text(page, "#person-name", "Bob")
        await text(page, "#person-id", BOB)
        await text(page, "#person-role", "Speaker")
        await page.keyboard.press("Escape")
        await expect(page.locator("#person-dialog")).to_be_hidden()
        await expect(bob).to_be_focused()
        await bob.press("Enter")
        await world.levels(space.space, {BOB: None})
        await text(page, "#person-role", "Listener")
        await page.get_by_role("button", name="Remove", exact=True).click()
        await text(page, "#remove-title", "Remove Bob")
        await page.fill("#remove-reason", "rude")
        await page.click("#remove-yes")
        await until(lambda: BOB in world.view(space.space).removed)


async def test_guests_wear_a_badge_and_their_ids_are_nobodys_business(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with (
        opened(browser, world.page(space)) as guest,
        opened(browser, await link_of(world, space, ALICE)) as alice,
    ):
        await guest.page.click("#ask")
        await guest.page.fill("#name", "Maria")
        await guest.page.keyboard.press("Enter")
        await until(lambda: bool(world.view(space.space).requests))
        [user] = world.view(space.space).requests
        await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, user))
        await world.seat(space.space, user, "Maria (guest)")
        person = alice.page.locator(f"[data-key='{user}']")
        await expect(person.locator("bdi")).to_have_text("Maria")
        await expect(person.locator(".guest-mark")).to_have_text("guest")
        await person.locator(".person-open").click()
        await text(alice.page, "#person-name", "Maria guest")
        await expect(alice.page.locator("#person-id")).to_be_hidden()
        assert await alice.page.locator("#person-actions button").all_text_contents() == [
            "Report…"
        ]


async def transparent(page: Page) -> int:
    """How many on the stage have the picture that lets the letter through."""
    return int(
        await page.evaluate(
            """async () => {
              const all = [...document.querySelectorAll("#stage .portrait")];
              await Promise.all(all.map((image) => image.decode()));
              return all.filter((image) => image.naturalWidth === 1).length;
            }"""
        )
    )


async def test_who_has_no_picture_keeps_the_letter_and_is_asked_for_once(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.seat(space.space, BOB, "Bob")
    async with opened(browser, world.page(space)) as reader:
        page = reader.page
        asked = list[str]()
        await expect(page.locator(".person-open")).to_have_count(2)
        assert await transparent(page) == 2
        page.on("request", lambda request: asked.append(request.url))
        await world.seat(space.space, ALICE, "Alice")
        await expect(page.locator(".person-open")).to_have_count(3)
        assert await transparent(page) == 3
        await world.levels(space.space, {ALICE: None})
        await expect(page.locator(".person-open")).to_have_count(2)
        assert len([url for url in asked if "/face/" in url]) == 1


async def test_a_report_names_a_person_and_a_reason(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    await world.seat(space.space, BOB, "Bob")
    async with opened(browser, await link_of(world, space, ALICE)) as alice:
        page = alice.page
        bob = page.get_by_role("button", name="Bob Speaker")
        await bob.click()
        await page.click("text=Report…")
        await expect(page.locator("#report-who")).to_have_value(BOB)
        await fits(page)
        await page.click("text=Send report")
        await text(page, "#report-error", "Choose a reason")
        await page.get_by_label("Hate").check()
        await page.get_by_label("Spam or fraud").check()
        await page.fill("#report-words", "Again & again.")
        await page.click("text=Send report")
        await expect(page.locator("#report-dialog")).to_be_hidden()
        await text(page, "#notice", "goes to the moderators")
        [report] = await world.storage.reports.listing(5)
        assert (report.reporter, report.reported) == (ALICE, BOB)
        assert report.reason == "Hate, Spam or fraud: Again & again."

        await page.click("#report")
        await expect(page.locator("#report-who")).to_have_value("")
        await page.get_by_label("Hate").check()
        await page.click("text=Send report")
        await text(page, "#report-error", "Choose whom")
        await has_focus(page, "report-who")


async def test_the_nameless_say_who_reports(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, world.page(space)) as guest:
        await guest.page.click("#report")
        await text(guest.page, "#name-title", "Who reports this?")
        await guest.page.fill("#name", "Maria")
        await guest.page.keyboard.press("Enter")
        await guest.page.select_option("#report-who", label="Hanna")
        await guest.page.fill("#report-words", "rude")
        await guest.page.click("text=Send report")
        await expect(guest.page.locator("#report-dialog")).to_be_hidden()
        [report] = await world.storage.reports.listing(5)
        assert (report.reported, report.reason) == (HOST, "rude")


# --- for every eye ----------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
async def test_every_sheet_is_without_axe_violations(
    world: WebWorld, browser: Browser, dark: bool
) -> None:
    space = await world.create()
    await world.seat(space.space, BOB, "Bob")
    post = cmd.SharePost(HOST, "https://example.org/roses", WallClock().now_ms())
    await world.spaces.ask(space.space, post)
    link = await link_of(world, space, HOST)
    async with opened(browser, link, width=320, height=700, dark=dark) as host:
        page = host.page
        await expect(page.locator("#share")).to_be_visible()
        await page.locator("#link").evaluate("(node) => { node.textContent = 'Reconnecting…'; }")
        await fits(page)
        openers = ("#invite", "#share", "#report", "#more-reactions", ".person-open >> nth=1")
        for opener in openers:
            await page.click(opener)
            await expect(page.locator("dialog[open]")).to_have_count(1)
            await fits(page)
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            await page.keyboard.press("Escape")
            await expect(page.locator("dialog[open]")).to_have_count(0)
            await expect(page.locator(opener)).to_be_focused()


# --- leaving ----------------------------------------------------------------------------------


async def at_the_directory(page: Page, world: WebWorld) -> None:
    await expect(page).to_have_url(world.base + "/")
    await until(lambda: world.hub.connections() == 0)


async def test_a_listener_leaves_without_a_word(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, await link_of(world, space, ALICE)) as alice:
        await alice.page.click("#ask")
        await until(lambda: ALICE in world.view(space.space).requests)
        await alice.page.click("text=Leave quietly")
        await at_the_directory(alice.page, world)
        await until(lambda: ALICE not in world.view(space.space).requests)
        await alice.page.go_back()
        await until(lambda: world.hub.connections() == 1)
        await text(alice.page, "#ask", "Ask to speak")


async def test_who_is_on_stage_is_asked_first(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    await world.seat(space.space, BOB, "Bob")
    link = world.page(space, f"#t={await world.link(space.space, BOB)}")
    async with opened(browser, link) as bob:
        await expect(bob.page.locator("#microphone")).to_be_visible()
        await bob.page.locator("#leave").press("Enter")
        await text(bob.page, "#sure-title", "Leave the stage")
        await bob.page.keyboard.press("Escape")
        await expect(bob.page.locator("#sure-dialog")).to_be_hidden()
        await has_focus(bob.page, "leave")
        await bob.page.keyboard.press("Enter")
        await bob.page.click("#sure-yes")
        await at_the_directory(bob.page, world)
        await until(lambda: not world.view(space.space).may_speak(BOB))
