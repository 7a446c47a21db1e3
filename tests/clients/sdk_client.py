"""matrix-js-sdk with its rust crypto in a browser, as a person's client (`js/client.js`)."""

import base64
import contextlib
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
import psutil
from playwright.async_api import Error, Page
from yarl import URL

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.homeserver import Account
from spaces_bridge_demo.patience import PATIENCE_S
from spaces_bridge_demo.peer import RATE, Pcm
from tests.clients.chat import Shown
from tests.clients.page import served
from tests.e2e.chromium import chromium
from tests.e2e.firefox import firefox
from tests.support.machine import program
from tests.support.netns import Network

_CHROMIUM = ("--autoplay-policy=no-user-gesture-required",)
_FIREFOX: Mapping[str, bool | int | str] = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
}
_SPEAKING = """() => {
  navigator.mediaDevices.getUserMedia = async () => {
    const voice = new Audio("/microphone.wav");
    voice.loop = true;
    const microphone = voice.mozCaptureStream();
    await voice.play();
    return microphone;
  };
}"""
"""Firefox's own fake microphone knows tones only: this one hears what is beside the page.

Not by an AudioContext, which stands still where there is no sound card.
"""


class Refused(Exception):
    """The SDK refused what was asked for; the text is what it said."""


class Browser(Protocol):
    """A tab of any browser."""

    async def goto(self, address: str) -> None:
        """Open a page; returns once it has loaded."""

    async def ask(self, expression: str) -> object:
        """What a script's expression gives, as JSON; awaited where it is a promise."""


class ChromiumTab:
    """A tab of Chromium."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def goto(self, address: str) -> None:
        """Open a page."""
        await self._page.goto(address)

    async def ask(self, expression: str) -> object:
        """Evaluate. Raises Refused."""
        try:
            given: object = await self._page.evaluate(expression)
        except Error as error:
            raise Refused(error.message) from error
        return given


class SdkClient:
    """See `chat.ChatClient`; and one call at a time."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._user = ""
        self._browser = browser
        self._address = address

    @property
    def user(self) -> str:
        """Whose it is."""
        return self._user

    # --- who it is ----------------------------------------------------------------------------

    async def sign_in(self, homeserver: str, account: Account, *, strict: bool = False) -> None:
        """Sign in as a new device with cross-signing keys of its own.

        `strict`: devices that their owner has not signed get no keys, and are not believed.
        """
        self._user = account.user_id
        await self._browser.goto(self._address)
        await self.ask(
            "signIn",
            {
                "homeserver": homeserver,
                "user": account.user_id,
                "password": account.password,
                "strict": strict,
            },
        )

    async def reload(self) -> None:
        """Load the page again, as the same device."""
        await self._browser.goto(self._address)
        await self.ask("resume")

    # --- chats --------------------------------------------------------------------------------

    async def open_dm(self, user: str, *, encrypted: bool = True) -> str:
        """Make a DM."""
        return str(await self.ask("openDm", user, encrypted))

    async def join(self, room_or_alias: str) -> str:
        """Join."""
        return str(await self.ask("join", room_or_alias))

    async def invites(self) -> Sequence[str]:
        """Invitations."""
        return list(await self.ask("invites"))

    async def send_text(self, room: str, body: str) -> str:
        """Send."""
        return str(await self.ask("sendText", room, body))

    async def react(self, room: str, event_id: str, key: str) -> str:
        """React."""
        return str(await self.ask("react", room, event_id, key))

    async def redact(self, room: str, event_id: str) -> str:
        """Redact."""
        return str(await self.ask("redact", room, event_id))

    async def timeline(self, room: str) -> Sequence[Shown]:
        """What is shown; not what is still being sent or decrypted."""
        return [
            _shown(event) for event in await self.ask("timeline", room) if not event["pending"]
        ]

    # --- the call -----------------------------------------------------------------------------

    async def call(self, room: str) -> None:
        """Press the button of a voice call, and wait until it stands. Raises AssertionError."""
        await self.ask("call", room)
        await self.in_call()

    async def rings(self) -> None:
        """Until a call rings here."""
        await self._comes_to("ringing")

    async def answer(self) -> None:
        """Take the call that rings, and wait until it stands."""
        await self.ask("answer")
        await self.in_call()

    async def in_call(self) -> None:
        """Until the call is connected, and sound can flow: the SDK waits for ICE alone."""
        await self._comes_to("connected")

        async def flows() -> bool:
            return bool((await self.call_state())["connection"] == "connected")

        await until(flows, "a connection in the call")

    async def call_state(self) -> Mapping[str, Any]:
        """`state`, `connection`, `ended` (the reason), and all `states` so far."""
        state: Mapping[str, Any] = await self.ask("callState")
        return state

    async def call_ends(self) -> str:
        """Until the call has ended; returns the reason."""
        await self._comes_to("ended")
        return str((await self.call_state())["ended"])

    async def hang_up(self) -> None:
        """Hang up."""
        await self.ask("hangUp")

    async def press(self, keys: str) -> None:
        """Press keys of the dial pad, one after the other."""
        await self.ask("press", keys)

    async def mute(self, *, muted: bool = True) -> None:
        """Mute the microphone, or unmute it."""
        await self.ask("mute", muted)

    async def hold(self, *, held: bool = True) -> None:
        """Put the other side on hold, or take it back."""
        await self.ask("hold", held)

    async def packets(self) -> int:
        """RTP packets received so far; a hold sets it to 0."""
        return int((await self.ask("received"))["packets"])

    async def energy(self) -> float:
        """The energy of all sound received so far; it grows while there is any."""
        return float((await self.ask("received"))["energy"])

    async def heard(self) -> Pcm:
        """All that the person heard in the call so far, up to a hold, as 48 kHz mono."""
        return _decoded(base64.b64decode(await self.ask("heard")))

    # --- verification -------------------------------------------------------------------------

    async def verify(self, user: str, room: str) -> None:
        """Ask somebody, in their DM, to compare emoji."""
        await self.ask("verify", user, room)

    async def verify_device(self, user: str) -> None:
        """Ask the only device of somebody to verify each other, by to-device messages."""
        await self.ask("verifyDevice", user)

    async def reset_identity(self, account: Account) -> None:
        """Have new cross-signing keys."""
        await self.ask("resetIdentity", {"user": account.user_id, "password": account.password})

    async def mismatch_sas(self) -> None:
        """Say that the emoji differ."""
        await self.ask("mismatchSas")

    async def start_sas(self) -> None:
        """Begin with the emoji."""
        await self.ask("startSas")

    async def follow_sas(self) -> None:
        """Go along with the emoji that the other side has begun with."""
        await self.ask("followSas")

    async def verification(self) -> Mapping[str, Any]:
        """`phase`, `emoji` (pairs of emoji and name), `decimal`, `cancelled` (the code)."""
        state: Mapping[str, Any] = await self.ask("verificationState")
        return state

    async def confirm_sas(self) -> None:
        """Say that the emoji are the same."""
        await self.ask("confirmSas")

    async def is_verified(self, user: str) -> bool:
        """Whether this person has verified somebody."""
        return bool(await self.ask("isVerified", user))

    # --- driving ------------------------------------------------------------------------------

    async def ask(self, function: str, *arguments: object) -> Any:  # noqa: ANN401  # JSON
        """Call a function of the page's `matrix`. Raises Refused, RuntimeError."""
        given = ", ".join(json.dumps(argument) for argument in arguments)
        return await self._browser.ask(f"matrix.{function}({given})")

    async def _comes_to(self, state: str) -> None:
        async def is_so() -> bool:
            now = await self.call_state()
            assert state == "ended" or not now["ended"], f"the call has ended: {now}"
            return bool(now["state"] == state)

        await until(is_so, f"a call that is {state}", PATIENCE_S)


def _shown(event: Mapping[str, Any]) -> Shown:
    return Shown(
        event_id=str(event["event_id"]),
        sender=str(event["sender"]),
        type=str(event["type"]),
        content=event["content"],
        relates_to=event["relates_to"],
        encrypted=bool(event["encrypted"]),
        unreadable=str(event["unreadable"]),
        shield=int(event["shield"]),
    )


def _decoded(recording: bytes) -> Pcm:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    pieces: list[Pcm] = [np.zeros(0, np.int16)]
    # before a first piece was written down, and in the middle of the last one
    with (
        contextlib.suppress(av.error.FFmpegError),
        av.open(io.BytesIO(recording), "r") as stream,
    ):
        for frame in stream.decode(audio=0):
            pieces += [
                piece.to_ndarray().reshape(-1).astype(np.int16)
                for piece in resampler.resample(frame)
            ]
    return np.concatenate(pieces)


@asynccontextmanager
async def chromium_client(microphone: Path) -> AsyncIterator[SdkClient]:
    """A client in a Chromium of its own. `microphone`: a 48 kHz WAV, heard again and again."""
    async with (
        served(microphone) as address,
        chromium(microphone, again=True, flags=_CHROMIUM) as page,
    ):
        yield SdkClient(ChromiumTab(page), address)


@asynccontextmanager
async def far_client(line: Network, folder: Path, microphone: Path) -> AsyncIterator[SdkClient]:
    """A client in a Chromium in the network of a line's client; `folder`: for what starts it."""
    async with served(microphone, line.server) as address:
        flags = (*_CHROMIUM, f"--unsafely-treat-insecure-origin-as-secure={URL(address).origin()}")
        executable = line.wrapper(program("chromium"), folder)
        async with chromium(microphone, again=True, executable=executable, flags=flags) as page:
            yield SdkClient(ChromiumTab(page), address)


@asynccontextmanager
async def firefox_client(microphone: Path) -> AsyncIterator[SdkClient]:
    """A client in a Firefox of its own."""
    async with served(microphone) as address, firefox(_FIREFOX) as tab:
        await tab.before(_SPEAKING)
        yield SdkClient(tab, address)


def kill_chromium(microphone: Path) -> None:
    """Kill all processes of the Chromium that has this microphone, as if the power had gone."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(child.cmdline())
            if str(microphone) in command and " --type=" not in command:
                for process in [child, *child.children(recursive=True)]:
                    process.kill()
                return
    raise LookupError("no such Chromium runs")
