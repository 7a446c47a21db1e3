"""What the control process and a media worker say to each other; `codec` makes bytes of it.

Before its first message the worker sends a `Greeting`, whose few bytes carry the sockets
(SCM_RIGHTS). Times are milliseconds since the live space started. Space, user and peer ids are
opaque.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from spaces_bridge.wire.messages import BadMessage

PROTOCOL: Final = 1
"""Both sides must speak the same. `Attach`, `Greeting`, `Record` and `Synced` never change: so a
new control process can take over the peers of an old worker. Their kinds are in `codec`."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Control's first message: it is the control process now, and may want the sockets."""

    protocol: int
    sockets: bool


@dataclass(frozen=True, slots=True)
class OpenSpace:
    """A live space has sound; `elapsed_ms` since it started. Known ones go on as they are."""

    space: SpaceId
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class CloseSpace:
    """A live space is over: its peers are hung up, its gates shut."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class PeerOffer:
    """A WebRTC client wants to join; `Answer` or `PeerRefused` will say."""

    request: int
    space: SpaceId
    peer: str
    user: UserId
    direction: StreamDirection
    sdp: str


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """Hang up one peer."""

    peer: str


@dataclass(frozen=True, slots=True)
class SetGate:
    """Whether a user may be heard, from the next tick on."""

    space: SpaceId
    user: UserId
    open: bool


@dataclass(frozen=True, slots=True)
class SetGates:
    """Exactly these users may be heard."""

    space: SpaceId
    users: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class SubscribeMix:
    """Whether the shared mix is wanted as `MixPacket`, first the last `MIX_KEPT` of them."""

    space: SpaceId
    on: bool


@dataclass(frozen=True, slots=True)
class AudioTaken:
    """Everything the user said before `until_ms` is captioned: forget it."""

    space: SpaceId
    user: UserId
    until_ms: int


@dataclass(frozen=True, slots=True)
class ReplayAudio:
    """Send again what the user said since `from_ms`, as far as it is kept."""

    space: SpaceId
    user: UserId
    from_ms: int


@dataclass(frozen=True, slots=True)
class Restore:
    """Go on with a peer of a worker that died; `record` is what its `Record` held."""

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    record: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered with `Pong` of the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class PeerSeat:
    """One peer, as `Hello` lists it."""

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    phase: PeerPhase


@dataclass(frozen=True, slots=True)
class Hello:
    """The worker's first message: who it is and what it has, gates by space."""

    pid: int
    gates: Mapping[SpaceId, tuple[UserId, ...]]
    peers: tuple[PeerSeat, ...]


@dataclass(frozen=True, slots=True)
class Synced:
    """All records have been sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The SDP answer to an `PeerOffer`."""

    request: int
    sdp: str


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """An `PeerOffer` that was not accepted; `text` is a plain sentence for its user."""

    request: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """A peer connected or is gone (`reason` says why).

    Connected, with a reason: it has been connected, and that is what is wrong with its sound.
    """

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    phase: PeerPhase
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """What it takes to go on with a peer in another worker. Holds keys: memory only, no log."""

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    record: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AudioLevels:
    """How loud everybody on air is, 0..100; only on change, at most five times a second."""

    space: SpaceId
    levels: Mapping[UserId, int]


@dataclass(frozen=True, slots=True)
class SpeakerAudio:
    """What a speaker said from `at_ms` on: s16le, 16 kHz, mono; about 100 ms."""

    space: SpaceId
    user: UserId
    at_ms: int
    pcm: bytes


MIX_KEPT: Final = 210
"""Packets of the shared mix (4.2 s) that whoever begins to listen over HTTP gets at once.

Chromium hands sound to its player in blocks of 32 kB: with the stream's least rate (see
`spaces_bridge.media.ogg`) this fills the first one.
"""


@dataclass(frozen=True, slots=True)
class MixPacket:
    """20 ms of the shared mix; `sequence` counts 20 ms from the start of the live space."""

    space: SpaceId
    sequence: int
    opus: bytes


@dataclass(frozen=True, slots=True)
class Stats:
    """Numbers for the metrics, about once a second."""

    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Pong:
    """The worker is alive."""

    number: int


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another control process took over; this connection ends."""


ToMediaWorker: TypeAlias = (
    Attach | OpenSpace | CloseSpace | PeerOffer | ClosePeer | SetGate | SetGates | SubscribeMix
    | AudioTaken | ReplayAudio | Restore | Ping
)  # fmt: skip
FromMediaWorker: TypeAlias = (
    Hello | Synced | Answer | PeerRefused | PeerChanged | Record | AudioLevels | SpeakerAudio
    | MixPacket | Stats | Pong | Superseded
)  # fmt: skip
MediaMessage: TypeAlias = ToMediaWorker | FromMediaWorker


class Greeting(NamedTuple):
    """The worker's first bytes; that many UDP and TCP sockets travel with them."""

    protocol: int
    udp: int
    tcp: int


_MAGIC: Final = b"SBMW"
_GREETING: Final = struct.Struct(">4sHBB")
GREETING_SIZE: Final = _GREETING.size


def pack_greeting(greeting: Greeting) -> bytes:
    """The greeting's bytes."""
    return _GREETING.pack(_MAGIC, *greeting)


def unpack_greeting(data: bytes) -> Greeting:
    """The greeting of a worker; BadMessage if it is none."""
    if len(data) != GREETING_SIZE or not data.startswith(_MAGIC):
        raise BadMessage("what answers is no media worker")
    return Greeting(*_GREETING.unpack(data)[1:])
