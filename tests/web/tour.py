"""A walk past every panel, sheet and shell of the pages, for what must hold in all of them.

What people wrote (names, titles, words) begins with `MARK`: the rest is the page's own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Page, expect

from spaces_bridge.app.chat import ChatLine
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import EventId, UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.e2e.states import CUT
from tests.web.browser import opened
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld, guest_of

MARK = "¤"
COHOST = UserId("@cora:example.org")
RUDE = UserId("@rudy:example.org")

Visit = Callable[[str, Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Look:
    """One way the pages may look."""

    name: str
    language: str = "en"
    dark: bool = False
    width: int = 390
    height: int = 844

    def address(self, page: str) -> str:
        """The address of a page in this look's language."""
        path, hash_, fragment = page.partition("#")
        return f"{path}?lang={self.language}{hash_}{fragment}"


LOOKS = (
    Look("light"),
    Look("dark", dark=True),
    Look("right to left", language="ar"),
    Look("320 px", language="de", width=320, height=640),
    Look("wide", language="fr", width=1280, height=800),
)


async def tour(world: WebWorld, browser: Browser, look: Look, visit: Visit) -> None:
    """Open everything there is to see, and let `visit` look at it."""
    await _ways_in(world, browser, look, visit)
    space = await _full_room(world)
    async with world.feed(space, name=f"{MARK}Maria") as maria:
        guest, _ = await guest_of(maria)
        await maria.send(type="hand", raised=True)
        secret = await world.link(space.space, HOST)
        async with _page(browser, look, world.page(space, f"#t={secret}")) as page:
            await expect(page.locator(f"#hands [data-key^='{guest}']")).to_be_visible()
            await _as_host(page, visit, world, space)
    async with _page(browser, look, world.page(space)) as page:
        await _as_guest(page, visit)
    async with _page(browser, look, world.base + "/") as page:
        await visit("directory", page)
    async with _page(browser, look, f"{world.base}/#t={secret}") as page:
        await page.click("#start-here")
        await visit("sheet: start", page)
        await page.check("#start-later", force=True)
        await page.click("#start-yes")
        await expect(page.locator("#start-error")).not_to_be_empty()
        await visit("sheet: start, refused", page)
    await _ends(world, browser, look, visit, space)


async def _full_room(world: WebWorld) -> LiveSpace:
    """Everybody who can be in a live space, doing what they can do."""
    ended = await world.create(f"{MARK}Old songs", host_name=f"{MARK}Hanna")
    await world.caption(ended.space, HOST, f"{MARK}La la.")
    now_ms = WallClock().now_ms()
    await world.spaces.ask(ended.space, cmd.EndSpace(HOST, now_ms))
    space = await world.create(f"{MARK}Garden hour", host_name=f"{MARK}Hanna")
    later_ms = now_ms + 3_600_000
    name = f"{MARK}Hanna"
    await world.create(f"{MARK}News", host_name=name, live=False, scheduled_at_ms=later_ms)
    at = space.space
    await world.joined(at, COHOST, f"{MARK}Cora", level=60)
    await world.seat(at, BOB, f"{MARK}Bob")
    for user, name in ((ALICE, f"{MARK}Alice"), (RUDE, f"{MARK}Rudy")):
        await world.joined(at, user, name)
    for command in (
        cmd.MuteSpeaker(HOST, BOB),
        cmd.BringSpeaker(HOST, ALICE),
        cmd.RemovePerson(HOST, RUDE, f"{MARK}sells watches"),
        cmd.SharePost(HOST, "https://example.org/roses", now_ms),
        cmd.SharePost(HOST, "https://example.org/ferns", now_ms),
    ):
        await world.spaces.ask(at, command)
    await world.left(at, RUDE)
    for number, words in enumerate(("Roses want water.", "And the ferns?")):
        await world.caption(at, HOST, MARK + words, start_ms=1000 + 9000 * number)
        event = EventId(f"$m{number}")
        line = ChatLine(event, BOB, f"{MARK}Bob", MARK + words, now_ms, event=event)
        news = world.spaces.context.chat.add(at, line)
        assert news is not None
        world.hub.chatted(at, news)
    return world.view(at)


@asynccontextmanager
async def _page(browser: Browser, look: Look, address: str) -> AsyncIterator[Page]:
    wide, high = look.width, look.height
    where = look.address(address)
    async with opened(
        browser, where, width=wide, height=high, dark=look.dark, before=CUT
    ) as watched:
        yield watched.page


async def _as_host(page: Page, visit: Visit, world: WebWorld, space: LiveSpace) -> None:
    await visit("host: captions", page)
    await page.click("#captions-settings summary")
    await visit("host: how captions look", page)
    await page.keyboard.press("Escape")
    await page.click("#tab-chat")
    await visit("host: chat", page)
    await page.click("#tab-control")
    for user in (BOB, ALICE):
        await page.click(f"#people [data-key='{user}'] .people-row")
        await expect(page.locator(f"#people [data-key='{user}'] .button").first).to_be_visible()
        await visit(f"host: what to do about {user}", page)
    await page.click("#removed summary")
    await visit("host: removed people", page)
    await page.fill("#title-text", "x" * 201)
    await page.press("#title-text", "Enter")
    await expect(page.locator("#notice")).to_be_visible()
    await visit("host: an error", page)

    sheets = {
        "#open-settings": "settings",
        "#invite": "invite",
        "#share": "share",
        "#report": "report",
        "#more-reactions": "picker",
        f"#stage [data-key='{BOB}'] .person-open": "person",
        "#hosting .button": "sure",
        f"#people [data-key='{ALICE}'] .button-danger": "remove",
        "#large": "large captions",
    }
    for opener, name in sheets.items():
        if opener == "#large":
            await page.click("#tab-words")
        await page.locator(opener).first.click()
        await expect(page.locator("dialog[open]")).to_have_count(1)
        await visit(f"sheet: {name}", page)
        if name in ("share", "report", "picker", "invite"):
            await page.locator("dialog[open] [type=submit]:visible").first.click()
            await visit(f"sheet: {name}, refused", page)
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog[open]")).to_have_count(0)
    await world.spaces.ask(space.space, cmd.SetCaptions(HOST, on=False, language=""))
    await expect(page.locator("#captions-empty")).to_be_visible()
    await visit("host: captions off", page)


async def _as_guest(page: Page, visit: Visit) -> None:
    await expect(page.locator("#bar")).to_be_visible()
    await visit("guest: first sight", page)
    await page.evaluate("cutOff = true; sockets.at(-1).close()")
    await expect(page.locator("#link")).not_to_be_empty()
    await visit("guest: reconnecting", page)
    await page.evaluate("cutOff = false")
    await expect(page.locator("#link")).to_be_empty()
    await page.click("#ask")
    await visit("sheet: name", page)
    await page.fill("#name", "...")
    await page.press("#name", "Enter")
    await expect(page.locator("#name-error")).not_to_be_empty()
    await visit("sheet: name, refused", page)
    await page.fill("#name", f"{MARK}Zoe")
    await page.press("#name", "Enter")
    await expect(page.locator("#hands .mine")).to_be_visible()
    await page.click("#leave")
    await page.wait_for_url("**/?lang=*")


async def _ways_in(world: WebWorld, browser: Browser, look: Look, visit: Visit) -> None:
    """What stands in for a live space; the directory is still empty."""
    private = await world.create(f"{MARK}Family", host_name=f"{MARK}Hanna", private=True)
    shells = {
        "directory, empty": world.base + "/",
        "lost": world.base + "/no/such/page",
        "private": world.page(private),
    }
    for name, address in shells.items():
        async with _page(browser, look, address) as page:
            await visit(name, page)
    await world.spaces.ask(private.space, cmd.EndSpace(HOST, WallClock().now_ms()))


async def _ends(
    world: WebWorld, browser: Browser, look: Look, visit: Visit, space: LiveSpace
) -> None:
    """Locked, for members only, removed in the middle of it, over."""
    await world.spaces.ask(space.space, cmd.LockSpace(HOST))
    async with _page(browser, look, world.page(space)) as page:
        await expect(page.locator("#sorry")).to_be_visible()
        await visit("sorry: locked", page)
    await world.spaces.ask(space.space, cmd.UnlockSpace(HOST))
    member = world.page(space, f"#t={await world.link(space.space, BOB)}")
    async with _page(browser, look, world.page(space)) as page:
        await expect(page.locator("#bar")).to_be_visible()
        await world.spaces.ask(space.space, cmd.SetGuests(HOST, GuestPolicy.OFF))
        await expect(page.locator("#sorry")).to_be_visible()
        await visit("sorry: members only", page)
    async with _page(browser, look, member) as page:
        await expect(page.locator("#floor")).to_be_visible()
        await visit("speaker: muted by a host", page)
        await world.spaces.ask(space.space, cmd.UnmuteSpeaker(HOST, BOB))
        await expect(page.locator("#microphone")).to_be_visible()
        await visit("speaker: has the floor", page)
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, BOB, ""))
        await expect(page.locator("#sorry")).to_be_visible()
        await visit("sorry: removed", page)
    secret = await world.link(space.space, ALICE)
    async with _page(browser, look, world.page(space, f"#t={secret}")) as page:
        await expect(page.locator("#invitation")).to_be_visible()
        await visit("listener: invited to speak", page)
        await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
        await expect(page.locator("#space")).to_have_attribute("data-state", "ended")
        await visit("over", page)
