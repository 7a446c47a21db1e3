"""A real Chromium that notices everything a page should not do."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, ConsoleMessage, Page, Route, async_playwright, expect

CHROMIUM = "/usr/bin/chromium"

PATIENCE_MS = 60_000
"""How long anything may take on a busy machine before it counts as not happening."""

expect.set_options(timeout=PATIENCE_MS)

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-dev-shm-usage",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
)

WATCH = """
window.violations = [];
window.microphonesAsked = 0;
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
if (navigator.mediaDevices) {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (...wanted) => {
    window.microphonesAsked += 1;
    return ask(...wanted);
  };
}
"""

FLOATED = """
window.floated = [];
addEventListener("DOMContentLoaded", () => {
  const note = (all) => all.forEach(({ addedNodes }) => addedNodes.forEach(
    (node) => floated.push(node.textContent)));
  new MutationObserver(note).observe(document.getElementById("floating"), { childList: true });
});
"""
"""Notes the reactions that float by, which are gone sooner than a busy machine looks."""

LOUDNESS = """
async () => {
  const context = new AudioContext();
  await context.resume();
  const source = context.createMediaStreamSource(document.getElementById("audio").srcObject);
  const analyser = context.createAnalyser();
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (let n = 0; n < 1000; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
    if (loudest > 0.05) break;
  }
  await context.close();
  return loudest;
}
"""


class Watched:
    """A page, and what it complained of."""

    def __init__(self, page: Page, own: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._own = own
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        # a status other than 200 is an answer, not an error of the page
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self._own, self._own.replace("http", "ws", 1), "data:")):
            self.complaints.append(f"request: {url}")

    async def is_clean(self) -> None:
        """Nothing was refused by the policy, logged as an error, or asked of another server."""
        found = [*self.complaints, *await self.page.evaluate("window.violations ?? []")]
        assert not found, found

    async def network_stands(self) -> None:
        """Load again what was lost because an interface of this machine came or went meanwhile.

        Chromium then fails every request under way; tests that make networks run beside these.
        """
        for _ in range(5):
            if not any("ERR_NETWORK_CHANGED" in complaint for complaint in self.complaints):
                return
            self.complaints.clear()
            await self.page.reload()

    async def loudness(self) -> float:
        """The loudest sample heard within some seconds, 0 to 1."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            return float(await self.page.evaluate(LOUDNESS))


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """The browser, closed afterwards. `microphone`: a 48 kHz WAV that it hears, not a beep."""
    flags = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser,
    address: str,
    *,
    width: int = 390,
    height: int = 844,
    dark: bool = False,
    script: bool = True,
    before: str = "",
    bypass_csp: bool = False,
) -> AsyncIterator[Watched]:
    """A page in a browser profile of its own; `before` runs ahead of its scripts."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        bypass_csp=bypass_csp,
    )
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(WATCH + before)
    page = await context.new_page()
    own = "/".join(address.split("/")[:3])
    watched = Watched(page, own)
    try:
        await page.goto(address)
        await watched.network_stands()
        yield watched
        if script:
            await watched.is_clean()
    finally:
        await context.close()


async def floated(page: Page, emoji: str) -> None:
    """The reaction has floated by, on a page with `FLOATED`."""
    await comes_true(page, "(emoji) => floated.includes(emoji)", emoji)


async def comes_true(page: Page, expression: str, arg: object = None) -> None:
    """It is so in the page, soon. `arg` goes to an expression that is a function.

    Looked at from here: Playwright's own waiting evaluates strings within the page from its second
    look on, and the page's policy forbids that.
    """
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await page.evaluate(expression, arg):  # noqa: ASYNC110 - nor does a page tell
            await asyncio.sleep(0.05)


async def have_patience(page: Page) -> None:
    """From its next load on the page waits for ever before it connects anew because of silence.

    A busy machine may be silent for seconds, and that is no fault of the page.
    """
    for script in ("listener", "feed"):
        await page.route(f"**/{script}.js*", _without_end)


async def _without_end(route: Route) -> None:
    answer = await route.fetch()
    script, count = re.subn(r"(const SILENCE\w*_MS = )\d+", r"\g<1>1e9", await answer.text())
    assert count > 0
    await route.fulfill(response=answer, body=script)


async def text(page: Page, selector: str, words: str) -> None:
    """The element says it, soon."""
    await expect(page.locator(selector)).to_contain_text(words, timeout=PATIENCE_MS)
