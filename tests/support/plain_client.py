"""Clients of plain calls for tests: one whose packets are seen, and one made of aiortc."""

import asyncio
import itertools
from collections.abc import Callable, Iterable

import numpy as np

from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.worker.edge.ice import new_credentials
from spaces_bridge.media.worker.edge.keypad import KEYS
from spaces_bridge.media.worker.mix.opus import FRAME, Decoder, Encoder, Pcm
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.peer import ListenerPeer, MicrophoneTrack
from spaces_bridge_demo.wire import WireConnection, WirePeer, read_answer
from tests.support.sound import frames_of
from tests.support.stage import SPACE

EVENTS = 126
"""The payload type of telephone events of 8000 Hz."""
WIDE_EVENTS = 110
"""That of 48,000 Hz, which browsers use beside Opus."""
RATES = {EVENTS: 8_000, WIDE_EVENTS: 48_000}
TURNED_DOWN = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\n"

_OFFER = (
    "v=0\r\no=- 1 {version} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {group}\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 110 126\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 {fingerprint}\r\n"
    "a=setup:{setup}\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\na=rtpmap:63 red/48000/2\r\n"
    "a=rtpmap:9 G722/8000\r\na=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\na={direction}\r\n"
)


def event(number: int, lasted: int, *, is_over: bool = False) -> bytes:
    """A telephone event's payload (RFC 4733, 2.3)."""
    return bytes([number, 0x80 * is_over | 10]) + lasted.to_bytes(2)


class PlainWire(WirePeer):
    """A plain call's client without I/O."""

    def __init__(self, *, video: bool = False, setup: str = "actpass", keep: bool = True) -> None:
        super().__init__(StreamDirection.DUPLEX, setup=setup, keep=keep)
        self.way = "sendrecv"
        self._video, self._version = video, 0

    def offer(self) -> str:
        """Return the client's offer as it is now."""
        self._version += 1
        text = _OFFER.format(
            version=self._version,
            group="0 1" if self._video else "0",
            ufrag=self.ufrag,
            pwd=self.pwd,
            fingerprint=self.identity.fingerprint,
            setup=self._setup,
            direction=self.way,
        )
        return text + f"a=ssrc:{self.ssrc} cname:me\r\n" + (TURNED_DOWN if self._video else "")

    def answer(self) -> str:
        """Return the answer to an offer of ours."""
        return self.offer().replace("a=setup:actpass", "a=setup:active")

    def restart(self) -> None:
        """Take new ICE credentials, as an ICE restart does."""
        self.ufrag, self.pwd = new_credentials()

    def say_goodbye(self) -> None:
        """End the DTLS connection, as a browser does that closes its peer connection."""
        assert self._ssl is not None
        self._ssl.shutdown()
        self._flush()


class PlainClient:
    """A plain call's client of a stage."""

    def __init__(
        self,
        stage: PlainCallStage,
        user: UserId,
        wire: PlainWire | None = None,
        space: SpaceId = SPACE,
    ) -> None:
        self.user, self.wire, self.space = user, wire or PlainWire(), space
        self.session = self.sdp = ""
        self.held: list[bool] = []
        """What each negotiation after the first one came to."""
        self._stage = stage
        self.connection = WireConnection(self.wire)
        self._sequence, self._clock = itertools.count(1), 0

    async def call(self, *, tcp: bool = False) -> str:
        """Call, and connect; return the session."""

        async def signal(offer: str) -> str:
            made = await self._stage.answer(self.space, self.user, offer)
            self.session, self.sdp = made.id, made.answer
            return made.answer

        await self.connection.join(signal, tcp=tcp)
        return self.session

    async def negotiate(self) -> str:
        """Offer as things are, and take the answer."""
        made = await self._stage.renegotiate(self.session, self.wire.offer())
        self.sdp = made.sdp
        self.held.append(made.is_held)
        self.wire.server = read_answer(made.sdp)
        return made.sdp

    async def ring(self) -> str:
        """Have the stage offer, and begin to connect; return the session."""
        offer = await self._stage.dial(self.space, self.user)
        self.session, self.sdp = offer.session, offer.sdp
        await self.check(offer.sdp)
        return offer.session

    async def check(self, offer: str) -> None:
        """Send checks to where an offer leads."""
        self.wire.server = read_answer(offer)
        await self.connection.dial()

    async def connected(self) -> None:
        """Wait until the connection is there, with checks as often as browsers send them."""
        async with asyncio.timeout(60):
            while self.wire.keys is None:
                self.wire.send_check()
                await asyncio.sleep(0.05)

    def send(self, payload: bytes, *, kind: int = 111, timestamp: int | None = None) -> None:
        """Send one packet; without a timestamp, of the next 20 ms."""
        if timestamp is None:
            self._clock += FRAME
            timestamp = self._clock
        number = next(self._sequence)
        self.connection.send(self.wire.rtp(number, timestamp, payload, kind=kind))

    async def says(self, pcm: Pcm) -> None:
        """Say this in real time."""
        encoder = Encoder()
        for frame in frames_of(pcm):
            self.send(encoder.encode(frame))
            await asyncio.sleep(0.02)

    def press(self, keys: Iterable[str], *, kind: int = WIDE_EVENTS) -> None:
        """Press these keys, each for 100 ms, as browsers tell of them."""
        rate = RATES[kind]
        for key in keys:
            self._clock += FRAME
            began = self._clock
            for lasted in (0.02, 0.04, 0.06, 0.08):
                self.send(event(KEYS.index(key), int(lasted * rate)), kind=kind, timestamp=began)
            for _ in range(3):
                over = event(KEYS.index(key), rate // 10, is_over=True)
                self.send(over, kind=kind, timestamp=began)
            self._clock += 5 * FRAME

    def heard(self, packets: int = 50) -> Pcm:
        """Return the sound of the packets that came last."""
        decoder = Decoder()
        pcm = [decoder.decode(each.payload) for each in self.wire.packets[-packets - 5 :]]
        return np.concatenate(pcm)[-packets * FRAME :]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds after an arriving datagram."""
        await self.connection.until(holds)

    async def hears(self, holds: Callable[[Pcm], bool], packets: int = 50) -> None:
        """Wait until so many packets in a row, from now on, are as they should be."""
        self.wire.packets.clear()
        async with asyncio.timeout(120):
            await self.connection.more(packets)
            while not holds(self.heard(packets)):
                await self.connection.more(packets // 2)

    def close(self) -> None:
        """Go without a word."""
        self.connection.close()


class AiortcCaller(ListenerPeer):
    """A plain call's client made of aiortc: it hears as a listener does, and speaks."""

    def __init__(self, stage: PlainCallStage, user: UserId) -> None:
        self.session = ""

        async def signal(offer: str) -> str:
            made = await stage.answer(SPACE, user, offer)
            self.session = made.id
            return made.answer

        super().__init__(signal)
        self.microphone = MicrophoneTrack()
        [transceiver] = self._connection.getTransceivers()
        transceiver.sender.replaceTrack(self.microphone)
        transceiver.direction = "sendrecv"

    async def close(self) -> None:
        """Hang up."""
        self.microphone.stop()
        await super().close()
