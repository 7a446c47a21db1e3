"""The values that the edge, the mix and the control process share."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from spaces_bridge.core.ids import SpaceId, UserId

MAX_DATAGRAM = 1500
"""Bytes; no WebRTC client sends more STUN or DTLS than an Ethernet frame. Longer is refused."""
MAX_OPUS = 7650
"""Bytes of the longest Opus packet: 120 ms, of 20 ms each 1,275 bytes (RFC 6716, 3.2 and 3.4)."""
MAX_MEDIA_DATAGRAM = 8192
"""Bytes of the longest Opus packet in SRTP: encoders leave it to IP to send it in fragments."""


def is_media(first: int) -> bool:
    """Return whether a packet with this first byte is SRTP or SRTCP (RFC 7983, 7)."""
    return 128 <= first <= 191


def longest(packet: bytes) -> int:
    """Return the most bytes of a packet that begins like this (UDP or TCP); if empty: of any."""
    return MAX_DATAGRAM if packet and not is_media(packet[0]) else MAX_MEDIA_DATAGRAM


class StreamDirection(StrEnum):
    """A stream's direction, seen from the peer."""

    LISTEN = "listen"
    SPEAK = "speak"
    CALL = "call"
    """Both ways: at most one microphone in, and out a stream for each speaker."""
    DUPLEX = "duplex"
    """Both ways, a stream each: a microphone in, and the mix out."""

    @property
    def is_two_way(self) -> bool:
        """Whether its microphone is used when the control process says so; else it only hears."""
        return self in (StreamDirection.CALL, StreamDirection.DUPLEX)

    @property
    def hears_mix(self) -> bool:
        """Whether the mix is sent to it, as one stream."""
        return self in (StreamDirection.LISTEN, StreamDirection.DUPLEX)


@dataclass(frozen=True, slots=True)
class Member:
    """A member is the live space, user and direction of a peer."""

    space: SpaceId
    user: UserId
    direction: StreamDirection


class PeerPhase(StrEnum):
    """The phase of a peer's connection."""

    NEW = "new"
    CONNECTED = "connected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PeerState:
    """A peer's phase, and why if CLOSED, or what is wrong if CONNECTED."""

    phase: PeerPhase
    reason: str = ""


NEW = PeerState(PeerPhase.NEW)
CONNECTED = PeerState(PeerPhase.CONNECTED)
CUT = PeerState(PeerPhase.CONNECTED, "it sends more than sound needs, and a part is dropped")
"""The state reported of a connected peer that exceeds its allowance; its own state stays."""


UNSPOKEN_KEY = (
    "the key of its certificate is on a curve that is not taken here;"
    " FFmpeg takes another by -cert_file and -key_file"
)
"""The start of the reason a peer is closed for whose DTLS handshake can never succeed."""


def closed(reason: str) -> PeerState:
    """Return the state of a peer that is gone."""
    return PeerState(PeerPhase.CLOSED, reason)


class SdpRefused(Exception):
    """The client's SDP offer cannot be accepted; `text` is a plain sentence for its user."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def no_sound() -> SdpRefused:
    """Return the refusal of who wants to hear or speak in a live space that is not open."""
    text = "This live space has no sound right now: it has not started, or it is over."
    return SdpRefused("no_sound", text)


class ListenerPayload(NamedTuple):
    """An Opus packet and the peers it goes to in this tick.

    Its first frame begins `age` samples before this tick's; `begins`: it is the first after a
    silence, and has the marker bit (RFC 3551, 4.1).
    """

    peers: Sequence[str]
    packet: bytes
    age: int = 0
    begins: bool = False


class NotConnected(LookupError):
    """There is no connected peer of this id, so there is nothing to resume."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """An RTP packet of a speaker: authenticated, replay-checked Opus (RFC 3550)."""

    sequence: int
    timestamp: int
    marker: bool
    payload_type: int
    ssrc: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class WantedStream:
    """A stream that a call peer is to get: of which source, and its msid (RFC 8830)."""

    source: str
    stream: str
    track: str


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What a call peer has negotiated, and our description of it.

    `sections` maps mids to tracks; `missing` streams have no section; `microphone` is a mid or "".
    """

    sdp: str
    sections: Mapping[str, str]
    missing: int
    microphone: str


@dataclass(frozen=True, slots=True)
class DuplexNegotiated:
    """Our description for a duplex peer; `is_held`: its client takes no sound now."""

    sdp: str
    is_held: bool


@dataclass(frozen=True, slots=True)
class DuplexRecord:
    """What a resume record holds of a duplex peer's negotiations, which go on as they were.

    Fingerprints are those of the DTLS connection, ours in colon-separated hexadecimal; `keypad`
    has pairs of payload type and clock rate.
    """

    our_fingerprint: str
    their_hash: str
    their_digest: str  # hexadecimal
    dials: bool
    sends: bool
    is_held: bool
    version: int
    keypad: tuple[tuple[int, int], ...]
    announced: tuple[int, ...]
    learnt: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResumeRecord:
    """A resume record lets a fresh worker go on with a connected peer, unnoticed by it.

    It holds live SRTP keys: keep it in memory only, never log it. `tx_index` counts packets
    (rollover counter << 16 | sequence number) and is the next one to send when the record was
    made; `restore` skips ahead of everything the old worker may have sent since.
    """

    direction: StreamDirection
    local_ufrag: str
    local_pwd: str = field(repr=False)
    remote_ufrag: str
    remote_pwd: str = field(repr=False)
    address: tuple[str, int] | None  # None: the peer is on TCP and will connect again
    socket: int  # the place among the edge's UDP sockets of the one it talks to
    profile: str
    tx_key: bytes = field(repr=False)  # SRTP master key and salt
    rx_key: bytes = field(repr=False)
    payload_type: int
    local_ssrc: int
    remote_ssrc: int | None
    tx_index: int
    tx_rtcp_index: int
    rx_index: int | None
    timestamp: int
    made_at: float  # seconds of the monotonic clock, which all processes of a machine share
    duplex: DuplexRecord | None = None

    def encode(self) -> bytes:
        """Return the record as JSON bytes, for the way to the control process and back."""
        values = dataclasses.asdict(self)
        values["tx_key"], values["rx_key"] = self.tx_key.hex(), self.rx_key.hex()
        return json.dumps(values, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> "ResumeRecord":
        """Undo `encode`. Raises ValueError, KeyError or TypeError on anything else."""
        values: dict[str, Any] = json.loads(data)
        values["direction"] = StreamDirection(values["direction"])
        values["tx_key"] = bytes.fromhex(values["tx_key"])
        values["rx_key"] = bytes.fromhex(values["rx_key"])
        if values["address"] is not None:
            host, port = values["address"]
            values["address"] = (str(host), int(port))
        if values.get("duplex") is not None:
            values["duplex"] = _duplex(values["duplex"])
        return cls(**values)


def _duplex(values: dict[str, Any]) -> DuplexRecord:
    values["keypad"] = tuple((int(kind), int(rate)) for kind, rate in values["keypad"])
    values["announced"] = tuple(map(int, values["announced"]))
    values["learnt"] = tuple(map(int, values["learnt"]))
    return DuplexRecord(**values)


@dataclass(frozen=True, slots=True)
class EdgeStats:
    """Counters since the edge started; `refused` counts dropped input by reason."""

    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    send_dropped: int = 0
    packets_forwarded: int = 0
    bytes_forwarded: int = 0
    forward_dropped: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
