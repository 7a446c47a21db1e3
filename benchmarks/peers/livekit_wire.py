"""Cheap clients of calls: LiveKit's signalling (`/rtc/v1`), and ICE, DTLS and SRTP without an SDK.

They say the same to whatever server they are given; what comes is decrypted and counted.
"""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlencode

import aiohttp
from livekit.protocol import models, rtc

from benchmarks.peers.client import Client, FullIcePeer
from spaces_bridge.media.worker.edge import rtp as rtp_format
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.values import StreamDirection

KIND: Final = 111
JOIN_WITHIN_S: Final = 30.0
_PING_S = 5.0
_HEAD = "v=0\no=- 1 {version} IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE {group}\n"
_SECTION = (
    "m=audio 9 UDP/TLS/RTP/SAVPF {kind}\nc=IN IP4 0.0.0.0\na=mid:{mid}\na=ice-ufrag:{ufrag}\n"
    "a=ice-pwd:{pwd}\na=fingerprint:sha-256 {fingerprint}\na=setup:active\na=rtcp-mux\n"
    "a=rtpmap:{kind} opus/48000/2\na=fmtp:{kind} minptime=10;useinbandfec=1\na={direction}\n"
)
_MICROPHONE = "a=msid:- {cid}\na=ssrc:{ssrc} cname:me\na=ssrc:{ssrc} msid:- {cid}\n"


class SentAway(Exception):
    """The server has ended the session; the text is its reason."""


class Streams:
    """The streams that a client receives: how many packets came, and how many are missing."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        self._newest: dict[int, int] = {}
        self._came: dict[int, int] = {}
        self._at = 0.0
        self.longest_gap_s = 0.0
        """Seconds; the longest time in which nothing came, between two packets."""

    def came(self, ssrc: int, sequence: int) -> None:
        """Count a packet that was decrypted."""
        newest = rtp_format.nearest_index(self._newest.get(ssrc), sequence)
        self._first.setdefault(ssrc, newest)
        self._newest[ssrc] = max(newest, self._newest.get(ssrc, newest))
        self._came[ssrc] = self._came.get(ssrc, 0) + 1
        now = time.monotonic()
        if self._at:
            self.longest_gap_s = max(self.longest_gap_s, now - self._at)
        self._at = now

    @property
    def number(self) -> int:
        """The streams of which anything came."""
        return len(self._came)

    @property
    def packets(self) -> int:
        """The packets of all streams."""
        return sum(self._came.values())

    @property
    def missing(self) -> int:
        """The packets that did not come, between each stream's first and newest."""
        spans = sum(self._newest[ssrc] - first + 1 for ssrc, first in self._first.items())
        return spans - self.packets


class _Peer(FullIcePeer):
    """The peer connection of a client: it has as many sections as it is asked for."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(StreamDirection.CALL, identity)
        self.streams = Streams()
        self.ears = 0
        self.cid = ""
        """The id of the microphone's track; "" if there is none."""
        self._version = 0

    def offer(self) -> str:
        """Return the offer: a section for each ear, and then one for the microphone."""
        self._version += 1
        ways = ["recvonly"] * self.ears + ["sendonly"] * bool(self.cid)
        text = _HEAD.format(version=self._version, group=" ".join(map(str, range(len(ways)))))
        for mid, way in enumerate(ways):
            text += _SECTION.format(
                kind=KIND,
                mid=mid,
                ufrag=self.ufrag,
                pwd=self.pwd,
                fingerprint=self.identity.fingerprint,
                direction=way,
            )
        if self.cid:
            text += _MICROPHONE.format(cid=self.cid, ssrc=self.ssrc)
        return text

    def _receive_rtp(self, datagram: bytes) -> None:
        if self.into is None:
            return  # the server was ready a moment earlier
        opened = self.into.open(datagram)
        fields = rtp_format.header(opened) if opened is not None else None
        if fields is None:
            self.rejected += 1
            return
        _, sequence, _, ssrc = fields
        self.received += 1
        self.streams.came(ssrc, sequence)


class LiveKitWire:
    """A client in a call: it hears everybody, or (with a `cid`) only speaks."""

    def __init__(self, identity: Identity, *, ears: int = 0, cid: str = "") -> None:
        """`ears` is the number of speakers that it has sections for from the beginning."""
        self.peer = _Peer(identity)
        self.peer.ears, self.peer.cid = ears, cid
        self._line = Client(StreamDirection.CALL, identity, self.peer)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._joined, self._published = asyncio.Event(), asyncio.Event()
        self._described = asyncio.Event()
        self._offers = 0
        self._is_offering = self._wants_more = False
        self._answer = self._candidates = ""
        self._said = 0
        self._rests = False

    @property
    def streams(self) -> Streams:
        """What has come."""
        return self.peer.streams

    async def join(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        """Join the call and connect. Raises TimeoutError, aiohttp.ClientError, SentAway."""
        query = {"access_token": token, "join_request": _join_request(hears=not self.peer.cid)}
        async with asyncio.timeout(JOIN_WITHIN_S):
            self._socket = await http.ws_connect(
                f"{url}/rtc/v1?{urlencode(query)}", max_msg_size=0
            )
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._ping())]
            connecting = asyncio.create_task(self._connect())
            await asyncio.wait({connecting, self._tasks[0]}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                connecting.cancel()
                self._tasks[0].result()
                raise SentAway("the connection was closed")
            connecting.result()

    async def _connect(self) -> None:
        await self._joined.wait()
        self._line.bind()
        if self.peer.cid:
            await self._say(add_track=_microphone(self.peer.cid))
            await self._published.wait()
        await self._offer()
        await self._described.wait()
        await self._line.connect(JOIN_WITHIN_S)

    def say(self, payload: bytes) -> None:
        """Send one packet of 20 ms."""
        self._said += 1
        self._line.send(self.peer.rtp(self._said, self._said * 960, payload))

    def rest(self) -> None:
        """Stay in the call, but leave unread what comes: of many clients that costs too much."""
        self._rests = True
        self._line.stop_listening()

    async def close(self) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._line.close()
        if self._socket is not None:
            with suppress(ConnectionError):
                await self._say(leave=rtc.LeaveRequest(reason=models.CLIENT_INITIATED))
            await self._socket.close()

    # --- signalling ---------------------------------------------------------------------------

    async def _say(self, **message: object) -> None:
        assert self._socket is not None
        request = rtc.SignalRequest(**message)  # type: ignore[arg-type]  # by the fields' names
        await self._socket.send_bytes(request.SerializeToString())

    async def _offer(self) -> None:
        """Offer as many sections as are wanted; one offer at a time."""
        self._wants_more = self._is_offering
        if self._is_offering:
            return
        self._is_offering = True
        self._offers += 1
        sdp = self._line.with_candidate(self.peer.offer())
        offer = rtc.SessionDescription(type="offer", sdp=sdp, id=self._offers)
        await self._say(offer=offer)

    async def _read(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY and not self._rests:
                await self._take(rtc.SignalResponse.FromString(message.data))

    async def _take(self, response: rtc.SignalResponse) -> None:
        match response.WhichOneof("message"):
            case "join":
                self._joined.set()
            case "track_published":
                self._published.set()
            case "answer":
                self._answer = self._answer or response.answer.sdp
                self._is_offering = False
                self._dial()
                if self._wants_more:
                    await self._offer()
            case "trickle":
                candidate = json.loads(response.trickle.candidateInit).get("candidate", "")
                self._candidates += f"a={candidate}\n"
                self._dial()
            case "media_sections_requirement":
                self.peer.ears += response.media_sections_requirement.num_audios
                await self._offer()
            case "leave":
                raise SentAway(models.DisconnectReason.Name(response.leave.reason))
            case _:
                pass  # news of others

    def _dial(self) -> None:
        """Begin with ICE once the server's address is known."""
        if self._described.is_set() or not self._answer:
            return
        with suppress(ValueError):  # its candidate is still to come
            self._line.accept(f"{self._answer}\n{self._candidates}")
            self._described.set()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_PING_S)
            await self._say(ping_req=rtc.Ping(timestamp=1))


def _join_request(*, hears: bool) -> str:
    request = rtc.JoinRequest(
        client_info=models.ClientInfo(sdk=models.ClientInfo.PYTHON, version="1.2.1", protocol=16),
        connection_settings=rtc.ConnectionSettings(auto_subscribe=hears),
    )
    wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


def _microphone(cid: str) -> rtc.AddTrackRequest:
    return rtc.AddTrackRequest(
        cid=cid, name="microphone", type=models.AUDIO, source=models.MICROPHONE, disable_red=True
    )


async def joined(
    clients: Sequence[LiveKitWire],
    http: aiohttp.ClientSession,
    url: str,
    tokens: Sequence[str],
    at_once: int = 10,
) -> None:
    """Join them all, so many at once."""
    gate = asyncio.Semaphore(at_once)

    async def join(client: LiveKitWire, token: str) -> None:
        async with gate:
            await client.join(http, url, token)

    await asyncio.gather(*(join(c, t) for c, t in zip(clients, tokens, strict=True)))
