"""A whole evening by keyboard alone: nothing needs a mouse, and the focus is never lost."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo.deployment import until
from tests.e2e.evenings import next_member, next_state, on_stage, phone, seen, unseen
from tests.e2e.states import PATIENCE_MS, shown
from tests.support.world import World
from tests.web.browser import FLOATED, chromium, floated

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

MOST_TABS = 150

FOCUS = """
() => {
  const node = document.activeElement;
  if (node === null || node === document.body) return null;
  // a switch and a chip show it on the label around them
  const around = [node, node.nextElementSibling, node.closest("label")].filter(Boolean);
  const marked = around.some((each) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
    const after = getComputedStyle(each, "::after");
    const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
    return outlined || boxShadow !== "none" || after.outlineStyle !== "none";
  });
  const { width, height, top, bottom, left, right } = node.getBoundingClientRect();
  const across = right > 0 && left < innerWidth;
  const inside = width > 0 && height > 0 && across && bottom > 0 && top < innerHeight;
  return { marked, inside, html: node.outerHTML.slice(0, 200) };
}
"""
"""What has the focus, whether that is marked, and whether it is within the window."""

POINTED = """
window.pointed = [];
for (const kind of ["pointerdown", "mousedown", "touchstart"])
  addEventListener(kind, ({ target }) => pointed.push(`${kind} ${target.tagName}`), true);
"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@dataclass
class Keys:
    """Somebody who has nothing but a keyboard."""

    page: Page

    async def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def type(self, text: str) -> None:
        """Write into what has the focus."""
        await self.page.keyboard.type(text)

    async def to(self, selector: str) -> None:
        """Tab until it has the focus, which is marked all along the way."""
        await shown(self.page, selector)
        for _ in range(MOST_TABS):
            if await self.is_on(selector):
                await self.has_focus()
                return
            await self.press("Tab")
            if await self.page.evaluate("document.activeElement !== document.body"):
                await self.has_focus()
        raise AssertionError(f"no way by Tab to {selector}")

    async def use(self, selector: str, key: str = "Enter") -> None:
        """Go there and press it."""
        await self.to(selector)
        await expect(self.page.locator(f"{selector}[data-settling]")).to_have_count(0)
        await self.press(key)

    async def is_on(self, selector: str) -> bool:
        """Whether the focus is there."""
        return bool(
            await self.page.evaluate(
                "(selector) => document.activeElement.matches(selector)", selector
            )
        )

    async def has_focus(self) -> None:
        """Something has the focus, and everybody sees what."""
        found = await self.page.evaluate(FOCUS)
        assert found is not None, "the focus is lost"
        assert found["marked"], f"unmarked: {found['html']}"
        assert found["inside"], f"out of sight: {found['html']}"

    async def lands_on(self, selector: str) -> None:
        """Soon the focus is there, by itself."""

        async def there() -> bool:
            return await self.is_on(selector)

        try:
            await until(there, f"the focus on {selector}")
        except TimeoutError:
            raise AssertionError(await self.page.evaluate(FOCUS)) from None
        await self.has_focus()


async def test_a_listener_needs_no_mouse(world: World, browser: Browser) -> None:
    live = await world.on_air("Bread")
    async with phone(browser, live.space.page, before=POINTED + FLOATED) as watched:
        keys = Keys(watched.page)
        await listens_and_reacts(keys)
        await settings_and_captions(keys)
        await asks_with_a_name(keys)
        await reads_the_chat(keys)
        asked = live.host_page.hello  # the queue as it was
        assert asked["roster"]["queue"] == []
        user = await watched.page.locator("#hands .mine").get_attribute("data-key")
        assert user is not None
        await live.host_page.send({"type": "approve", "user": user.split()[0]})
        await speaks_and_leaves(keys, user.split()[0])
        await live.host_page.send({"type": "end"})
        await seen(watched.page, "#notice", "has ended")
        await keys.has_focus()
        assert await watched.page.evaluate("pointed") == []


async def listens_and_reacts(keys: Keys) -> None:
    page = keys.page
    await keys.use("#listen")
    await seen(page, "#listen", "Stop listening")
    await keys.use(".react[data-emoji='👏']")
    await floated(page, "👏")
    await keys.use("#more-reactions")
    await keys.lands_on("#picker .pick")
    await keys.press("ArrowRight", "ArrowDown", "End", "Home")
    await keys.has_focus()
    await keys.press("Escape")
    await keys.lands_on("#more-reactions")
    await keys.press("Enter")
    await keys.press("Enter")
    await unseen(page, "#picker")
    await keys.lands_on("#more-reactions")


async def settings_and_captions(keys: Keys) -> None:
    page = keys.page
    await keys.use("#open-settings")
    await keys.to("#volume")
    await keys.press("ArrowLeft")
    assert await page.evaluate("document.getElementById('audio').volume") == pytest.approx(0.95)
    await keys.use("#settings-form [type=submit]")
    await unseen(page, "#settings-dialog")
    await keys.lands_on("#open-settings")
    await keys.use("#large")
    await shown(page, "#captions-large")
    await keys.has_focus()
    await keys.use("#large-leave")
    await unseen(page, "#captions-large")
    await keys.lands_on("#large")
    await keys.use("#captions-settings summary")
    await keys.to("#captions-form [name=size]:checked")
    await keys.press("ArrowRight")
    await keys.press("Escape")
    await keys.lands_on("#captions-settings summary")


async def asks_with_a_name(keys: Keys) -> None:
    page = keys.page
    await keys.use("#ask")
    await keys.lands_on("#name")
    await keys.press("Escape")
    await keys.lands_on("#ask")
    await keys.press("Enter")
    await keys.lands_on("#name")
    await keys.press("Enter")
    await seen(page, "#name-error", "at least one letter")
    await keys.lands_on("#name")
    await keys.type("Gil")
    await keys.press("Enter")
    await seen(page, "#ask", "Lower hand")
    await keys.lands_on("#ask")
    await shown(page, "#hands .mine")


async def reads_the_chat(keys: Keys) -> None:
    page = keys.page
    await keys.to("#tab-words")
    await keys.press("ArrowRight")
    await keys.lands_on("#tab-chat")
    await shown(page, "#chat")
    await keys.press("ArrowLeft")
    await keys.lands_on("#tab-words")
    await shown(page, "#words")


async def speaks_and_leaves(keys: Keys, user: str) -> None:
    page = keys.page
    await keys.use("#microphone")
    await expect(on_stage(page, user)).to_have_class(re.compile("on-air"), timeout=PATIENCE_MS)
    await expect(page.locator("#microphone .label")).to_have_text("Mute", timeout=PATIENCE_MS)
    await keys.lands_on("#microphone")
    await keys.press("m")
    await seen(page, "#microphone", "Unmute")
    await keys.press("m")
    await expect(page.locator("#microphone .label")).to_have_text("Mute", timeout=PATIENCE_MS)
    await keys.use("#step-down")
    await seen(page, "#ask", "Ask to speak")
    await unseen(page, "#microphone")
    await keys.has_focus()


async def test_a_host_needs_no_mouse(world: World, browser: Browser) -> None:
    ada, ben, eve = [await world.person(name) for name in ("ada", "ben", "eve")]
    space = await ada.create_space("Bread")
    for person in (ben, eve):
        await person.join(space.alias)
    async with phone(browser, await ada.personal_link(space), before=POINTED) as watched:
        page = watched.page
        keys = Keys(page)
        live = next_state(ben, space, lambda state: state["state"] == "live")
        await keys.use("#hosting button")
        await live
        await seen(page, "#state", "Live")
        await keys.lands_on("#title")
        await answers_hands(keys, world, space.page)
        await keys.to("#tabs [aria-selected=true]")
        await keys.press("End")
        await keys.lands_on("#tab-control")
        await acts_on_people(keys, ben.id)
        banned = next_member(ben, space, eve.id, "ban")
        await removes(keys, eve.id)
        await banned
        await sets_the_rules(keys)
        await keys.use("#hosting .button-danger")
        await keys.lands_on("#sure-cancel")
        await keys.use("#sure-yes")
        await seen(page, "#notice", "has ended")
        await keys.lands_on("#title")
        assert await page.evaluate("pointed") == []


async def answers_hands(keys: Keys, world: World, address: str) -> None:
    page = keys.page
    lin, gil = [await world.page(address, name) for name in ("Lin", "Gil")]
    for guest in (lin, gil):
        await guest.send({"type": "hand", "raised": True})
        await shown(page, f"#hands [data-key^='{guest.id} ']")
    may = lin.next_frame("role", lambda role: role["may_speak"])
    await keys.use(f"#hands [data-key^='{lin.id} '] .button-strong")
    await may
    await keys.lands_on("#queue-title")
    await keys.use(f"#hands [data-key^='{gil.id} '] .button:not(.button-strong)")
    await unseen(page, "#queue")
    await keys.lands_on("#title")
    await keys.use(f"#stage [data-key='{lin.id}'] .person-open")
    await keys.lands_on("#person-name")
    await keys.press("Escape")
    await keys.lands_on(f"#stage [data-key='{lin.id}'] .person-open")
    # who was let speak leaves by one's own will: the seat vanishes under the focus
    await lin.send({"type": "leave-stage"})
    await expect(on_stage(page, lin.id)).to_have_count(0, timeout=PATIENCE_MS)
    await keys.lands_on("#stage-title")


async def acts_on_people(keys: Keys, user: str) -> None:
    page = keys.page
    row = f"#people > [data-key='{user}']"
    await keys.use(f"{row} .people-row")
    await keys.lands_on(f"{row} .people-row")
    await keys.use(f"{row} [data-key='person.bring']")
    await seen(page, row, "invited to speak")
    await keys.lands_on(f"{row} .people-row")


async def removes(keys: Keys, user: str) -> None:
    page = keys.page
    row = f"#people > [data-key='{user}']"
    await keys.use(f"{row} .people-row")
    await keys.use(f"{row} [data-key='person.remove']")
    await keys.lands_on("#remove-reason")
    await keys.press("Escape")
    await keys.lands_on(f"{row} [data-key='person.remove']")
    await keys.press("Enter")
    await keys.lands_on("#remove-reason")
    await keys.type("shouts")
    await keys.use("#remove-yes")
    await unseen(page, row)
    await keys.lands_on("#people-title")
    await keys.use("#removed summary")
    await keys.use("#removed-people button")
    await unseen(page, "#removed")
    await keys.lands_on("#people-title")


async def sets_the_rules(keys: Keys) -> None:
    page = keys.page
    await keys.to("#title-text")
    await keys.press("Control+a")
    await keys.type("Bread and roses")
    await keys.press("Enter")
    await seen(page, "#title", "Bread and roses")
    await keys.lands_on("#title-form [type=submit]")
    await keys.use("#lock", "Space")
    await shown(page, "#locked")
    await keys.lands_on("#lock")
    await keys.press("Space")
    await unseen(page, "#locked")
