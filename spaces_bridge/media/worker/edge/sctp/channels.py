"""The data channels of one peer: the reliable one, by which captions go out (RFC 8831, RFC 8832).

LiveKit's clients open channels on the connection that they offer. On one that we offer, which only
carries what they are sent, they wait for ours.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from spaces_bridge.media.worker.edge.sctp import dcep
from spaces_bridge.media.worker.edge.sctp.association import Association
from spaces_bridge.media.worker.edge.sctp.packets import BadPacket

RELIABLE: Final = "_reliable"
"""LiveKit's label of the channel on which nothing is lost."""


class DataChannels:
    """The data channels of one peer; `due` says when `tick` has something to do."""

    def __init__(self, opens: int | None = None) -> None:
        """`opens`: the stream on which we open the reliable channel; None: the client does.

        It is odd if the client began DTLS, even if we did (RFC 8832, 6).
        """
        self._opens = opens
        self._stream: int | None = None
        self._association = Association(self._opened, self._control)

    @property
    def due(self) -> float | None:
        """When `tick` has something to do; None: not as long as nothing is sent."""
        return self._association.due

    @property
    def is_open(self) -> bool:
        """Whether the reliable channel is open."""
        return self._stream is not None and self._association.is_open

    def receive(self, datagram: bytes, now: float) -> Iterable[bytes] | None:
        """Take a packet in; return the packets that answer it, None if it is none."""
        try:
            return list(self._association.receive(datagram, now))
        except BadPacket:
            return None

    def send(self, messages: Sequence[bytes], now: float, *, fades: bool) -> Iterable[bytes]:
        """Send messages, all or none; return the packets that may go out now.

        None are sent while the channel is not open, or too much waits; `fades`: if anything does.
        """
        if self._stream is None or not self._association.is_open:
            return ()
        if fades and self._association.is_behind:
            return ()
        self._association.put(self._stream, dcep.BINARY, list(messages))
        return list(self._association.outgoing(now))

    def tick(self, now: float) -> Iterable[bytes]:
        """Return what is to be sent again."""
        return list(self._association.tick(now))

    def _opened(self) -> None:
        self._stream = self._opens
        if self._opens is not None:
            opening = dcep.write_open(RELIABLE)
            self._association.put(self._opens, dcep.PROTOCOL, [opening])

    def _control(self, stream: int, message: bytes) -> None:
        """Acknowledge a channel that the client opens; what we send goes by the newest."""
        opened = dcep.read_open(message)
        if opened is None or stream == self._opens:
            return
        self._association.put(stream, dcep.PROTOCOL, [dcep.ACK])
        if opened.label == RELIABLE and opened.is_reliable and self._opens is None:
            self._stream = stream
