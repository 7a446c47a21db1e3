"""Debian's Firefox as a person at a live space's page, over its own WebDriver BiDi."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from spaces_bridge_demo.deployment import until
from tests.e2e.bidi import Bidi, session
from tests.support.machine import program

PATIENCE_S = 60.0
"""How long anything may take on a busy machine before it counts as not happening."""

Preference = bool | int | str

TONE_HZ = 660
"""What its microphone hears."""

_PREFERENCES: Mapping[str, Preference] = {
    "media.navigator.streams.fake": True,
    "media.navigator.audio.fake_frequency": TONE_HZ,
    "media.navigator.permission.disabled": True,
    # pages of tests are not at 127.0.0.1 and have no certificate
    "media.devices.insecure.enabled": True,
    "media.getusermedia.insecure.enabled": True,
    # no desktop gives a headless window the focus
    "focusmanager.testmode": True,
    # nothing is asked of anybody's servers, and nothing is shown but the page
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.newtab.preload": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.ipc.processPrelaunch.enabled": False,
    "extensions.enabledScopes": 0,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "extensions.webextensions.remote": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.server": "data:,",
}

WATCH = """() => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  window.connections = [];
  if (!window.RTCPeerConnection) return;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      connections.push(this);
    }
  };
}"""
"""Keeps what the policy refused and every connection; the page does not notice."""


class Tab:
    """The browser's one tab."""

    def __init__(self, bidi: Bidi, context: str) -> None:
        """`context`: what the browser calls it."""
        self._bidi = bidi
        self._context = context

    # --- the page -----------------------------------------------------------------------------

    async def before(self, function: str) -> None:
        """Run a function ahead of the scripts of every page from now on."""
        await self._bidi.command("script.addPreloadScript", functionDeclaration=function)

    async def goto(self, address: str) -> None:
        """Open a page; returns once it has loaded."""
        await self._bidi.command(
            "browsingContext.navigate", context=self._context, url=address, wait="complete"
        )

    async def ask(self, expression: str) -> object:
        """What a script's expression gives, as JSON; it may be awaited for."""
        result = await self._bidi.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression}) ?? null))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise RuntimeError(result["exceptionDetails"]["text"])
        given: object = json.loads(result["result"]["value"])
        return given

    async def holds(self, expression: str, within_s: float = PATIENCE_S) -> None:
        """Until it is true."""

        async def true() -> bool:
            return bool(await self.ask(expression))

        await until(true, expression, within_s)

    async def text(self, selector: str) -> str:
        """What an element says; nothing while it is hidden."""
        return str(await self.ask(f"{_first(selector)}?.innerText ?? ''"))

    async def says(self, selector: str, words: str, within_s: float = PATIENCE_S) -> None:
        """Until the element says so."""
        await self.holds(f"{_first(selector)}?.innerText.includes({json.dumps(words)})", within_s)

    async def shows(self, selector: str) -> None:
        """Until the element is there to be seen."""
        await self.holds(f"{_first(selector)}?.checkVisibility()")

    # --- what a person does -------------------------------------------------------------------

    async def press(self, selector: str) -> None:
        """Press it with a pointer, once it is to be seen, enabled and under nothing else."""
        spot: object = None

        async def is_within_reach() -> bool:
            nonlocal spot
            spot = await self.ask(_SPOT % _first(selector))
            return spot is not None

        await until(is_within_reach, f"{selector} within reach", PATIENCE_S)
        assert isinstance(spot, dict)
        moves = [
            {"type": "pointerMove", **spot},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self._act({"type": "pointer", "id": "hand", "actions": moves})

    async def type(self, text: str) -> None:
        """Press these keys, one after the other."""
        await self._keys((kind, key) for key in text for kind in ("keyDown", "keyUp"))

    async def hold(self, key: str) -> None:
        """Press a key and hold it."""
        await self._keys([("keyDown", key)])

    async def let_go(self, key: str) -> None:
        """Let go of a key that is held."""
        await self._keys([("keyUp", key)])

    async def _keys(self, moves: Iterable[tuple[str, str]]) -> None:
        actions = [{"type": kind, "value": key} for kind, key in moves]
        await self._act({"type": "key", "id": "keys", "actions": actions})

    async def _act(self, source: Mapping[str, object]) -> None:
        await self._bidi.command("input.performActions", context=self._context, actions=[source])

    async def is_clean(self) -> None:
        """Nothing was refused by the policy or logged as an error or a warning."""
        assert [entry for entry in self._bidi.log if entry != _OWN] == []
        assert await self.ask("window.violations") == []


_OWN = 'error: Error: Permission denied to access property "length"'
"""Firefox's own, from nowhere: while it is busy it logs this of an empty page, too."""

_SPOT = """(async (node) => {
  if (!node?.checkVisibility() || node.disabled) return null;
  node.scrollIntoView({block: "nearest", behavior: "instant"});
  await new Promise(requestAnimationFrame);
  const {left, top, width, height} = node.getBoundingClientRect();
  const spot = {x: Math.round(left + width / 2), y: Math.round(top + height / 2)};
  return node.contains(document.elementFromPoint(spot.x, spot.y)) ? spot : null;
})(%s)"""
"""The middle of an element; null where a person could not press it."""


def _first(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"


@asynccontextmanager
async def firefox(preferences: Mapping[str, Preference] | None = None) -> AsyncIterator[Tab]:
    """An empty tab of a headless Firefox with a profile of its own."""
    profile = Path(tempfile.mkdtemp(prefix="spaces-firefox-"))
    try:
        (profile / "user.js").write_text(_user_js({**_PREFERENCES, **(preferences or {})}))
        async with _running(profile) as address, session(address, PATIENCE_S) as bidi:
            # the tab of the start has no focus, and without it no key presses a button
            made = await bidi.command("browsingContext.create", type="tab")
            tab = Tab(bidi, str(made["context"]))
            await bidi.command("browsingContext.activate", context=made["context"])
            await tab.before(WATCH)
            yield tab
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def _user_js(preferences: Mapping[str, Preference]) -> str:
    return "".join(
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
        for name, value in preferences.items()
    )


@asynccontextmanager
async def _running(profile: Path) -> AsyncIterator[str]:
    """The process; gives the address it listens on for commands."""
    with (profile / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(str(program("firefox")), "--headless", "--no-remote"),
            *("--profile", str(profile), "--remote-debugging-port", "0"),
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
        )
    try:
        yield await _address(process, profile)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _address(process: asyncio.subprocess.Process, profile: Path) -> str:
    file = profile / "WebDriverBiDiServer.json"

    async def written() -> bool:
        if process.returncode is not None:
            raise RuntimeError(f"Firefox ended: {(profile / 'log').read_text()}")
        return file.exists() and bool(file.read_text().endswith("}"))

    await until(written, "Firefox", PATIENCE_S)
    where = json.loads(file.read_text())
    return f"ws://{where['ws_host']}:{where['ws_port']}"
