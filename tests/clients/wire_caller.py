"""A cheap caller: real signalling by a plain Matrix user, the smallest WebRTC client for sound."""

import asyncio
import contextlib
import secrets
import struct
import time
from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.mix.opus import FRAME, Decoder, Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.ears import tone_level_db
from spaces_bridge_demo.matrix_user import MatrixUser
from spaces_bridge_demo.peer import RATE, Pcm
from spaces_bridge_demo.wire import WireConnection, WirePeer

_KEYS: Final = "0123456789*#"
_KEYPAD_TYPE: Final = 110
_PRESS_S: Final = 0.1
_END_COPIES: Final = 3
"""RFC 4733, 2.5.1.4: the end of an event is said three times."""
_LOUD_DB: Final = -35.0
_EVENT: Final = struct.Struct("!BBH")


class _Peer(WirePeer):
    """A peer that sends and receives, and keeps the last second of what it hears."""

    def __init__(self) -> None:
        super().__init__(StreamDirection.SPEAK)
        self._decoder = Decoder()
        self._heard: list[Pcm] = []
        self.index = 0

    def offer(self) -> str:
        """Return an offer of both directions and a keypad, as clients make it."""
        return (
            super()
            .offer()
            .replace("SAVPF 111", f"SAVPF 111 {_KEYPAD_TYPE}")
            .replace("a=sendonly", f"a=rtpmap:{_KEYPAD_TYPE} telephone-event/{RATE}\na=sendrecv")
        )

    def _receive_rtp(self, datagram: bytes) -> None:
        super()._receive_rtp(datagram)
        for packet in self.packets:
            self._heard.append(self._decoder.decode(packet.payload))
        self.packets.clear()
        del self._heard[: -RATE // FRAME]

    def heard(self) -> Pcm:
        """Return the last second of what was heard; nothing before there is so much."""
        if len(self._heard) < RATE // FRAME:
            return np.zeros(0, np.int16)
        return np.concatenate(self._heard)

    def sound(self, payload: bytes) -> bytes:
        """Return the next packet of the microphone."""
        self.index += 1
        return self.rtp(self.index, self.index * FRAME, payload)

    def key(self, event: int, began: int, duration: int, *, first: bool, ends: bool) -> bytes:
        """Return a packet of a key that is pressed. RFC 4733."""
        assert self.out is not None
        self.index += 1
        head = rtp.HEADER.pack(
            0x80, _KEYPAD_TYPE | first << 7, self.index & 0xFFFF, began & 0xFFFFFFFF, self.ssrc
        )
        return self.out.protect(head + _EVENT.pack(event, ends << 7 | 10, duration))


class WireCaller:
    """A person who calls the bot in a room."""

    def __init__(self, person: MatrixUser, room: str) -> None:
        self.person = person
        self._room = room
        self._call_id = secrets.token_hex(8)
        self._party_id = secrets.token_hex(4)
        self._peer = _Peer()
        self._connection = WireConnection(self._peer)
        self._speaking: asyncio.Task[None] | None = None

    async def call(self) -> None:
        """Call, and wait until the sound can flow. Raises TimeoutError."""
        await self._connection.join(self._signal)

    async def _signal(self, offer: str) -> str:
        answered = self.person.next_in(
            self._room, "m.call.answer", lambda event: event["content"]["call_id"] == self._call_id
        )
        description = {"type": "offer", "sdp": offer.replace("\n", "\r\n")}
        await self._send("m.call.invite", lifetime=60_000, offer=description)
        content = (await answered)["content"]
        await self._send("m.call.select_answer", selected_party_id=content["party_id"])
        return str(content["answer"]["sdp"])

    async def _send(self, type_: str, **content: object) -> None:
        own = {"call_id": self._call_id, "party_id": self._party_id, "version": "1"}
        await self.person.send(self._room, type_, {**own, **content})

    async def hears(self, hertz: float) -> None:
        """Wait until this tone was heard for a second. Raises TimeoutError."""
        await self._connection.until(lambda: tone_level_db(self._peer.heard(), hertz) > _LOUD_DB)

    def speak(self, pcm: Pcm) -> None:
        """Say this over and over, 50 packets a second; whole frames, 48 kHz mono."""
        self._speaking = asyncio.create_task(self._speak(pcm))

    async def _speak(self, pcm: Pcm) -> None:
        encoder, began, sent = Encoder(), time.monotonic(), 0
        frames = [encoder.encode(frame) for frame in pcm.reshape(-1, FRAME)]
        while True:
            with contextlib.suppress(OSError):
                self._connection.send(self._peer.sound(frames[sent % len(frames)]))
            sent += 1
            await asyncio.sleep(max(0.0, began + sent * FRAME / RATE - time.monotonic()))

    async def press(self, key: str) -> None:
        """Press a key of the dial pad, for a tenth of a second."""
        event, began = _KEYS.index(key), self._peer.index * FRAME
        steps = round(_PRESS_S * RATE / FRAME)
        for step in range(1, steps + 1):
            packet = self._peer.key(event, began, step * FRAME, first=step == 1, ends=False)
            self._connection.send(packet)
            await asyncio.sleep(FRAME / RATE)
        for _ in range(_END_COPIES):
            self._connection.send(
                self._peer.key(event, began, steps * FRAME, first=False, ends=True)
            )

    async def hang_up(self) -> None:
        """Hang up."""
        await self._send("m.call.hangup", reason="user_hangup")
        await self.vanish()

    async def vanish(self) -> None:
        """Be gone without a word."""
        if self._speaking is not None:
            self._speaking.cancel()
            await asyncio.gather(self._speaking, return_exceptions=True)
        self._connection.close()


@contextlib.asynccontextmanager
async def called(person: MatrixUser, room: str) -> AsyncIterator[WireCaller]:
    """A caller whose call stands, and who is gone afterwards."""
    caller = WireCaller(person, room)
    try:
        await caller.call()
        yield caller
    finally:
        await caller.vanish()
