"""The other side of an SCTP association for tests, without I/O: it begins it, and acknowledges."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from spaces_bridge.media.worker.edge.sctp import dcep, packets
from spaces_bridge.media.worker.edge.sctp.arrivals import Arrivals
from spaces_bridge.media.worker.edge.sctp.channels import RELIABLE
from spaces_bridge.media.worker.edge.sctp.packets import FIRST, LAST, Data, Init, Kind

WINDOW = 128 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message that has come."""

    stream: int
    protocol: int
    payload: bytes


@dataclass
class SctpClient:
    """A client; `take` says what it answers to a packet."""

    trusts_dtls: bool = True
    window: int = WINDOW
    tag: int = field(default_factory=lambda: secrets.randbelow(1 << 31) + 1)
    tsn: int = 0xFFFFFFFE
    """Its next TSN: they begin anew at 0 soon."""
    theirs: Init | None = None
    is_open: bool = False
    messages: list[Message] = field(default_factory=list)
    """The messages that have come, in the order of their TSNs."""
    echoes: list[bytes] = field(default_factory=list)
    seen: list[Kind] = field(default_factory=list)
    """The kinds of all chunks that came."""
    _arrivals: Arrivals | None = None
    _data: dict[int, Data] = field(default_factory=dict)
    _next: int = 0
    _sequences: dict[int, int] = field(default_factory=dict)

    def init(self, *, tag: int = 0, window: int | None = None, streams: int = 1024) -> bytes:
        """The packet that begins the association."""
        first = Init(
            self.tag,
            self.window if window is None else window,
            streams,
            streams,
            self.tsn,
            forwards=True,
            trusts_dtls=self.trusts_dtls,
        )
        return packets.packet(packets.PORT, tag, packets.init(Kind.INIT, first))

    def packet(self, chunks: bytes, *, tag: int | None = None) -> bytes:
        """A packet of these chunks."""
        assert self.theirs is not None
        tag = self.theirs.tag if tag is None else tag
        return packets.packet(packets.PORT, tag, chunks, checked=False)

    def data(self, stream: int, protocol: int, payload: bytes, flags: int = FIRST | LAST) -> bytes:
        """The next DATA chunk."""
        sequence = self._sequences.get(stream, 0)
        self._sequences[stream] = sequence + 1
        chunk = b"".join(packets.data(Data(flags, self.tsn, stream, sequence, protocol, payload)))
        self.tsn = (self.tsn + 1) & 0xFFFFFFFF
        return chunk

    def opens(self, stream: int = 0, label: str = RELIABLE) -> bytes:
        """The packet that opens a channel."""
        return self.packet(self.data(stream, dcep.PROTOCOL, dcep.write_open(label)))

    def take(self, packet: bytes) -> list[bytes]:
        """Take a packet in; return the answers."""
        answers, has_data = b"", False
        for chunk in packets.read_packet(packet).chunks:
            kind = Kind(chunk.kind)
            self.seen.append(kind)
            if kind is Kind.INIT_ACK:
                self.theirs = packets.read_init(chunk.value)
                self._next = self.theirs.tsn
                self._arrivals = Arrivals(self._next)
                answers += packets.chunk(Kind.COOKIE_ECHO, self.theirs.cookie)
            elif kind is Kind.COOKIE_ACK:
                self.is_open = True
            elif kind is Kind.HEARTBEAT_ACK:
                self.echoes.append(chunk.value)
            elif kind is Kind.DATA:
                has_data = True
                self._take_data(packets.read_data(chunk))
        if has_data and self._arrivals is not None:
            answers += packets.sack(replace(self._arrivals.sack(), window=self.window))
        return [self.packet(answers)] if answers else []

    def _take_data(self, data: Data) -> None:
        assert self._arrivals is not None
        if self._arrivals.note(data.tsn):
            self._data[data.tsn] = data
        while pieces := list(self._whole()):
            payload = b"".join(piece.payload for piece in pieces)
            self.messages.append(Message(pieces[0].stream, pieces[0].protocol, payload))

    def _whole(self) -> Iterable[Data]:
        """The fragments of the next message, if all have come."""
        found, tsn = list[Data](), self._next
        while tsn in self._data:
            found.append(self._data[tsn])
            tsn = (tsn + 1) & 0xFFFFFFFF
            if found[-1].flags & LAST:
                for piece in found:
                    del self._data[piece.tsn]
                self._next = tsn
                return found
        return []

    def texts(self) -> list[bytes]:
        """The binary messages that have come."""
        return [each.payload for each in self.messages if each.protocol == dcep.BINARY]


Drops = Callable[[int], bool]
"""Says of each packet, by its number, whether the path loses it."""


def nothing(_number: int) -> bool:
    """A path that loses nothing."""
    return False
