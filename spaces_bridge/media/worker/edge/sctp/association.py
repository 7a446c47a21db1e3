"""One SCTP association over DTLS, always begun by the other side (RFC 9260, RFC 8261).

Browsers and libwebrtc begin it as soon as DTLS is up; we only answer. What their messages say is
nobody's business here: all but those that open channels are acknowledged and dropped, piece by
piece, so that nothing is ever put together or kept. Streams are not reset (RFC 6525): clients of
calls close the whole connection.
"""

import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from spaces_bridge.media.worker.edge.sctp import dcep, packets
from spaces_bridge.media.worker.edge.sctp.arrivals import WINDOW, Arrivals
from spaces_bridge.media.worker.edge.sctp.pacing import PACKET
from spaces_bridge.media.worker.edge.sctp.packets import (
    FIRST,
    LAST,
    BadPacket,
    Chunk,
    Init,
    Kind,
    Packet,
)
from spaces_bridge.media.worker.edge.sctp.sending import SendQueue

STREAMS: Final = 64
"""Streams each way; LiveKit's clients use three."""
_KNOWN: Final = frozenset(Kind)
_LEAST_WINDOW: Final = 1500
"""Bytes; with less (RFC 9260, 3.3.2) a client means no association."""


class AssociationPhase(Enum):
    """How far an association is."""

    CLOSED = "closed"
    ANSWERED = "answered"
    OPEN = "open"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class _Sides:
    """What the two sides have told of themselves."""

    theirs: Init
    ours: Init
    port: int


class Association:
    """The association of one peer. It keeps nothing until the other side begins it."""

    def __init__(self, opened: Callable[[], None], control: Callable[[int, bytes], None]) -> None:
        """`opened` is called each time it is open, `control` with each DCEP message's stream."""
        self._opened, self._control = opened, control
        self._phase = AssociationPhase.CLOSED
        self._sides: _Sides | None = None
        self._arrivals: Arrivals | None = None
        self._queue: SendQueue | None = None

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._phase is AssociationPhase.OPEN

    @property
    def due(self) -> float | None:
        """When `tick` has something to do; None: not as long as nothing is sent."""
        return self._queue.due if self._queue is not None else None

    @property
    def is_behind(self) -> bool:
        """Whether messages wait for earlier ones to arrive."""
        return self._queue is not None and self._queue.is_behind

    def put(self, stream: int, protocol: int, messages: list[bytes]) -> bool:
        """Queue messages: all, or none (False) if there are too many. Call `outgoing` then."""
        return self._queue is not None and self._queue.put(stream, protocol, messages)

    def outgoing(self, now: float) -> Iterator[bytes]:
        """Yield the packets that may be sent now."""
        if self._queue is not None:
            for chunks in self._queue.packets(now):
                yield self._packet(*chunks)

    def tick(self, now: float) -> Iterator[bytes]:
        """Yield what is to be sent again; an other side that takes nothing is given up."""
        if self._queue is None:
            return
        self._queue.tick(now)
        if self._queue.has_failed:
            yield self._packet(packets.chunk(Kind.ABORT))
            self._close()
        yield from self.outgoing(now)

    def receive(self, datagram: bytes, now: float) -> Iterator[bytes]:
        """Yield the packets that answer one of the other side. Raises BadPacket for none."""
        read = packets.read_packet(datagram)
        if read.chunks[0].kind == Kind.INIT:
            yield from self._begin(read)
            return
        if self._sides is None or read.tag != self._sides.ours.tag:
            raise BadPacket("of no association")
        answers = b"".join(self._answers(read, now))
        if 0 < len(answers) <= PACKET - 12:  # only the echo of a huge HEARTBEAT is longer
            yield self._packet(answers)
        yield from self.outgoing(now)

    def _packet(self, *parts: bytes) -> bytes:
        assert self._sides is not None
        theirs = self._sides.theirs
        return packets.packet(self._sides.port, theirs.tag, *parts, checked=not theirs.trusts_dtls)

    # --- beginning and end ---

    def _begin(self, read: Packet) -> Iterator[bytes]:
        """Answer INIT; one that comes again, or late, changes nothing (RFC 9260, 5.2)."""
        if read.tag or len(read.chunks) > 1:
            raise BadPacket("INIT is alone in its packet, without a tag")
        theirs = packets.read_init(read.chunks[0].value)
        if not theirs.tag or not theirs.streams_out or not theirs.streams_in:
            raise BadPacket("INIT names no tag, or no streams")
        if theirs.window < _LEAST_WINDOW:
            raise BadPacket("INIT leaves no room")
        if self._phase in (AssociationPhase.OPEN, AssociationPhase.ENDING):
            return
        if self._sides is None or self._sides.theirs != theirs:
            ours = Init(
                secrets.randbelow(0xFFFFFFFF) + 1,
                WINDOW,
                STREAMS,
                STREAMS,
                secrets.randbits(32),
                forwards=True,
                trusts_dtls=True,
                cookie=secrets.token_bytes(16),
            )
            self._sides = _Sides(theirs, ours, read.port)
        self._phase = AssociationPhase.ANSWERED
        answer = packets.init(Kind.INIT_ACK, self._sides.ours)
        yield packets.packet(read.port, theirs.tag, answer)

    def _admit(self, cookie: bytes) -> Iterator[bytes]:
        assert self._sides is not None
        if not hmac.compare_digest(cookie, self._sides.ours.cookie):
            raise BadPacket("a cookie that is not ours")
        if self._phase in (AssociationPhase.ANSWERED, AssociationPhase.OPEN):
            yield packets.chunk(Kind.COOKIE_ACK)
        if self._phase is AssociationPhase.ANSWERED:
            self._phase = AssociationPhase.OPEN
            self._arrivals = Arrivals(self._sides.theirs.tsn)
            self._queue = SendQueue(self._sides.ours.tsn, self._sides.theirs.window)
            self._opened()

    def _close(self) -> None:
        """Forget all but what a last packet needs; the other side may begin anew."""
        self._phase = AssociationPhase.CLOSED
        self._queue = self._arrivals = None

    # --- chunks ---

    def _answers(self, read: Packet, now: float) -> Iterator[bytes]:
        """Yield the chunks that answer those of a packet, its DATA acknowledged together."""
        has_data = False
        for chunk in read.chunks:
            if chunk.kind in (Kind.DATA, Kind.FORWARD_TSN):
                self._take_in(chunk)
                has_data = True
            elif chunk.kind in _KNOWN:
                yield from self._answer(chunk, now)
            elif not chunk.kind & 0x80:  # unknown, and not to be passed over (RFC 9260, 3.2)
                break
        if has_data and self._arrivals is not None:
            yield packets.sack(self._arrivals.sack())

    def _answer(self, chunk: Chunk, now: float) -> Iterator[bytes]:
        match chunk.kind:
            case Kind.COOKIE_ECHO:
                yield from self._admit(chunk.value)
            case Kind.HEARTBEAT:
                yield packets.chunk(Kind.HEARTBEAT_ACK, chunk.value)
            case Kind.SACK:
                if self._queue is not None:
                    self._queue.acknowledge(packets.read_sack(chunk.value), now)
            case Kind.SHUTDOWN:
                self._close()
                self._phase = AssociationPhase.ENDING
                yield packets.chunk(Kind.SHUTDOWN_ACK)
            case Kind.ABORT | Kind.SHUTDOWN_COMPLETE:
                self._close()
            case _:
                pass  # answers to what we never ask

    def _take_in(self, chunk: Chunk) -> None:
        """Note a DATA chunk; look only at whole messages that open channels."""
        if self._arrivals is None:
            return
        if chunk.kind == Kind.FORWARD_TSN:
            self._arrivals.forward(packets.read_forward_tsn(chunk.value))
            return
        data = packets.read_data(chunk)
        is_whole = data.flags & (FIRST | LAST) == FIRST | LAST
        is_new = self._arrivals.note(data.tsn)
        if is_new and is_whole and data.protocol == dcep.PROTOCOL and data.stream < STREAMS:
            self._control(data.stream, data.payload)
