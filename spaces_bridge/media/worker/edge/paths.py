"""Paths back to a client: a UDP address, or a TCP connection."""

import ipaddress
import socket
import struct
import time
from collections.abc import Callable
from typing import Protocol

from spaces_bridge.media.worker.values import MAX_MEDIA_DATAGRAM

_READS_PER_WAKEUP = 64  # then other tasks get their turn: a flood must not hold up the tick
_READS_S = 0.005  # nor must sound of a call, each packet of which is sent to many
_BUFFER_BYTES = 4 << 20


class Path(Protocol):
    """A path is where datagrams of one client come from and go to. Compared by identity."""

    owner: str | None  # the peer that authenticated itself here

    @property
    def address(self) -> tuple[str, int]:
        """The client's address and port as we see them."""

    @property
    def proven(self) -> bool:
        """Return whether the transport itself shows that the client really is there."""

    def send(self, datagram: bytes) -> bool:
        """Send a datagram now or drop it; return False if it was dropped."""

    def claim(self, owner: str) -> None:
        """Note the peer that authenticated itself here: what comes from here is the peer's."""

    def forget(self) -> None:
        """Keep nothing of this path: its peer is gone."""


class UdpPath:
    """A UDP path is one remote address on one of our UDP sockets."""

    proven = False

    def __init__(self, port: "UdpPort", name: tuple[str | int, ...]) -> None:
        self.port = port
        self.name = name
        self.owner: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The client's address and port."""
        return str(self.name[0]), int(self.name[1])

    @property
    def raw_name(self) -> bytes:
        """The address as a `sockaddr` for sendmmsg: 16 bytes, or 28 for IPv6."""
        return _raw_name(self.port.socket.family, self.name)

    def send(self, datagram: bytes) -> bool:
        """Send a datagram now or drop it; return False if it was dropped."""
        try:
            self.port.socket.sendto(datagram, self.name)
        except OSError:
            return False
        return True

    def claim(self, owner: str) -> None:
        """Recognise this address from now on."""
        self.owner = owner
        self.port.paths[self.name] = self

    def forget(self) -> None:
        """Stop recognising this address."""
        self.owner = None
        self.port.paths.pop(self.name, None)


class UdpPort:
    """A UDP port is one bound socket; `paths` are the addresses that peers authenticated from."""

    def __init__(
        self,
        sock: socket.socket,
        received: Callable[["UdpPath", bytes], None],
        place: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.socket = sock
        self.place = place
        self._clock = clock
        self.paths: dict[tuple[str | int, ...], UdpPath] = {}
        self._received = received
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)  # the kernel caps it

    def read(self) -> None:
        """Take in the datagrams that have arrived; never raises for what a remote host does."""
        until = self._clock() + _READS_S
        for _ in range(_READS_PER_WAKEUP):
            try:
                datagram, name = self.socket.recvfrom(MAX_MEDIA_DATAGRAM + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an ICMP error for something we sent
                continue
            self._received(self.paths.get(name) or UdpPath(self, name), datagram)
            if self._clock() > until:
                return

    def path_to(self, address: tuple[str, int]) -> UdpPath:
        """Return the path to a known client. Raises ValueError if this socket cannot reach it."""
        host, number = address
        ip = ipaddress.ip_address(host)
        if (ip.version == 6) is not (self.socket.family == socket.AF_INET6):
            raise ValueError("the address is of another family than the socket")
        name = (host, number) if ip.version == 4 else (host, number, 0, 0)
        return self.paths.get(name) or UdpPath(self, name)


def _raw_name(family: int, name: tuple[str | int, ...]) -> bytes:
    host, number = str(name[0]).partition("%")[0], int(name[1])
    if family == socket.AF_INET:
        return struct.pack("=H", family) + struct.pack(
            "!H4s8x", number, socket.inet_pton(socket.AF_INET, host)
        )
    flow, scope = (int(name[2]), int(name[3])) if len(name) == 4 else (0, 0)
    inner = struct.pack("!HI16s", number, flow, socket.inet_pton(socket.AF_INET6, host))
    return struct.pack("=H", family) + inner + struct.pack("=I", scope)
