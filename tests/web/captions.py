"""What the captioner would say, and pages that read it."""

import itertools

from playwright.async_api import Locator, Page, expect

from spaces_bridge.core.display_names import name_of
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web import views
from tests.support.frames import untabled
from tests.web.world import WebWorld, until

ROSES = "Roses want water in the morning, before the sun is over the wall, and never at noon."
ARABIC = "الورود تحتاج إلى الماء في الصباح"
WAKE_LOCKS = """
window.locks = [];
const ask = navigator.wakeLock.request.bind(navigator.wakeLock);
navigator.wakeLock.request = async (kind) => {
  const lock = await ask(kind);
  window.locks.push(lock);
  return lock;
};
"""


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
        channel.broadcast(untabled(frame))

    def draft(
        self, speaker: UserId, start_ms: int, words: str, committed: int = 0, language: str = "en"
    ) -> None:
        """What is being said, as the feed's `caption` that is not final."""
        self.frame(
            type="caption",
            id=f"{speaker}:{start_ms}",
            speaker=speaker,
            name=name_of(self._world.view(self._space), speaker),
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


async def connected(world: WebWorld, pages: int = 1) -> None:
    await until(lambda: world.hub.connections() == pages)


async def again(page: Page) -> None:
    """Loaded anew, and the new page follows the feed."""
    await page.reload()
    await expect(page.locator("#bar")).to_be_visible()


async def texts(found: Locator) -> list[str]:
    return await found.all_text_contents()


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
