"""Clients for servers that speak full ICE, or that offer instead of answering."""

import asyncio
import contextlib
import re
import socket

from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import Server, WirePeer, read_answer

HOST = "127.0.0.1"
_AGAIN_S = 0.1
_KEEP_ALIVE_S = 2.5
_RECEIVE_BUFFER = 1 << 20
_OTHER_CANDIDATE = re.compile(r"a=candidate:\S+ \S+ \S+ \S+ \S*[^0-9. ]\S* ")


class FullIcePeer(WirePeer):
    """A WirePeer that can leave nomination to the server and repeats lost DTLS flights."""

    def __init__(self, direction: StreamDirection, identity: Identity) -> None:
        super().__init__(direction, identity, keep=False)
        self.controls = True

    def check(self, *, nominate: bool = True) -> bytes:
        """Return a binding request, which nominates only when this side made the offer."""
        return super().check(nominate=nominate and self.controls)

    def repeat_flight(self) -> None:
        """Send the last DTLS flight again when OpenSSL's timer says that it was lost."""
        if self._ssl is None or self.keys is not None:
            return
        if self._ssl.DTLSv1_get_timeout() == 0:
            self._ssl.DTLSv1_handle_timeout()
            self._flush()


class Client:
    """A client on a socket of its own, which is bound before any SDP is written."""

    def __init__(
        self, direction: StreamDirection, identity: Identity, peer: FullIcePeer | None = None
    ) -> None:
        self.peer = peer or FullIcePeer(direction, identity)
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.setblocking(False)
        self._timer: asyncio.TimerHandle | None = None
        self._connected = asyncio.Event()
        self.host = HOST
        """The address that the socket is bound to: any of 127.0.0.0/8."""

    def offer(self) -> str:
        """Return this client's offer: one loopback candidate, and the active side of DTLS."""
        self.bind()
        return self.with_candidate(self.peer.offer())

    def bind(self) -> None:
        """Bind the socket, whose address is the candidate."""
        self._socket.bind((self.host, 0))

    def accept(self, answer: str) -> None:
        """Take the server's answer. Raises ValueError."""
        self._dial(read_answer(_ipv4(answer)))

    def answer(self, offer: str) -> str:
        """Return the answer to a server's offer; the server nominates. Raises ValueError."""
        kind = re.search(r"^a=rtpmap:(\d+) opus/48000/2", offer, re.MULTILINE | re.IGNORECASE)
        mid = re.search(r"^a=mid:(\S+)", offer, re.MULTILINE)
        if kind is None or mid is None:
            raise ValueError("the offer holds no Opus audio with a mid")
        self.peer.controls = False
        self._dial(read_answer(_ipv4(offer)))
        answer = self.peer.offer().replace("BUNDLE 0", f"BUNDLE {mid[1]}")
        answer = answer.replace("a=mid:0", f"a=mid:{mid[1]}")
        return self.with_candidate(re.sub(r"(SAVPF |rtpmap:)\d+", rf"\g<1>{kind[1]}", answer))

    def with_candidate(self, sdp: str) -> str:
        """Return a description of this client's with its candidate, as the wire has it."""
        host, port = self._socket.getsockname()
        sdp = sdp.replace("a=setup:actpass", "a=setup:active")
        sdp += f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\na=end-of-candidates\n"
        return sdp.replace("\n", "\r\n")

    def _dial(self, server: Server) -> None:
        self.peer.server = server
        self.peer.transmit = self.send
        self._socket.connect(server.address)

    async def connect(self, timeout_s: float = 20.0) -> None:
        """Do the ICE checks and the DTLS handshake. Raises TimeoutError."""
        self._loop.add_reader(self._socket, self._read)
        self._tick()
        async with asyncio.timeout(timeout_s):
            await self._connected.wait()

    def send(self, datagram: bytes) -> None:
        """Send a datagram; a refused or full socket loses it, as networks do."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._socket.send(datagram)

    def fileno(self) -> int:
        """Return the socket's file descriptor."""
        return self._socket.fileno()

    def stop_listening(self) -> None:
        """Stay connected, and leave unread whatever comes."""
        self._loop.remove_reader(self._socket)

    def close(self) -> None:
        """Close the socket without telling the server."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _tick(self) -> None:
        self.peer.send_check()
        self.peer.repeat_flight()
        wait = _AGAIN_S if self.peer.keys is None else _KEEP_ALIVE_S
        self._timer = self._loop.call_later(wait, self._tick)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            for datagram in iter(lambda: self._socket.recv(2048), b""):
                self.peer.receive(datagram)
        if self.peer.keys is not None:
            self._connected.set()


def _ipv4(sdp: str) -> str:
    """Return the SDP without the candidates that our IPv4 socket cannot reach."""
    lines = sdp.replace("\r\n", "\n").split("\n")
    return "\n".join(line for line in lines if not _OTHER_CANDIDATE.match(line))
