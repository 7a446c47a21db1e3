"""The page behind another one, or in a pocket: the sound goes on, and what is shown is true."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.ears import tone
from tests.e2e.evenings import phone, seen
from tests.e2e.states import PATIENCE_MS
from tests.support.world import World
from tests.web.browser import chromium, have_patience

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

HIDE = """
window.seenByAPerson = true;
Object.defineProperty(document, "hidden", { get: () => !seenByAPerson });
Object.defineProperty(document, "visibilityState", {
  get: () => (seenByAPerson ? "visible" : "hidden"),
});
window.turn = (seen) => {
  window.seenByAPerson = seen;
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
};
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    peers.push(this);
  }
};
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    sockets.push(this);
  }
};
"""
"""A headless browser never hides a page: this tells it that it is."""

HEARD = """
async () => {
  let packets = 0;
  for (const peer of peers)
    for (const stat of (await peer.getStats()).values())
      if (stat.type === "inbound-rtp") packets += stat.packetsReceived;
  return packets;
}
"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def hears_more(page: Page, packets: int = 100) -> None:
    """Until some more packets have come, and are played."""
    before = await page.evaluate(HEARD)
    played = await page.evaluate("document.getElementById('audio').currentTime")

    async def more() -> bool:
        now = await page.evaluate("document.getElementById('audio').currentTime")
        return bool(await page.evaluate(HEARD) >= before + packets and now > played)

    await until(more, "sound in a hidden page")
    assert not await page.evaluate("document.getElementById('audio').paused")


async def test_a_hidden_page_is_heard_and_stays_true(world: World, browser: Browser) -> None:
    live = await world.on_air("Bread")
    async with phone(browser, live.space.page, before=HIDE) as watched:
        page = watched.page
        await have_patience(page)  # what connects anew then, does so because it is hidden
        await page.reload()
        await page.click("#listen")
        await hears_more(page)
        await page.evaluate("turn(false)")
        live.host_mic.say(tone(440, 240.0))
        await hears_more(page)
        assert await watched.loudness() > 0.05
        await live.host.send_text(live.space.room, "!space title Bread and roses")
        await seen(page, "#title", "Bread and roses")
        assert await page.evaluate("[sockets.length, peers.length]") == [1, 1]
        assert await page.evaluate("navigator.mediaSession.metadata.title") == "Bread and roses"
        await page.evaluate("turn(true)")
        await hears_more(page)
        assert await page.evaluate("[sockets.length, peers.length]") == [1, 1]


async def test_a_page_that_slept_tells_the_truth_when_it_wakes(
    world: World, browser: Browser
) -> None:
    live = await world.on_air("Bread")
    async with phone(browser, live.space.page, before=HIDE) as watched:
        page = watched.page
        await page.click("#listen")
        await hears_more(page)
        devtools = await page.context.new_cdp_session(page)
        await page.evaluate("turn(false)")
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        titled = live.host_page.next_frame(
            "space", lambda frame: frame["space"]["title"] == "Bread and roses"
        )
        await live.host.send_text(live.space.room, "!space title Bread and roses")
        await titled
        # the phone's network closes what sleeps
        await page.context.set_offline(True)
        await page.context.set_offline(False)
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        await page.evaluate("turn(true)")
        await seen(page, "#title", "Bread and roses")
        await expect(page.locator("#link")).to_be_empty(timeout=PATIENCE_MS)
        await hears_more(page)
        await expect(page.locator("#sound")).to_be_empty(timeout=PATIENCE_MS)
