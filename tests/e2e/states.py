"""Every state the page can be in, reached on real parts, by pages that look different.

Used where something must hold in each of them (accessibility) or be seen (pictures for the docs).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo.deployment import LiveRoom, Person, until
from spaces_bridge_demo.feed import PageGuest
from tests.support.world import World
from tests.web.browser import opened

PATIENCE_MS = 60_000

CUT = """
window.cutOff = false;
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(url) {
    if (window.cutOff) {
      const dead = {readyState: 3, close() {}};
      setTimeout(() => dead.onclose?.({code: 1006}), 100);
      return dead;
    }
    super(url);
    window.sockets.push(this);
  }
};
"""
"""Lets a test cut the feed of one page, and keep it cut."""

STATES = (
    "idle", "listening", "hand raised", "speaking", "muted by host", "reconnecting", "removed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """One way the page may look."""

    name: str
    dark: bool = False
    language: str = "en"
    width: int = 390


LOOKS = (
    Look("light"),
    Look("dark", dark=True),
    Look("right to left", language="ar"),
    Look("320 px", width=320),
)


NAMES = ("Maria", "Chidi", "Yusuf", "Linh")


@dataclass
class Visitor:
    """A guest on a real page."""

    look: Look
    page: Page
    name: str
    id: str = ""


Visit = Callable[[str, Visitor], Awaitable[None]]


@dataclass
class HostedSpace:
    """A live space, and its host on a page."""

    host: Person
    space: LiveRoom
    host_page: PageGuest


async def hosted_space(world: World, title: str = "An evening") -> HostedSpace:
    """A live space that has just started."""
    host = await world.person("ada")
    space = await world.live_space(host, title)
    return HostedSpace(host, space, await world.page(await host.personal_link(space)))


async def walk(hosted: HostedSpace, browser: Browser, looks: Sequence[Look], visit: Visit) -> None:
    """Take a guest for each look through all states; `visit` looks around in each.

    At the end of it the live space has ended.
    """
    space, host_page = hosted.space, hosted.host_page
    async with AsyncExitStack() as pages:
        visitors = [
            await pages.enter_async_context(visitor(browser, space, look, name))
            for look, name in zip(looks, NAMES, strict=False)
        ]
        walks: Mapping[str, Callable[[Visitor], Awaitable[None]]] = {
            "idle": lambda v: shown(v.page, "#listen"),
            "listening": _listen,
            "hand raised": lambda v: _raise_hand(v, host_page),
            "speaking": lambda v: _speak(v, host_page),
            "muted by host": lambda v: _be_muted(v, host_page),
            "reconnecting": _cut,
            "removed": lambda v: _be_removed(v, host_page),
        }
        for state in STATES:
            for each in visitors:
                await walks[state](each)
                await visit(state, each)
    await host_page.send({"type": "end"})
    async with AsyncExitStack() as pages:
        for look in looks:
            late = await pages.enter_async_context(visitor(browser, space, look))
            await expect(late.page.locator("#space")).to_have_attribute(
                "data-state", "ended", timeout=PATIENCE_MS
            )
            await visit("ended", late)


@asynccontextmanager
async def visitor(
    browser: Browser, space: LiveRoom, look: Look, name: str = NAMES[0]
) -> AsyncIterator[Visitor]:
    """Open the page as somebody without a name, who will have this one."""
    address = f"{space.page}?lang={look.language}"
    async with opened(browser, address, width=look.width, dark=look.dark, before=CUT) as watched:
        await watched.page.context.grant_permissions(["microphone"])
        yield Visitor(look, watched.page, name)


async def shown(page: Page, selector: str) -> None:
    """It is there to be seen."""
    await expect(page.locator(selector)).to_be_visible(timeout=PATIENCE_MS)


async def _listen(visitor: Visitor) -> None:
    await visitor.page.click("#listen")

    async def plays() -> bool:
        return bool(
            await visitor.page.evaluate("document.getElementById('audio').currentTime > 0")
        )

    await until(plays, "sound in the browser")
    await expect(visitor.page.locator("#sound")).to_be_empty(timeout=PATIENCE_MS)


async def _raise_hand(visitor: Visitor, host: PageGuest) -> None:
    page = visitor.page
    asked = host.next_frame("roster", lambda roster: _id_of(roster, visitor.name) is not None)
    await page.click("#ask")
    await page.fill("#name", visitor.name)
    await page.click("#name-form [type=submit]")
    visitor.id = str(_id_of(await asked, visitor.name))
    await shown(page, "#hands .mine")


async def _speak(visitor: Visitor, host: PageGuest) -> None:
    page = visitor.page
    await host.send({"type": "approve", "user": visitor.id})
    await shown(page, "#microphone")
    await page.click("#microphone")
    await shown(page, f"#stage .on-air[data-key='{visitor.id}']")
    await shown(page, "#microphone[aria-disabled='false']")


async def _be_muted(visitor: Visitor, host: PageGuest) -> None:
    await host.send({"type": "mute", "user": visitor.id})
    await expect(visitor.page.locator("#microphone")).to_be_hidden(timeout=PATIENCE_MS)
    await shown(visitor.page, "#floor")


async def _cut(visitor: Visitor) -> None:
    await visitor.page.evaluate("cutOff = true; sockets.at(-1).close()")
    await expect(visitor.page.locator("#link")).not_to_be_empty(timeout=PATIENCE_MS)


async def _be_removed(visitor: Visitor, host: PageGuest) -> None:
    await visitor.page.evaluate("cutOff = false")
    await expect(visitor.page.locator("#link")).to_be_empty(timeout=PATIENCE_MS)
    await host.send({"type": "remove", "user": visitor.id})
    await shown(visitor.page, "#sorry")


def _id_of(roster: Mapping[str, object], name: str) -> str | None:
    queue = roster["queue"]
    assert isinstance(queue, list)
    return next((hand["id"] for hand in queue if (hand["name"] or "").startswith(name)), None)
