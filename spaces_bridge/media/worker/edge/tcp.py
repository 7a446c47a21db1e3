"""ICE-TCP (RFC 6544), passive, for clients behind firewalls that let no UDP through.

Every packet is preceded by its length in two bytes (RFC 4571).
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence

from spaces_bridge.media.worker.edge.strangers import Strangers
from spaces_bridge.media.worker.values import longest

STRANGER_S = 5.0
"""Seconds a connection may take until it has authenticated itself."""

_SHORTEST = 12  # nothing we understand is shorter; a flood of tiny frames would be costly
_BUFFER = 4096  # bytes of one client that are parsed before others get their turn
_BACKLOG = 16 * 1024  # some seconds; a client that reads slower than it listens loses packets
_KERNEL_BACKLOG = 32 * 1024
"""Bytes that the kernel keeps for a client that does not read (it takes them twice). Without a
bound it is as much as 4 MiB: memory, and minutes of sound that nobody wants any more."""
_ACCEPTS_PER_WAKEUP = 32
_PAUSE_S = 1.0
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class BadFrame(ValueError):
    """The stream holds something that is not a framed packet."""


class Deframer:
    """A deframer cuts a byte stream into packets. Pure."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the packets completed by `chunk`. Raises BadFrame; the stream is then useless."""
        stream, at, packets = self._rest + chunk, 0, list[bytes]()
        while len(stream) - at >= 2:
            size = int.from_bytes(stream[at : at + 2])
            if not _SHORTEST <= size <= longest(stream[at + 2 : at + 3]):
                raise BadFrame(f"a frame of {size} bytes")
            if len(stream) - at < 2 + size:
                break
            packets.append(stream[at + 2 : at + 2 + size])
            at += 2 + size
        self._rest = stream[at:]
        return packets


def frame(packet: bytes) -> bytes:
    """Return a packet with its length in front."""
    return len(packet).to_bytes(2) + packet


class TcpConnection(asyncio.BufferedProtocol):
    """A TCP connection that was accepted is a path like any other."""

    proven = True  # the three-way handshake proved it

    def __init__(self, listener: "TcpListener") -> None:
        self.owner: str | None = None
        self._listener = listener
        self._deframer = Deframer()
        self._buffer = bytearray(_BUFFER)
        self._transport: asyncio.Transport | None = None
        self._address = ("0.0.0.0", 0)

    @property
    def address(self) -> tuple[str, int]:
        """The client's address and port."""
        return self._address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`. Keeps the transport and the client's address."""
        assert isinstance(transport, asyncio.Transport)
        name = transport.get_extra_info("peername")
        if name is None:  # gone already
            transport.abort()
            return
        self._transport, self._address = transport, (name[0], name[1])

    def get_buffer(self, sizehint: int) -> bytearray:
        """Part of `asyncio.BufferedProtocol`. Return the buffer for the next bytes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Cut what came into packets; a stream that is not framed is cut off."""
        try:
            packets = self._deframer.feed(bytes(self._buffer[:nbytes]))
        except BadFrame:
            self._listener.refused("tcp_frame")
            self.abort()
            return
        for packet in packets:
            self._listener.received(self, packet)
        if packets and self.owner is None:  # a stranger's first packets must authenticate it
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the edge that this path is gone."""
        self._transport = None
        self._listener.lost(self)

    def send(self, datagram: bytes) -> bool:
        """Send a packet now or drop it; return False if it was dropped."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > _BACKLOG:
            return False
        transport.write(frame(datagram))
        return True

    def claim(self, owner: str) -> None:
        """Note the peer that has authenticated itself on this connection."""
        self.owner = owner
        self._listener.knows(self)

    def forget(self) -> None:
        """Hang up after sending what is left, if it is taken in time: the peer is gone."""
        self.owner = None
        if self._transport is not None:
            self._listener.knows_no_more(self)
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()


class TcpListener:
    """The ICE-TCP listener of an edge accepts connections; strangers make room for newcomers."""

    def __init__(
        self,
        received: Callable[[TcpConnection, bytes], None],
        lost: Callable[[TcpConnection], None],
        refused: Callable[[str], None],
        *,
        most: int,
    ) -> None:
        """`most` is the number of connections at the same time."""
        self.received = received
        self.refused = refused
        self._gone = lost
        self._most = most
        self._connections = set[TcpConnection]()
        self._strangers = Strangers[TcpConnection]()
        self._pending = set[asyncio.Task[None]]()
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._listeners: Sequence[socket.socket] = ()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, listeners: Sequence[socket.socket], loop: asyncio.AbstractEventLoop) -> None:
        """Begin to accept."""
        self._listeners, self._loop = listeners, loop
        for listener in listeners:
            loop.add_reader(listener, self._accept, listener, loop)

    def _accept(self, listener: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(_ACCEPTS_PER_WAKEUP):
            try:
                connection, name = listener.accept()
            except OSError as error:  # nobody waiting, or gone already
                if error.errno in _EXHAUSTED:  # trying again at once would only keep us busy
                    self._pause(listener, loop)
                return
            if not self._make_room_for(name[0]):
                self.refused("tcp_full")
                connection.close()
                continue
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BACKLOG)
            protocol = TcpConnection(self)
            self._connections.add(protocol)
            self._strangers.add(protocol, name[0], loop.time())
            task = loop.create_task(self._welcome(connection, protocol, loop))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    def _pause(self, listener: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self.refused("tcp_exhausted")
        loop.remove_reader(listener)
        self._pauses[listener] = loop.call_later(
            _PAUSE_S, loop.add_reader, listener, self._accept, listener, loop
        )

    def _make_room_for(self, host: str) -> bool:
        """Return whether a newcomer may come in; the oldest stranger may have to go for it."""
        leaving = self._strangers.in_the_way_of(host)
        if leaving is not None:
            self._show_out(leaving)
        return len(self._connections) < self._most

    def _show_out(self, stranger: TcpConnection) -> None:
        self.refused("tcp_stranger")
        stranger.abort()
        self.lost(stranger)

    async def _welcome(
        self, sock: socket.socket, protocol: TcpConnection, loop: asyncio.AbstractEventLoop
    ) -> None:
        try:
            await loop.connect_accepted_socket(lambda: protocol, sock)
        except OSError:
            sock.close()
            self.lost(protocol)
            return
        if protocol not in self._connections:  # it was shown out before it was quite here
            protocol.abort()

    def lost(self, connection: TcpConnection) -> None:
        """Forget a connection that ended, and tell the edge."""
        self._strangers.discard(connection)
        if connection in self._connections:
            self._connections.discard(connection)
            self._gone(connection)

    def knows(self, connection: TcpConnection) -> None:
        """Note that a connection has authenticated itself."""
        self._strangers.discard(connection)

    def knows_no_more(self, connection: TcpConnection) -> None:
        """Note that a connection's peer is gone: like any stranger, it has `STRANGER_S` left."""
        if self._loop is not None and connection in self._connections:
            self._strangers.add(connection, connection.address[0], self._loop.time())

    def hang_up_on_strangers(self, now: float) -> None:
        """Drop connections that did not authenticate in time; `now` is the loop's clock."""
        for connection in self._strangers.since_before(now - STRANGER_S):
            self._show_out(connection)

    def close(self) -> None:
        """Stop accepting connections and end all that there are."""
        if self._loop is not None:
            for listener in self._listeners:
                self._loop.remove_reader(listener)
        for pause in self._pauses.values():
            pause.cancel()
        for task in self._pending:
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        self._connections.clear()
