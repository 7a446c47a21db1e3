"""A call's client for tests: ICE, DTLS and SRTP are real, it has as many sections as it likes."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from spaces_bridge.app.call_ports import CallAnswer, CallOffer, CallStream
from spaces_bridge.core.ids import UserId
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.edge.srtp import new_ssrc
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.support.sctp_client import SctpClient
from tests.support.stage import SPACE

HEAD = "v=0\r\no=- 1 {version} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {group}\r\n"
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n"
    "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 {fingerprint}\r\n"
    "a=setup:actpass\r\na=rtcp-mux\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:111 opus/48000/2\r\n"
    "a={direction}\r\n"
)
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=recvonly\r\n"
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:{mid}\r\na=sctp-port:5000\r\n"


@dataclass(slots=True)
class Offered:
    """One section of the client's offer."""

    kind: str
    direction: str = "recvonly"
    ssrc: int | None = None
    mid: str = ""
    """Its mid, if that is not its place."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One section of the server's description."""

    port: int
    direction: str = ""
    msid: str = ""
    ssrc: int | None = None


def sections_of(sdp: str) -> list[Answered]:
    """The sections of a description of ours, in order."""
    found = list[Answered]()
    for section in sdp.split("\r\nm=")[1:]:
        lines = section.split("\r\n")
        values = dict(line[2:].partition(":")[::2] for line in lines[1:] if line[:2] == "a=")
        way = next((each for each in DIRECTIONS if each in values), "")
        ssrc = values.get("ssrc", "").partition(" ")[0]
        found.append(
            Answered(
                int(lines[0].split()[1]), way, values.get("msid", ""), int(ssrc) if ssrc else None
            )
        )
    return found


DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


class CallWire(WirePeer):
    """A call's client without I/O."""

    def __init__(self, ears: int = 3, *, more: bool = True) -> None:
        """`ears`: sections to hear by; `more`: offer video and data, too, as SDKs do."""
        super().__init__(StreamDirection.CALL)
        self.sections = [Offered("audio") for _ in range(ears)]
        if more:
            self.sections += [Offered("video"), Offered("application")]
        self._version = 0
        self.sctp = SctpClient()
        """What it does on data channels, once `open_data` was called."""

    def open_data(self) -> None:
        """Begin the SCTP association."""
        self.send_data(self.sctp.init())

    def receive_data(self, data: bytes) -> None:
        """Handle a packet of the association."""
        for answer in self.sctp.take(data):
            self.send_data(answer)

    def add(self, direction: str, ssrc: int | None = None) -> str:
        """Offer another audio section from now on; return its mid."""
        self.sections.append(Offered("audio", direction, ssrc))
        return str(len(self.sections) - 1)

    def publish(self) -> str:
        """Offer to send on a section of its own, from another SSRC; return its mid."""
        self.ssrc = new_ssrc()
        return self.add("sendonly", self.ssrc)

    def unpublish(self, mid: str) -> None:
        """Offer to send no more."""
        self.sections[int(mid)].direction = "inactive"

    def offer(self) -> str:
        """Return the client's offer as it is now."""
        self._version += 1
        mids = [section.mid or str(place) for place, section in enumerate(self.sections)]
        group = " ".join(mids)
        text = HEAD.format(version=self._version, group=group)
        for mid, section in zip(mids, self.sections, strict=True):
            template = {"audio": AUDIO, "video": VIDEO, "application": DATA}[section.kind]
            text += template.format(
                mid=mid,
                ufrag=self.ufrag,
                pwd=self.pwd,
                fingerprint=self.identity.fingerprint,
                direction=section.direction,
            )
            if section.ssrc is not None:
                text += f"a=ssrc:{section.ssrc} cname:me\r\n"
        return text

    def answer(self, sections: int) -> str:
        """Return the answer to an offer of so many sections, all of which are taken."""
        self.sections = [Offered("audio", mid=str(place)) for place in range(sections - 1)]
        self.sections.insert(1, Offered("application", mid="data"))
        return self.offer().replace("a=setup:actpass", "a=setup:active")

    def say_goodbye(self) -> None:
        """End the DTLS connection, as a browser does that closes its peer connection."""
        assert self._ssl is not None
        self._ssl.shutdown()
        self._flush()

    def heard(self, ssrc: int | None) -> list[RtpPacket]:
        """Return the packets of one SSRC, as they came."""
        return [packet for packet in self.packets if packet.ssrc == ssrc]


class CallClient:
    """A call's client of a stage, connected, with the answer it got last."""

    def __init__(self, stage: WorkerStage, user: UserId, wire: CallWire | None = None) -> None:
        self.user = user
        self.wire = wire or CallWire()
        self.answer: CallAnswer | None = None
        self.offer: CallOffer | None = None
        self.space = SPACE
        self._stage = stage
        self._connection = WireConnection(self.wire)
        self._said = 0

    async def negotiate(self, streams: Sequence[CallStream] = ()) -> CallAnswer:
        """Offer as things are, and take the answer."""
        session = self.answer.session if self.answer is not None else None
        self.answer = await self._stage.calls.answer_call(
            self.space, self.user, session, self.wire.offer(), streams
        )
        return self.answer

    async def join(self, streams: Sequence[CallStream] = (), *, tcp: bool = False) -> CallAnswer:
        """Negotiate for the first time, and connect."""

        async def signal(_offer: str) -> str:
            return (await self.negotiate(streams)).sdp

        await self._connection.join(signal, tcp=tcp)
        assert self.answer is not None
        return self.answer

    def hears(self, track: str) -> list[RtpPacket]:
        """Return what came of a stream, by the SSRC of its section."""
        assert self.answer is not None
        [mid] = [mid for mid, each in self.answer.sections.items() if each == track]
        return self.wire.heard(sections_of(self.answer.sdp)[int(mid)].ssrc)

    def say(self, payload: bytes) -> None:
        """Send one packet of 20 ms."""
        self._said += 1
        self._connection.send(self.wire.rtp(self._said, self._said * 960, payload))

    async def says(self, payload: bytes, until: Callable[[], bool]) -> None:
        """Send this every 20 ms until it holds. Raises TimeoutError."""
        async with asyncio.timeout(60):
            while not until():
                self.say(payload)
                await asyncio.sleep(0.02)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds after an arriving datagram."""
        await self._connection.until(holds)

    async def says_all(self, payloads: Iterator[bytes]) -> None:
        """Send one of these every 20 ms."""
        for payload in payloads:
            self.say(payload)
            await asyncio.sleep(0.02)

    async def accept_offers(self, streams: Sequence[CallStream]) -> CallOffer:
        """Have the stage offer these streams, and take it; connect if it is the first time."""
        session = self.offer.session if self.offer is not None else None
        offer = self.offer = await self._stage.calls.offer_call(
            self.space, self.user, session, streams
        )
        answer = self.wire.answer(len(sections_of(offer.sdp)))
        await self._stage.calls.accept_call_answer(offer.session, answer)
        if session is None:

            async def signal(_offer: str) -> str:
                return offer.sdp

            await self._connection.join(signal)
        return offer

    def close(self) -> None:
        """Go without a word."""
        self._connection.close()


def stream_of(user: UserId) -> CallStream:
    """The stream of a speaker, named as LiveKit does."""
    name = user.strip("@").partition(":")[0]
    return CallStream(user, f"PA_{name}|TR_{name}", f"TR_{name}")
