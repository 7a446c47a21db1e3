"""Safari's engine at the page: WebKitGTK's small browser, led by the plain WebDriver protocol."""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.processes import Child, Probe, free_port
from tests.support.machine import program

PATIENCE_S = 90.0
"""How long anything may take on a busy machine before it counts as not happening."""

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
# The driver can look into no page before its scripts run: what went wrong so early is asked for
# afterwards. A module that failed fails again for whoever imports it.
_WATCH = """(async () => {
  window.complaints = [];
  const complain = (what) => window.complaints.push(String(what));
  const breach = (event) => complain(`${event.violatedDirective} ${event.blockedURI}`);
  document.addEventListener("securitypolicyviolation", breach);
  const early = ({body}) => complain(`${body.effectiveDirective} ${body.blockedURL}`);
  const kinds = {types: ["csp-violation"], buffered: true};
  new ReportingObserver((reports) => reports.forEach(early), kinds).observe();
  const failed = ({message, target}) => complain(message ?? `not loaded: ${target.src}`);
  addEventListener("error", failed, true);
  addEventListener("unhandledrejection", ({reason}) => complain(reason));
  for (const kind of ["error", "warn"]) console[kind] = (...words) => complain(words.join(" "));
  const modules = document.querySelectorAll("script[type=module]");
  for (const {src} of modules) await import(src).catch(complain);
})()"""

# A browser of its own: no desktop, no accessibility bus, no settings of whoever runs the tests.
_ENVIRON = {
    "GDK_BACKEND": "x11",
    "GTK_A11Y": "none",
    "NO_AT_BRIDGE": "1",
    "GSETTINGS_BACKEND": "memory",
    "LIBGL_ALWAYS_SOFTWARE": "1",
}


class WebDriverError(Exception):
    """The driver refused a command; the text says which, and why."""


class WebKit:
    """One window of the browser."""

    def __init__(self, http: aiohttp.ClientSession, session: str) -> None:
        self._http = http
        self._session = session

    async def go(self, address: str) -> None:
        """Load a page, and notice from then on what it complains of."""
        await self._post("/url", url=address)
        await self.run(_WATCH)

    async def run(self, script: str) -> Any:  # noqa: ANN401 - JSON
        """The value of an expression, awaited where it is a promise."""
        body = (
            "const done = arguments[0];"
            f"Promise.resolve().then(async () => ({script})).then(done, (e) => done(String(e)));"
        )
        return await self._post("/execute/async", script=body, args=[])

    async def click(self, selector: str) -> None:
        """A real click, as soon as there is something that takes it."""
        await self._act(selector, "click")

    async def type(self, selector: str, text: str) -> None:
        """Key by key, as soon as there is something that takes them."""
        await self._act(selector, "value", text=text)

    async def says(self, selector: str, words: str = "") -> str:
        """Until the element is seen and says so; gives all it says."""
        script = f"""(() => {{
          const node = document.querySelector({json.dumps(selector)});
          return node?.checkVisibility() ? node.innerText : null;
        }})()"""
        said = ""

        async def seen() -> bool:
            nonlocal said
            found = await self.run(script)
            said = found or ""
            return found is not None and words in said

        await self.until(seen, f"{selector} says {words!r}", lambda: f"it says {said!r}")
        return said

    async def holds(self, script: str) -> None:
        """Until an expression is true on the page."""

        async def true() -> bool:
            return await self.run(script) is True

        await self.until(true, script)

    async def until(
        self,
        look: Callable[[], Awaitable[bool]],
        what: str,
        instead: Callable[[], str] = lambda: "",
    ) -> None:
        """Look until it is so. TimeoutError says what was not, and what the page complained of."""
        try:
            await until(look, what, PATIENCE_S)
        except TimeoutError:
            why = f"{instead()} {await self.complaints()}"
            raise TimeoutError(f"not so: {what}; {why}") from None

    async def complaints(self) -> list[str]:
        """Errors, warnings and breaches of the policy since the page was loaded."""
        return [str(words) for words in await self.run("window.complaints")]

    async def _act(self, selector: str, what: str, **how: object) -> None:
        wanted = {"using": "css selector", "value": f"{selector}:not(:disabled)"}
        refusal = ""

        async def done() -> bool:
            nonlocal refusal
            try:
                found = await self._post("/element", **wanted)
                await self._post(f"/element/{found[_ELEMENT]}/{what}", **how)
            except WebDriverError as error:  # not there, not seen, something before it
                refusal = str(error)
                return False
            return True

        await self.until(done, f"{what} {selector}", lambda: refusal)

    async def _post(self, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        return await self._call("POST", path, body)

    async def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        return await _ask(self._http, method, f"/session/{self._session}{path}", body)


@asynccontextmanager
async def webkit(directory: Path, *arguments: str) -> AsyncIterator[WebKit]:
    """The browser on a screen that nobody sees, closed afterwards."""
    screen, display = await _screen(directory)
    try:
        environ = os.environ | _ENVIRON | {"DISPLAY": display, "HOME": str(directory)}
        port = free_port()
        driver = Child(
            "WebKitWebDriver",
            [str(program("webkit")), f"--port={port}", "--host=127.0.0.1"],
            directory=directory,
            log=directory / "webkit.log",
            environ=environ,
        )
        driver.spawn()
        try:
            await driver.wait_ready(Probe(f"http://127.0.0.1:{port}/status"), PATIENCE_S)
            async with (
                aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
                _session(http, arguments) as window,
            ):
                yield window
        finally:
            await driver.terminate()
    finally:
        await screen.terminate()


@asynccontextmanager
async def _session(
    http: aiohttp.ClientSession, arguments: tuple[str, ...]
) -> AsyncIterator[WebKit]:
    options = {"binary": str(_browser()), "args": ["--automation", *arguments]}
    patience_ms = round(PATIENCE_S * 1000)
    wanted = {"webkitgtk:browserOptions": options, "timeouts": {"script": patience_ms}}
    asked = {"capabilities": {"alwaysMatch": wanted}}
    session = (await _ask(http, "POST", "/session", asked))["sessionId"]
    try:
        yield WebKit(http, session)
    finally:
        await _ask(http, "DELETE", f"/session/{session}", None)


def _browser() -> Path:
    """The small browser, which Debian keeps beside the library it shows."""
    return max(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))


async def _screen(directory: Path) -> tuple[Child, str]:
    """An X server that paints into memory, and its name: it finds a free one by itself."""
    log = directory / "screen.log"
    command = "exec Xvfb -displayfd 1 -nolisten tcp -screen 0 1280x1000x24 2>/dev/null"
    server = Child("Xvfb", ["sh", "-c", command], directory=directory, log=log)
    server.spawn()

    async def is_up() -> bool:
        return server.tail().isdigit()

    await until(is_up, "a screen", PATIENCE_S)
    return server, f":{server.tail()}"


async def _ask(http: aiohttp.ClientSession, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
    async with http.request(method, path, json=body) as response:
        value = (await response.json())["value"]
    if response.status != 200:
        raise WebDriverError(f"{path}: {value['error']}: {value['message']}")
    return value
