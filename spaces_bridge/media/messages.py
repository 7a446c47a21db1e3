"""The messages between the control process and a media worker; `codec` turns them into bytes.

Before its first message the worker sends a `Greeting`, whose few bytes carry the sockets
(SCM_RIGHTS). Times are milliseconds since the live space started. Space, user and peer ids are
opaque.
"""

import itertools
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from spaces_bridge.wire.messages import BadMessage

PROTOCOL: Final = 5
"""The protocol's version, which must be the same on both sides. `Attach`, `Greeting`, `Record` and
`Synced` never change: so a new control process can take over the peers of an old worker. Their
kinds are in `codec`."""


@dataclass(frozen=True, slots=True)
class Attach:
    """The control process's first message: it takes over now, and may want the sockets."""

    protocol: int
    sockets: bool


@dataclass(frozen=True, slots=True)
class OpenSpace:
    """Give a live space sound; `elapsed_ms` since it started. A known one goes on as it is."""

    space: SpaceId
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class CloseSpace:
    """End a live space: its peers are hung up, its gates shut."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class PeerOffer:
    """A WebRTC client wants to join; the worker replies with `Answer` or `PeerRefused`."""

    request: int
    space: SpaceId
    peer: str
    user: UserId
    direction: StreamDirection
    sdp: str


@dataclass(frozen=True, slots=True)
class OfferDuplex:
    """Offer a duplex connection to a client; the reply is as to `PeerOffer`, with our offer."""

    request: int
    space: SpaceId
    peer: str
    user: UserId


@dataclass(frozen=True, slots=True)
class AcceptDuplexAnswer:
    """Take a client's answer to `OfferDuplex`; the worker replies as there, with an empty SDP."""

    request: int
    peer: str
    sdp: str


@dataclass(frozen=True, slots=True)
class RenegotiateDuplex:
    """Answer another offer of a duplex peer's client; the reply is as to `PeerOffer`."""

    request: int
    peer: str
    sdp: str


@dataclass(frozen=True, slots=True)
class PlayPrompt:
    """Play a packaged prompt to a duplex peer alone, in place of any other.

    The worker says `PromptEnded` once for each.
    """

    peer: str
    prompt: str
    language: str


@dataclass(frozen=True, slots=True)
class SpeakerStream:
    """A speaker's stream for a call peer; `stream` and `track` are its msid (RFC 8830)."""

    speaker: UserId
    stream: str
    track: str


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Answer the offer of a call's client, who is to get these streams.

    If not `is_known`, `peer` is a new one. The worker replies with `CallNegotiated` or
    `PeerRefused`.
    """

    request: int
    space: SpaceId
    peer: str
    user: UserId
    is_known: bool
    sdp: str
    streams: tuple[SpeakerStream, ...]


@dataclass(frozen=True, slots=True)
class OfferCall:
    """Offer streams to a call's client; the rest is as in `AnswerCall`."""

    request: int
    space: SpaceId
    peer: str
    user: UserId
    is_known: bool
    streams: tuple[SpeakerStream, ...]


@dataclass(frozen=True, slots=True)
class AcceptCallAnswer:
    """Take the answer to `OfferCall`; the worker replies as there, with an empty SDP."""

    request: int
    peer: str
    sdp: str


@dataclass(frozen=True, slots=True)
class UseMicrophone:
    """Take a call or duplex peer's microphone for its user's, in place of any other; or not."""

    peer: str
    on: bool


@dataclass(frozen=True, slots=True)
class SendData:
    """Send call peers messages on their reliable data channel, all of them or none.

    `sizes` cut `data` into the messages. Who has no such channel, or takes nothing, is passed
    over; `fades`: also who has not got the messages before yet.
    """

    peers: tuple[str, ...]
    sizes: tuple[int, ...]
    fades: bool
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, peers: Iterable[str], messages: Sequence[bytes], *, fades: bool) -> "SendData":
        """Return the message that has these sent."""
        return cls(tuple(peers), tuple(map(len, messages)), fades, b"".join(messages))

    def messages(self) -> list[bytes]:
        """Return the messages."""
        ends = list(itertools.accumulate(self.sizes))
        return [self.data[end - size : end] for size, end in zip(self.sizes, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """Hang up one peer."""

    peer: str


@dataclass(frozen=True, slots=True)
class SetGate:
    """Open or shut a user's gate, from the next tick on."""

    space: SpaceId
    user: UserId
    open: bool


@dataclass(frozen=True, slots=True)
class SetGates:
    """Open the gates of exactly these users."""

    space: SpaceId
    users: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class SetVolumes:
    """Have exactly these users heard so loud, in percent; all others automatically."""

    space: SpaceId
    volumes: Mapping[UserId, int]


@dataclass(frozen=True, slots=True)
class SubscribeMix:
    """Ask for the shared mix as `MixPacket`, first the last `MIX_KEPT` of them, or no more."""

    space: SpaceId
    on: bool


@dataclass(frozen=True, slots=True)
class AudioTaken:
    """Forget the user's sound from before `until_ms`: it is captioned."""

    space: SpaceId
    user: UserId
    until_ms: int


@dataclass(frozen=True, slots=True)
class ReplayAudio:
    """Send the user's sound since `from_ms` again, as far as it is kept."""

    space: SpaceId
    user: UserId
    from_ms: int


@dataclass(frozen=True, slots=True)
class UseRoomSound:
    """Take the sound that comes of a room at an SFU for a user's microphone; or no longer.

    It takes the place of any other, and the next that is opened takes its place.
    """

    space: SpaceId
    user: UserId
    on: bool


@dataclass(frozen=True, slots=True)
class PublishSpeakers:
    """Hand the sound of all who speak by a peer of ours to the SFU client, behind the gate."""

    space: SpaceId
    on: bool


@dataclass(frozen=True, slots=True)
class Restore:
    """Go on with a peer of a worker that died; `record` is that of its `Record`."""

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    record: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a sign of life; the worker answers with a `Pong` of the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class PeerSeat:
    """A peer seat is one peer as `Hello` lists it.

    Of a call peer it says whether it is its user's microphone, and whether it gets streams.
    """

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    phase: PeerPhase
    speaks: bool = False
    listens: bool = False


@dataclass(frozen=True, slots=True)
class Hello:
    """The worker's first message: its process, its open gates by space, and its peers."""

    pid: int
    gates: Mapping[SpaceId, tuple[UserId, ...]]
    peers: tuple[PeerSeat, ...]


@dataclass(frozen=True, slots=True)
class Synced:
    """All records have been sent to the control process that attached."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The SDP answer to a `PeerOffer`; `is_held`: a duplex peer's client takes no sound now."""

    request: int
    sdp: str
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A duplex peer's person pressed a key of their keypad: one of `0123456789*#`."""

    peer: str
    key: str


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """A prompt of `PlayPrompt` was played to its end, or will not be."""

    peer: str
    prompt: str


@dataclass(frozen=True, slots=True)
class CallNegotiated:
    """A call peer's negotiation succeeded; see `values.Negotiated`.

    `speaks`: the peer is its user's microphone now; `listens`: it gets streams.
    """

    request: int
    peer: str
    sdp: str
    sections: Mapping[str, str]
    missing: int
    microphone: str
    speaks: bool
    listens: bool


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """A peer's offer or answer was not accepted; `text` is a plain sentence for its user."""

    request: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """A peer connected or is gone (`reason` says why).

    A connected peer with a reason connected before: the reason says what is wrong with its
    sound. `speaks` and `listens` are as in `CallNegotiated`.
    """

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    phase: PeerPhase
    reason: str
    speaks: bool = False
    listens: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A record lets another worker go on with a peer. It holds keys: memory only, no log."""

    peer: str
    space: SpaceId
    user: UserId
    direction: StreamDirection
    record: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AudioLevels:
    """The loudness of everybody on air, 0..100; only on change, at most five times a second."""

    space: SpaceId
    levels: Mapping[UserId, int]


@dataclass(frozen=True, slots=True)
class SoundGaps:
    """Who on air is heard with gaps, and how much is missing, in percent.

    Every 2 s while it is anybody, and once more when it is nobody any longer.
    """

    space: SpaceId
    missing: Mapping[UserId, int]


@dataclass(frozen=True, slots=True)
class SpeakerAudio:
    """A speaker's sound from `at_ms` on: s16le, 16 kHz, mono; about 100 ms."""

    space: SpaceId
    user: UserId
    at_ms: int
    pcm: bytes


MIX_KEPT: Final = 210
"""Packets of the shared mix (4.2 s) that a new listener over HTTP gets at once.

Chromium hands sound to its player in blocks of 32 kB: with the stream's least rate (see
`spaces_bridge.media.ogg`) this fills the first one.
"""


@dataclass(frozen=True, slots=True)
class MixPacket:
    """A packet of the shared mix, 20 ms; `sequence` counts 20 ms since the live space started."""

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
    """Another control process took over from this one; this connection ends."""


CallRequest: TypeAlias = AnswerCall | OfferCall | AcceptCallAnswer
DuplexRequest: TypeAlias = OfferDuplex | AcceptDuplexAnswer | RenegotiateDuplex
WorkerOrder: TypeAlias = (
    OpenSpace | CloseSpace | PeerOffer | SendData | CallRequest | DuplexRequest | PlayPrompt
    | UseMicrophone | ClosePeer | SetGate | SetGates | SetVolumes | SubscribeMix | AudioTaken
    | ReplayAudio | UseRoomSound | PublishSpeakers | Restore | Ping
)  # fmt: skip
"""What an attached control process has the worker do."""
ToMediaWorker: TypeAlias = Attach | WorkerOrder
FromMediaWorker: TypeAlias = (
    Hello | Synced | Answer | CallNegotiated | PeerRefused | PeerChanged | KeyPressed
    | PromptEnded | Record | AudioLevels | SoundGaps | SpeakerAudio | MixPacket | Stats | Pong
    | Superseded
)  # fmt: skip
MediaMessage: TypeAlias = ToMediaWorker | FromMediaWorker


class Greeting(NamedTuple):
    """The worker's first bytes; so many UDP and TCP sockets travel with them."""

    protocol: int
    udp: int
    tcp: int


_MAGIC: Final = b"SBMW"
_GREETING: Final = struct.Struct(">4sHBB")
GREETING_SIZE: Final = _GREETING.size


def pack_greeting(greeting: Greeting) -> bytes:
    """Return the bytes of a greeting."""
    return _GREETING.pack(_MAGIC, *greeting)


def unpack_greeting(data: bytes) -> Greeting:
    """Return the greeting in a worker's first bytes. Raises BadMessage if there is none."""
    if len(data) != GREETING_SIZE or not data.startswith(_MAGIC):
        raise BadMessage("what answers is no media worker")
    return Greeting(*_GREETING.unpack(data)[1:])
