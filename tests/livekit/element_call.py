"""Element Call, as it is published, in Chromium: joined, looked at and used as a person does.

It runs without a Matrix client around it: its page is served here, and finds an account in the
browser's store.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from playwright.async_api import Page, expect

from spaces_bridge_demo.homeserver import Account
from spaces_bridge_demo.processes import free_port
from tests.e2e.chromium import chromium
from tests.livekit.client import Pcm
from tests.livekit.page_client import FLAGS, FOLDER, Ear
from tests.support.machine import program

# Writes down what arrives, by the ids of tracks; the page does not notice.
_HOOK = """
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    this.addEventListener("track", ({ track }) => {
      if (track.kind === "audio") ear.hear(track.id, track);
    });
  }
};
"""
_PLAYED = """
[...document.querySelectorAll("audio, video")]
  .filter((element) => !element.muted && !element.paused && element.srcObject)
  .flatMap((element) => element.srcObject.getAudioTracks().map(({ id }) => id))
"""


class ElementCall:
    """One person's tab."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.console: list[str] = []
        self.ear = Ear(page)
        self._address = address
        page.on("console", lambda message: self.console.append(message.text))

    async def sign_in(self, account: Account, device: str) -> None:
        """Leave an account in the browser's store, where the app looks for it."""
        await self.page.goto(f"{self._address}/config.json")
        known = {
            "user_id": account.user_id,
            "device_id": device,
            "access_token": account.access_token,
            "passwordlessUser": False,
        }
        items = {
            "matrix-auth-store": json.dumps(known),
            "matrix-setting-opt-in-analytics": "false",
        }
        await self.page.evaluate(
            "(items) => Object.entries(items).forEach(([k, v]) => localStorage.setItem(k, v))",
            items,
        )

    async def join(self, room: str, *, microphone: bool = True) -> None:
        """Go through the lobby into the call, without a camera."""
        await self.enter(room, microphone=microphone)
        await expect(self.page.get_by_test_id("incall_leave")).to_be_visible()

    async def enter(self, room: str, *, microphone: bool = True) -> None:
        """Go through the lobby, whatever is shown then."""
        where = f"roomId={quote(room, safe='')}&confineToRoom=true"
        await self.page.goto(f"{self._address}/room/#?{where}")
        await expect(self.page.get_by_test_id("lobby_joinCall")).to_be_enabled()
        await self._switch("incall_videomute", on=False)
        await self._switch("incall_mute", on=microphone)
        await self.page.get_by_test_id("lobby_joinCall").click()

    async def leave(self) -> None:
        """Hang up."""
        await self.page.get_by_test_id("incall_leave").click()

    async def tap_microphone(self) -> None:
        """Tap the button of the microphone; it changes what it shows, whatever the call does."""
        button = self.page.get_by_test_id("incall_mute")
        shown = await button.get_attribute("aria-checked")
        await button.click()
        await expect(button).not_to_have_attribute("aria-checked", shown or "")

    async def shows_microphone_on(self) -> bool:
        """Whether the button says that the microphone is on."""
        button = self.page.get_by_test_id("incall_mute")
        return await button.get_attribute("aria-checked") == "true"

    async def raise_hand(self) -> None:
        """Raise the hand, or lower it again."""
        await self._open_reactions()
        await self.page.get_by_role("button", name=re.compile("^(Raise|Lower) hand$")).click()

    async def react(self, name: str) -> None:
        """Send a reaction by the name that the app has for it, such as `party`."""
        await self._open_reactions()
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def played(self) -> Mapping[str, Pcm]:
        """The sound of those tracks that the app plays to its person, by the tracks' ids."""
        playing = await self.page.evaluate(_PLAYED)
        return {name: await self.ear.heard(name) for name in await self.ear.names() & {*playing}}

    async def _open_reactions(self) -> None:
        await self.page.get_by_role("button", name="Reactions", exact=True).click()

    async def _switch(self, test_id: str, *, on: bool) -> None:
        button = self.page.get_by_test_id(test_id)
        wanted = "true" if on else "false"
        if await button.get_attribute("aria-checked") != wanted:
            await button.click()
        await expect(button).to_have_attribute("aria-checked", wanted)


@asynccontextmanager
async def element_call(
    homeserver: str, domain: str, wav: Path, config: Mapping[str, object] | None = None
) -> AsyncIterator[ElementCall]:
    """An empty tab of an Element Call for this homeserver. `wav`: what the microphone hears.

    `config`: more of its config.json.
    """
    server = {"base_url": homeserver, "server_name": domain}
    whole = {"default_server_config": {"m.homeserver": server}, **(config or {})}
    hook = (FOLDER / "ear.js").read_text(encoding="utf-8") + _HOOK
    async with served(whole) as address, chromium(wav, again=True, flags=FLAGS) as page:
        await page.add_init_script(hook)
        yield ElementCall(page, address)


@asynccontextmanager
async def served(config: Mapping[str, object]) -> AsyncIterator[str]:
    """Serve the app and its config on a loopback port."""
    folder = program("element call").parent

    async def answer(request: web.Request) -> web.StreamResponse:
        path = request.path.lstrip("/").removeprefix("room/")
        if path == "config.json":
            return web.json_response(config)
        file = (folder / path).resolve()
        if file.is_file() and file.is_relative_to(folder):
            return web.FileResponse(file)
        return web.FileResponse(folder / "index.html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
