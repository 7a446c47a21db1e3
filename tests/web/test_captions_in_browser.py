"""Captions on the page in a real Chromium: drafts, log, large view and settings."""

import itertools
import re

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say
from spaces_bridge.web import views
from tests.web.browser import opened, text
from tests.web.looks import NAMELESS, SMALL_TARGETS, overflow
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld, until

pytestmark = pytest.mark.e2e

ROSES = "Roses want water in the morning, before the sun is over the wall, and never at noon."
ARABIC = "الورود تحتاج إلى الماء في الصباح"


class Talk:
    """What the captioner would say of one live space, drafts too."""

    def __init__(self, world: WebWorld, space: LiveSpace) -> None:
        self._world = world
        self._space = space.space
        self._starts = itertools.count(60_000, 60_000)

    def begins(self) -> int:
        """When an utterance starts, long after the one before."""
        return next(self._starts)

    def frame(self, **frame: object) -> None:
        """To all pages."""
        channel = self._world.hub._channels[self._space]
        channel.broadcast(frame)

    def draft(
        self, speaker: UserId, start_ms: int, words: str, committed: int = 0, language: str = "en"
    ) -> None:
        """What is being said, as the feed's ``caption`` that is not final."""
        self.frame(
            type="caption",
            id=f"{speaker}:{start_ms}",
            speaker=speaker,
            name=views.name_of(self._world.view(self._space), speaker),
            text=words,
            committed=committed,
            final=False,
            start_ms=start_ms,
            end_ms=start_ms + 900,
            language=language,
            tone=views.tone(speaker),
        )

    async def final(self, speaker: UserId, start_ms: int, words: str) -> None:
        await self._world.caption(self._space, speaker, words, start_ms=start_ms)


@pytest.fixture
async def space(world: WebWorld) -> LiveSpace:
    made = await world.create()
    await world.seat(made.space, ALICE, "Alice")
    await world.seat(made.space, BOB, "Bob")
    return world.view(made.space)


@pytest.fixture
def talk(world: WebWorld, space: LiveSpace) -> Talk:
    return Talk(world, space)


async def connected(world: WebWorld, pages: int = 1) -> None:
    await until(lambda: world.hub.connections() == pages)


async def again(page: Page) -> None:
    """Loaded anew, and the new page follows the feed."""
    await page.reload()
    await expect(page.locator("#bar")).to_be_visible()


async def texts(found: Locator) -> list[str]:
    return await found.all_text_contents()


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
        world.hub.stop()
        await connected(world, 0)
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
    await box.page.wait_for_function(f"(box) => ({distance})(box) <= 1", arg=handle)


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


# --- settings ---------------------------------------------------------------------------------

LOOK = """
() => {
  const { fontSize, backgroundColor } = getComputedStyle(document.getElementById("captions-box"));
  return [parseFloat(fontSize), backgroundColor];
}
"""
NO_STORAGE = """
Object.defineProperty(window, "localStorage", { get() { throw new DOMException("forbidden"); } });
"""


async def by_keyboard(page: Page) -> None:
    """Very large words, in high contrast."""
    await page.locator("#captions-settings summary").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.tagName") == "SUMMARY"
    await expect(page.locator("#captions-form")).to_be_hidden()


@pytest.mark.parametrize("remembers", [True, False])
async def test_settings_are_made_by_keyboard_and_remembered_where_they_may(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser, remembers: bool
) -> None:
    await talk.final(ALICE, talk.begins(), ROSES)
    before = "" if remembers else NO_STORAGE
    async with opened(browser, world.page(space), before=before) as reader:
        await connected(world)
        size, ground = await reader.page.evaluate(LOOK)
        await by_keyboard(reader.page)
        wanted = [size * 1.75, "rgb(0, 0, 0)"]
        assert await reader.page.evaluate(LOOK) == pytest.approx(wanted)
        await reader.page.reload()
        await expect(reader.page.locator("#captions-settings")).to_be_visible()
        left = wanted if remembers else [size, ground]
        assert await reader.page.evaluate(LOOK) == pytest.approx(left)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_menu_and_large_view_fit_the_smallest_screen(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser, direction: str
) -> None:
    await talk.final(ALICE, talk.begins(), "W" * 300)
    async with opened(browser, world.page(space), width=320, height=640) as reader:
        await connected(world)
        page = reader.page
        await page.evaluate(f"document.documentElement.dir = '{direction}'")
        await page.click("#captions-settings summary")
        await page.click("#captions-form [value='4']")
        menu = await page.locator("#captions-form").bounding_box()
        bar = await page.locator("#bar").bounding_box()
        assert menu is not None
        assert bar is not None
        assert menu["x"] >= 0
        assert menu["x"] + menu["width"] <= 320
        assert menu["y"] + menu["height"] <= bar["y"]
        for opener in ("#captions-form", "#large"):
            await page.click(opener, position={"x": 5, "y": 5})
            assert await page.evaluate(SMALL_TARGETS) == []
            assert await page.evaluate(NAMELESS) == []
            assert await overflow(page) == 0
        lines = page.locator("#large-lines")
        assert await lines.evaluate("(node) => node.scrollWidth - node.clientWidth") == 0


async def test_broken_settings_are_no_settings(
    world: WebWorld, space: LiveSpace, browser: Browser
) -> None:
    for broken in ("{", "null", "7", '{"size":"99","high":"yes","shown":0}'):
        before = f"localStorage.setItem('spaces:captions', '{broken}')"
        async with opened(browser, world.page(space), before=before) as reader:
            await expect(reader.page.locator("#captions-settings")).to_be_visible()
            marks = await reader.page.evaluate("({ ...document.documentElement.dataset })")
            wanted = {"captionSize": "2", "captionContrast": "normal", "captions": "on"}
            assert wanted.items() <= marks.items(), broken


async def test_captions_switched_off_are_neither_shown_nor_read_until_wanted_again(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        page = reader.page
        await page.click("#captions-settings summary")
        await page.click("#captions-form [name=shown]")
        await text(page, "#captions-away", "switched captions off")
        await expect(page.locator("#captions")).to_be_hidden()
        await again(page)
        await text(page, "#captions-away", "switched captions off")
        at = talk.begins()
        talk.draft(ALICE, at, "Roses")
        await talk.final(ALICE, at, "Roses want water.")
        log = page.locator("#captions")
        await expect(log.locator(".caption")).to_have_count(1)
        await expect(log).to_be_hidden()
        await expect(page.locator("#drafts")).to_be_hidden()

        await page.click("#captions-show")
        await expect(log).to_be_visible()
        await expect(log).to_have_attribute("aria-live", "off")  # what was missed is no news
        await talk.final(BOB, talk.begins(), "Ferns want shade.")
        await expect(log).to_contain_text("Ferns want shade.")
        await expect(log).to_have_attribute("aria-live", "polite")
        await page.reload()
        await expect(log).to_be_visible()


# --- the large view ---------------------------------------------------------------------------

WAKE_LOCKS = """
window.locks = [];
const ask = navigator.wakeLock.request.bind(navigator.wakeLock);
navigator.wakeLock.request = async (kind) => {
  const lock = await ask(kind);
  window.locks.push(lock);
  return lock;
};
"""


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
        await page.wait_for_function("locks.length === 1 && !locks[0].released")
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
        await page.wait_for_function("locks[0].released")
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
