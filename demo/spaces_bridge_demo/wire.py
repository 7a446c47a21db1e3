"""The smallest WebRTC client: ICE, DTLS and SRTP are real, sound stays encoded.

It is for benchmarks, where thousands of clients must cost little, and for tests that need to see
sequence numbers, choose the SRTP profile, or connect by ICE-TCP (which aiortc cannot).
"""

import asyncio
import hmac
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from spaces_bridge.media.worker.edge import rtp, stun
from spaces_bridge.media.worker.edge.dtls import DATAGRAM, Identity
from spaces_bridge.media.worker.edge.ice import new_credentials
from spaces_bridge.media.worker.edge.srtp import Inbound, Keys, Outbound, Profile, new_ssrc
from spaces_bridge.media.worker.edge.tcp import Deframer, frame
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection
from spaces_bridge_demo.patience import PATIENCE_S
from spaces_bridge_demo.signalling import Signal

_CHECK_S = 2.5
_PAYLOAD_TYPE = 111
_OFFER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF {kind}
c=IN IP4 0.0.0.0
a=mid:0
a=ice-ufrag:{ufrag}
a=ice-pwd:{pwd}
a=fingerprint:sha-256 {fingerprint}
a=setup:{setup}
a=rtcp-mux
a=rtpmap:{kind} opus/48000/2
a={direction}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """The server's side of a connection, as its SDP answer describes it."""

    ufrag: str
    pwd: str
    fingerprint: bytes
    address: tuple[str, int]
    tcp: bool


def read_answer(answer: str) -> Server:
    """Read an answer of our own bridge. Raises ValueError for anything else."""

    def value(pattern: str) -> str:
        found = re.search(pattern, answer, re.MULTILINE)
        if found is None:
            raise ValueError(f"the answer has no {pattern}")
        return found[1].strip()

    host, port = value(r"^a=candidate:\S+ 1 udp \d+ (\S+ \d+) typ host").split()
    return Server(
        ufrag=value(r"^a=ice-ufrag:(.+)$"),
        pwd=value(r"^a=ice-pwd:(.+)$"),
        fingerprint=bytes.fromhex(value(r"^a=fingerprint:sha-256 (.+)$").replace(":", "")),
        address=(host, int(port)),
        tcp="tcptype passive" in answer,
    )


class WirePeer:
    """A WebRTC client without any I/O: datagrams come in by `receive`, go out by `transmit`."""

    def __init__(
        self,
        direction: StreamDirection,
        identity: Identity | None = None,
        *,
        keep: bool = True,
        setup: str = "actpass",
    ) -> None:
        """`keep` remembers received packets in `packets`, not only their number.

        `setup` is the offer's DTLS role; `passive` waits for the server's DTLS.
        """
        self._setup = setup
        self.direction = direction
        self.identity = identity or Identity()
        self.transmit: Callable[[bytes], object] = lambda _: None
        self.ufrag, self.pwd = new_credentials()
        self.ssrc = new_ssrc()
        self.server: Server | None = None
        self.keys: Keys | None = None
        self.out: Outbound | None = None
        self.into: Inbound | None = None
        self.packets: list[RtpPacket] = []
        self.received = self.rejected = self.reports = self.checks_answered = 0
        self.left_by_server = False
        self._keep = keep
        self._ssl: SSL.Connection | None = None

    def offer(self) -> str:
        """Return the client's SDP offer."""
        return _OFFER.format(
            kind=_PAYLOAD_TYPE,
            ufrag=self.ufrag,
            pwd=self.pwd,
            fingerprint=self.identity.fingerprint,
            setup=self._setup,
            direction="recvonly" if self.direction is StreamDirection.LISTEN else "sendonly",
        )

    def check(self, *, nominate: bool = True) -> bytes:
        """Return a STUN binding request of this client."""
        assert self.server is not None
        name = f"{self.server.ufrag}:{self.ufrag}"
        return stun.request(name, self.server.pwd, stun.new_transaction(), nominate=nominate)

    def send_check(self) -> None:
        """Send a binding request, which begins the connection or keeps it alive."""
        self.transmit(self.check())

    def receive(self, datagram: bytes) -> None:
        """Handle a datagram of the server."""
        if datagram[0] <= 3:
            self._receive_stun(datagram)
        elif datagram[0] <= 63:
            self._receive_dtls(datagram)
        elif rtp.is_rtcp(datagram):
            self._receive_rtcp(datagram)
        else:
            self._receive_rtp(datagram)

    def _receive_stun(self, datagram: bytes) -> None:
        message = stun.parse(datagram)
        if message is None or self.server is None:
            return
        if message.type == stun.BINDING_REQUEST and message.signed_with(self.pwd):
            self.transmit(stun.success(message, self.server.address, self.pwd))
        elif message.type == stun.BINDING_SUCCESS and message.signed_with(self.server.pwd):
            self.checks_answered += 1
            if self._ssl is None:
                self._begin()

    def _begin(self) -> None:
        self._ssl = SSL.Connection(self.identity.context)
        self._ssl.set_ciphertext_mtu(DATAGRAM)
        if self._setup == "passive":
            self._ssl.set_accept_state()
        else:
            self._ssl.set_connect_state()
        self._handshake()

    def _receive_dtls(self, datagram: bytes) -> None:
        if self._ssl is None:
            return
        self._ssl.bio_write(datagram)
        if self.keys is None:
            self._handshake()
            return
        try:
            while data := self._ssl.recv(2048):
                self.receive_data(data)
        except SSL.ZeroReturnError:
            self.left_by_server = True
        except SSL.Error:
            return

    def receive_data(self, data: bytes) -> None:
        """Handle data of the server; a client of a page has no use for any."""

    def send_data(self, data: bytes) -> None:
        """Send data to the server."""
        assert self._ssl is not None
        self._ssl.send(data)
        self._flush()

    def _handshake(self) -> None:
        assert self._ssl is not None
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return
        self._flush()
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        assert certificate is not None
        assert self.server is not None
        if not hmac.compare_digest(
            certificate.fingerprint(hashes.SHA256()), self.server.fingerprint
        ):
            raise ConnectionError("the server's certificate is not the one in its answer")
        profile = Profile(self._ssl.get_selected_srtp_profile().decode())
        size = Keys.material_size(profile)
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        keys = Keys.for_server(profile, material)
        self.keys = keys if self._setup == "passive" else keys.swapped()
        self.out = Outbound(profile, self.keys.tx, self.ssrc)
        self.into = Inbound(profile, self.keys.rx)

    def _flush(self) -> None:
        assert self._ssl is not None
        try:
            while True:
                self.transmit(self._ssl.bio_read(1500))
        except SSL.WantReadError:
            return

    def _receive_rtp(self, datagram: bytes) -> None:
        opened = self.into.open(datagram) if self.into is not None else None
        packet = rtp.parse(opened) if opened is not None else None
        if packet is None:
            self.rejected += 1
            return
        self.received += 1
        if self._keep:
            self.packets.append(packet)

    def _receive_rtcp(self, datagram: bytes) -> None:
        opened = self.into.open_rtcp(datagram) if self.into is not None else None
        news = rtp.read_rtcp(opened) if opened is not None else None
        if news is None:
            self.rejected += 1
            return
        self.reports += 1
        self.left_by_server |= news.left

    def rtp(
        self, index: int, timestamp: int, payload: bytes, *, kind: int = _PAYLOAD_TYPE
    ) -> bytes:
        """Return an encrypted RTP packet; `index` must go on from the last by less than 2^15."""
        assert self.out is not None
        head = rtp.HEADER.pack(0x80, kind, index & 0xFFFF, timestamp & 0xFFFFFFFF, self.ssrc)
        return self.out.protect(head + payload)


class WireConnection:
    """A WirePeer on a real socket of the running event loop."""

    def __init__(self, peer: WirePeer) -> None:
        self.peer = peer
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._deframer: Deframer | None = None
        self._checks: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    async def join(
        self, signal: Signal, *, tcp: bool = False, timeout_s: float = PATIENCE_S
    ) -> None:
        """Connect by UDP, or by ICE-TCP. Raises TimeoutError, or the signal's own errors."""
        self.peer.server = read_answer(await signal(self.peer.offer()))
        await self.dial(tcp=tcp)
        await self.until(lambda: self.peer.keys is not None, timeout_s)

    async def dial(self, *, tcp: bool = False) -> None:
        """Open a new local address: the first one, or one after a change of network."""
        assert self.peer.server is not None
        self._hang_up()
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        family = socket.AF_INET6 if ":" in self.peer.server.address[0] else socket.AF_INET
        self._socket = socket.socket(family, kind)
        self._socket.setblocking(False)
        await self._loop.sock_connect(self._socket, self.peer.server.address)
        self._deframer = Deframer() if tcp else None
        self._loop.add_reader(self._socket, self._read)
        self.peer.transmit = self.send
        self._keep_checking()

    def fileno(self) -> int:
        """Return the socket's file descriptor; -1 when closed."""
        return -1 if self._socket is None else self._socket.fileno()

    def send(self, datagram: bytes) -> None:
        """Send a datagram."""
        if self._socket is not None:
            self._socket.send(datagram if self._deframer is None else frame(datagram))

    async def until(self, holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Wait until the condition holds after an arriving datagram. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def more(self, packets: int, timeout_s: float = PATIENCE_S) -> None:
        """Wait for `packets` more RTP packets. Raises TimeoutError."""
        wanted = self.peer.received + packets
        await self.until(lambda: self.peer.received >= wanted, timeout_s)

    def close(self) -> None:
        """Close the socket without telling the server."""
        self._hang_up()

    def _hang_up(self) -> None:
        if self._checks is not None:
            self._checks.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _keep_checking(self) -> None:
        self._checks = self._loop.call_later(_CHECK_S, self._keep_checking)
        self.peer.send_check()

    def _read(self) -> None:
        assert self._socket is not None
        try:
            chunk = self._socket.recv(65536)
        except (BlockingIOError, ConnectionError):
            return
        if not chunk:
            self._hang_up()
        datagrams: Sequence[bytes] = (
            [chunk] if self._deframer is None else self._deframer.feed(chunk)
        )
        for datagram in filter(None, datagrams):
            self.peer.receive(datagram)
        self._changed.set()
