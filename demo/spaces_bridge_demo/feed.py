"""A person on a live space's page, who uses what the page uses: feed, listening, microphone."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urldefrag

import aiohttp

from spaces_bridge_demo.expected import Event, Expected, Wanted, Watch
from spaces_bridge_demo.patience import PATIENCE_S
from spaces_bridge_demo.peer import ListenerPeer, SpeakerPeer, over_http


class PageGuest:
    """A browser tab, of somebody known by a personal link or of a guest by a bare one."""

    def __init__(
        self,
        link: str,
        name: str | None = None,
        address: str | None = None,
        openid: Mapping[str, Any] | None = None,
    ) -> None:
        """`link` is the page's address, a personal one with `#t=TOKEN`; `name` is a guest's.

        `address` is the client address that a reverse proxy would add. `openid` are the
        credentials that a Matrix client gave the tab, which is a widget of it.
        """
        self.page, fragment = urldefrag(link)
        self.token = fragment.removeprefix("t=") or None
        self.name = name
        self.openid = openid
        self.hello: Mapping[str, Any] = {}
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(PATIENCE_S),
            headers={"X-Forwarded-For": address} if address is not None else None,
        )
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._watch = Watch()
        self._peers: list[ListenerPeer | SpeakerPeer] = []

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Join the feed, and return after its hello."""
        await self._hang_up()
        self._socket = await self._http.ws_connect(f"{self.page}/feed", max_msg_size=1 << 20)
        hello = self.next_frame("hello")
        self._reader = asyncio.create_task(self._read(self._socket))
        auth = {"type": "auth", "token": self.token, "name": self.name, "openid": self.openid}
        await self.send(auth)
        self.hello = await hello

    async def close(self) -> None:
        """Close the tab."""
        for peer in self._peers:
            await peer.close()
        await self._hang_up()
        await self._http.close()

    @property
    def id(self) -> str:
        """Return the user id that the page's hello names."""
        return str(self.hello["you"]["id"])

    @property
    def session(self) -> str:
        """Return the bearer token for WHEP and WHIP."""
        return str(self.hello["session"])

    @property
    def frames(self) -> list[Event]:
        """Return every frame that came."""
        return self._watch.seen

    @property
    def connected(self) -> bool:
        """Return whether the feed is connected."""
        return self._reader is not None and not self._reader.done()

    def next_frame(
        self, type_: str, wanted: Wanted = lambda _: True, timeout: float = PATIENCE_S
    ) -> Expected:
        """Return the next wanted frame of a type, to be armed now and awaited later."""
        return self._watch.next(
            lambda frame: frame.get("type") == type_ and wanted(frame), f"frame {type_}", timeout
        )

    async def send(self, frame: Mapping[str, object]) -> None:
        """Send one frame."""
        if self._socket is None:
            raise RuntimeError("the feed is not open")
        await self._socket.send_str(json.dumps(frame))

    # --- sound ------------------------------------------------------------------------------

    async def listen(self, *, anonymous: bool = False) -> ListenerPeer:
        """Press Listen; `anonymous` shows no token."""
        bearer = None if anonymous or not self.hello else self.session
        listener = ListenerPeer(over_http(self._http, f"{self.page}/whep", bearer=bearer))
        self._peers.append(listener)
        await listener.connect()
        return listener

    async def open_microphone(self) -> SpeakerPeer:
        """Open the microphone. Raises JoinRefused without the floor."""
        whip = over_http(self._http, f"{self.page}/whip", bearer=self.session)
        speaker = SpeakerPeer(whip)
        self._peers.append(speaker)
        await speaker.connect()
        return speaker

    async def hang_up(self, peer: ListenerPeer | SpeakerPeer) -> None:
        """Stop listening, or close the microphone; the sound that was heard is forgotten."""
        self._peers.remove(peer)
        await peer.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._watch.note(json.loads(message.data))

    async def _hang_up(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
