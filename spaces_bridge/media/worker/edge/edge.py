"""The edge: a media worker's one port, where WebRTC peers connect and packets go both ways.

Everything from outside arrives here. Nothing a remote host sends raises out of this module; what
is not understood, not authenticated or not wanted is dropped and counted.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from spaces_bridge.media.worker.edge import call_sdp, resume, rtp, sdp, sdp_answer, stun
from spaces_bridge.media.worker.edge.call_negotiation import CallNegotiations
from spaces_bridge.media.worker.edge.call_peer import CallPeer
from spaces_bridge.media.worker.edge.data import PeersData
from spaces_bridge.media.worker.edge.dtls import HandshakeStep, Identity, WrongCertificate
from spaces_bridge.media.worker.edge.duplex_negotiation import Duplexes
from spaces_bridge.media.worker.edge.duplex_peer import DuplexPeer
from spaces_bridge.media.worker.edge.fanout import FanOut, first_position
from spaces_bridge.media.worker.edge.handshake_queue import HandshakeQueue
from spaces_bridge.media.worker.edge.ice import Ice, new_credentials
from spaces_bridge.media.worker.edge.paths import Path, UdpPort
from spaces_bridge.media.worker.edge.peer import Peer
from spaces_bridge.media.worker.edge.peers import Peers
from spaces_bridge.media.worker.edge.refusals import Refusals
from spaces_bridge.media.worker.edge.srtp import new_ssrc
from spaces_bridge.media.worker.edge.tcp import TcpListener
from spaces_bridge.media.worker.memory import most_peers
from spaces_bridge.media.worker.values import (
    CONNECTED,
    CUT,
    EdgeStats,
    ListenerPayload,
    Negotiated,
    NotConnected,
    PeerState,
    ResumeRecord,
    RtpPacket,
    StreamDirection,
    WantedStream,
    closed,
    is_media,
    longest,
)

SILENCE_S = 18.0
"""A connected client that was not heard for this long (no consent, RFC 7675) is gone.

Browsers check every 2.5 to 5.6 s.
"""

MOST_PEERS = most_peers(1024)
"""Peers of one edge unless `most` says otherwise; half as many may be joining."""

_ROUND_S = 0.1  # DTLS timers, reports, expiry
_TURNS = 10  # rounds; a listener for whom nothing is pending is looked after in one of so many
_CATCH_UP = 1000  # RTCP indexes in a round, some 3 ms: see Outbound.catch_up


class Edge:
    """An edge holds all peers of a worker. It is single-threaded: all runs in the event loop."""

    def __init__(
        self,
        udp: Sequence[socket.socket],
        tcp: Sequence[socket.socket],
        addresses: Sequence[str],
        port: int,
        *,
        on_packet: Callable[[str, RtpPacket], None],
        on_state: Callable[[str, PeerState], None],
        on_key: Callable[[str, str], None] = lambda _peer, _key: None,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_PEERS,
    ) -> None:
        """Sockets are bound (and `tcp` listening), non-blocking, and never closed here.

        Clients are told to send to `addresses` and `port`. Of more peers than `most` (see
        `memory`) the newest is refused. `on_key` is called with each key that a duplex peer's
        person presses.
        """
        self._ports = [UdpPort(sock, self._received, place) for place, sock in enumerate(udp)]
        self._listeners = list(tcp)
        self._tcp = TcpListener(self._received, self._path_lost, self._refuse, most=most)
        self._place = sdp_answer.OurPlace(list(addresses), port, tcp=bool(tcp))
        self._on_packet, self._on_state, self._clock = on_packet, on_state, clock
        self._on_key = on_key
        self._identity = Identity()
        self._peers = Peers(most)
        self._data = PeersData(self._peers, clock, self._in_next_turn)
        self._handshakes = HandshakeQueue(self._take_dtls, clock, self._after)
        self._fan = FanOut()
        self._calls = CallNegotiations(self._identity, self._place, self._refuse)
        self.forwarding = self._calls.forwarding
        """The streams of speakers to call peers."""
        self.duplexes = Duplexes(
            self._peers,
            self._identity,
            self._place,
            clock,
            lambda peer: self._fan.retype(peer.id, peer.payload_type),
        )
        """The negotiations of duplex peers."""
        self._refusals = Refusals(clock())
        self._packets_in = self._packets_out = self._bytes_in = self._bytes_out = 0
        self._send_dropped = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._round: asyncio.TimerHandle | None = None
        self._turn = 0

    # --- life ----------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read from the sockets."""
        self._loop = loop
        for port in self._ports:
            loop.add_reader(port.socket, port.read)
        self._tcp.open(self._listeners, loop)
        self._round = loop.call_later(_ROUND_S, self._make_round)

    def stop(self) -> None:
        """Stop reading and forget all peers without telling them: they may be resumed."""
        if self._loop is None:
            return
        for port in self._ports:
            self._loop.remove_reader(port.socket)
        if self._round is not None:
            self._round.cancel()
        self._loop = None
        self._data.stop()
        self._handshakes.stop()
        self._tcp.close()
        for peer in list(self._peers.values()):
            self._forget(peer)

    # --- peers ---------------------------------------------------------------------------------

    def accept(self, peer_id: str, direction: StreamDirection, offer: str) -> str:
        """Return the SDP answer to an offer. Raises SdpRefused. An id in use is taken over."""
        read = sdp.read_offer(offer, direction)
        self._peers.refuse_a_crowd(wait=self._handshakes.is_full)
        self._drop(peer_id, "replaced by a newer offer")
        ufrag, pwd = new_credentials()
        ice = Ice(ufrag, pwd, read.transport.ufrag, read.transport.pwd)
        peer = Peer(peer_id, direction, ice, read.payload_type, self._clock())
        peer.expect(self._identity, read.transport, new_ssrc())
        self._peers.adopt(peer)
        ours = sdp_answer.OurTransport(ufrag, pwd, self._identity.fingerprint, self._place)
        return sdp_answer.write_answer(
            read, direction, sdp_answer.Ours(ours, ssrc=peer.ssrc, name=peer.name)
        )

    def answer_call(self, peer_id: str, offer: str, wanted: Sequence[WantedStream]) -> Negotiated:
        """Answer the offer of a call's client, known or new. Raises SdpRefused."""
        read = call_sdp.read_call(offer)
        return self._negotiate(peer_id, lambda peer: self._calls.answer(peer, read, wanted))

    def offer_call(self, peer_id: str, wanted: Sequence[WantedStream]) -> Negotiated:
        """Offer streams to a call's client, known or new. Raises SdpRefused."""
        return self._negotiate(peer_id, lambda peer: self._calls.offer(peer, wanted))

    def accept_call_answer(self, peer_id: str, answer: str) -> Negotiated:
        """Take the answer to `offer_call`. Raises SdpRefused."""
        read = call_sdp.read_call(answer)
        return self._negotiate(peer_id, lambda peer: self._calls.accept(peer, read))

    def _negotiate(self, peer_id: str, negotiate: Callable[[CallPeer], Negotiated]) -> Negotiated:
        peer = self._peers.get(peer_id)
        if not isinstance(peer, CallPeer):
            self._peers.refuse_a_crowd(wait=self._handshakes.is_full)
            peer = self._calls.new_peer(peer_id, self._clock())
        ufrag = peer.ice.local_ufrag
        negotiated = negotiate(peer)
        self._peers.rename(peer, ufrag)  # ICE may have been restarted
        return negotiated

    def microphone(self, peer_id: str) -> str:
        """Return the mid on which a two-way peer sends; "" if it sends nothing, or is none."""
        peer = self._peers.get(peer_id)
        return peer.microphone if isinstance(peer, CallPeer | DuplexPeer) else ""

    def carries(self, peer_id: str) -> bool:
        """Return whether a call peer has negotiated streams."""
        peer = self._peers.get(peer_id)
        return isinstance(peer, CallPeer) and bool(peer.sections.carried)

    def close(self, peer_id: str) -> None:
        """Say goodbye to a peer and forget it; an unknown id is fine."""
        peer = self._peers.get(peer_id)
        if peer is not None:
            peer.say_goodbye()
            self._drop(peer_id, "closed by the bridge")

    def peers(self) -> Mapping[str, PeerState]:
        """Return the state of every peer that is joining or connected."""
        return {peer.id: peer.state for peer in self._peers.values()}

    def resume_record(self, peer_id: str) -> ResumeRecord:
        """Return what another worker needs to go on with this peer. Raises NotConnected.

        Take one when a peer connects or was restored, and a new one every 20 s.
        """
        peer = self._peers.get(peer_id)
        if peer is None:
            raise NotConnected(f"there is no peer {peer_id}")
        return resume.record(peer, self._fan.progress(peer_id), self._clock())

    def restore(self, peer_id: str, record: ResumeRecord) -> None:
        """Go on with a peer of a worker that is gone; its state is CONNECTED at once.

        Raises ValueError if the record is older than two minutes or does not fit here.
        """
        self._drop(peer_id, "replaced by its own record")
        peer = resume.revive(peer_id, record, self._ports, self._fan, self._clock())
        self._peers.adopt(peer)
        self._on_state(peer_id, CONNECTED)

    def stats(self) -> EdgeStats:
        """Return the counters since the start."""
        return EdgeStats(
            packets_in=self._packets_in,
            packets_out=self._packets_out,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            send_dropped=self._send_dropped,
            packets_forwarded=self.forwarding.traffic.packets,
            bytes_forwarded=self.forwarding.traffic.octets,
            forward_dropped=self.forwarding.traffic.dropped,
            refused=self._refusals.counts(),
        )

    def _drop(self, peer_id: str, reason: str) -> None:
        peer = self._peers.get(peer_id)
        if peer is not None:
            self._forget(peer)
            peer.state = closed(reason)
            self._on_state(peer_id, peer.state)

    def _forget(self, peer: Peer) -> None:
        self._fan.remove(peer.id)
        self.forwarding.remove(peer.id)
        peer.ice.forget_all()
        self._handshakes.forget(peer)
        self._peers.forget(peer)

    # --- out -----------------------------------------------------------------------------------

    def fan_out(self, timestamp_step: int, payloads: Sequence[ListenerPayload]) -> int:
        """Send each payload to its peers; returns the number of packets sent.

        Every connected listener's clock moves on by `timestamp_step` samples, named or not. Ids
        that are not connected listeners are passed over. Cheapest when the same tuples of ids
        come every time.
        """
        sent = self._fan.tick(timestamp_step, payloads)
        self._packets_out += sent.packets
        self._bytes_out += sent.octets
        self._send_dropped += sent.dropped
        for peer_id in sent.broken:
            self._drop(peer_id, "its encryption cannot go on")
        return sent.packets

    def send_data(self, peers: Collection[str], messages: Sequence[bytes], *, fades: bool) -> None:
        """Send call peers messages on their reliable data channel, all of them or none.

        Who has no such channel, or takes nothing, is passed over; `fades`: also who is behind.
        """
        self._data.send(peers, messages, fades=fades)

    def _in_next_turn(self, act: Callable[[], None]) -> None:
        self._after(0, act)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_later(seconds, act)

    # --- in ------------------------------------------------------------------------------------

    def _refuse(self, reason: str) -> None:
        self._refusals.note(reason)

    def _received(self, path: Path, datagram: bytes) -> None:
        first = datagram[0] if datagram else 0
        if not datagram or len(datagram) > longest(datagram):
            self._refuse("empty" if not datagram else "too_long")
            return
        self._packets_in += 1
        self._bytes_in += len(datagram)
        peer = self._peers.get(path.owner) if path.owner is not None else None
        if peer is not None and path.proven and not peer.may_send_frame(self._clock()):
            self._refuse("tcp_too_much")
            self._path_lost(path)
            path.forget()
        elif first <= 3:
            self._received_stun(path, datagram)
        elif peer is None:
            self._refuse("stranger")
        elif 20 <= first <= 63:
            self._received_dtls(peer, path, datagram)
        elif is_media(first):
            self._received_media(peer, path, datagram)
        else:
            self._refuse("unknown_kind")

    def _received_stun(self, path: Path, datagram: bytes) -> None:
        message = stun.parse(datagram)
        if message is None:
            self._refuse("stun_malformed")
        elif message.type == stun.BINDING_REQUEST:
            self._received_check(path, message)
        elif message.type == stun.BINDING_SUCCESS:
            peer = self._peers.get(path.owner or "")
            if peer is None or not peer.ice.response(message, path, self._clock()):
                self._refuse("stun_response")
            else:
                self._follow(peer)
        else:
            self._refuse("stun_kind")

    def _received_check(self, path: Path, message: stun.StunMessage) -> None:
        peer = self._peers.named(message.username.partition(":")[0])
        if peer is None:
            self._refuse("stun_user")
            return
        if path.owner is not None and path.owner != peer.id:
            self._refuse("address_taken")  # else a forged source address would silence its peer
            return
        now = self._clock()
        reason = peer.ice.request(message, path, now)
        if reason is not None:
            self._refuse(reason)
            return
        peer.heard_at = now
        path.claim(peer.id)
        self._follow(peer)
        peer.dial(path)

    def _received_dtls(self, peer: Peer, path: Path, datagram: bytes) -> None:
        if peer.link is not None:
            self._take_dtls(peer, path, datagram)
        elif not self._handshakes.add(peer, path, datagram):
            self._refuse("dtls_waiting")

    def _take_dtls(self, peer: Peer, path: Path, datagram: bytes) -> None:
        if self._peers.get(peer.id) is not peer:
            return  # it went, or was replaced, while this waited
        try:
            step = peer.receive_dtls(datagram, path, self._clock())
        except WrongCertificate as wrong:
            self._refuse("wrong_certificate")
            self._drop(peer.id, str(wrong))
            return
        if isinstance(peer, CallPeer):
            self._data.watch(peer)
        if step is None:
            self._refuse("dtls")
        elif step is HandshakeStep.LEFT:
            self._drop(peer.id, "the client left")
        elif step is HandshakeStep.ESTABLISHED and peer.link is not None:
            peer.state, peer.heard_at = CONNECTED, self._clock()
            if peer.direction.hears_mix:
                self._fan.add(peer.id, peer.link.out, peer.payload_type, first_position())
            elif isinstance(peer, CallPeer):
                peer.carry()
            self._follow(peer)
            self._on_state(peer.id, CONNECTED)

    def _received_media(self, peer: Peer, path: Path, datagram: bytes) -> None:
        now = self._clock()
        if rtp.is_rtcp(datagram):
            left = peer.receive_rtcp(datagram, path, now)
            if isinstance(left, str):
                self._refuse(left)
            elif left:
                self._drop(peer.id, "the client left")
            return
        packet = peer.receive_rtp(datagram, path, now)
        if isinstance(packet, str):
            self._refuse(packet)
            if packet == "rtp_too_much" and peer.cut():
                self._on_state(peer.id, CUT)
        elif isinstance(peer, DuplexPeer) and peer.is_of_keypad(packet):
            self._received_key(peer, packet, now)
        else:
            self._on_packet(peer.id, packet)

    def _received_key(self, peer: DuplexPeer, packet: RtpPacket, now: float) -> None:
        key = peer.keypad.press(packet, now)
        if key is None:
            self._refuse("key_malformed")
        elif key:
            self._on_key(peer.id, key)

    def _path_lost(self, path: Path) -> None:
        peer = self._peers.get(path.owner) if path.owner is not None else None
        if peer is not None:
            peer.ice.forget(path)
            self._follow(peer)

    def _follow(self, peer: Peer) -> None:
        self._fan.move(peer.id, peer.ice.selected)
        self.forwarding.move(peer.id, peer.ice.selected)

    # --- every now and then --------------------------------------------------------------------

    def _make_round(self) -> None:
        assert self._loop is not None
        self._round = self._loop.call_later(_ROUND_S, self._make_round)
        now, spare = self._clock(), _CATCH_UP
        self._turn = (self._turn + 1) % _TURNS
        for place, peer in enumerate(list(self._peers.values())):
            if place % _TURNS != self._turn and peer.can_wait:
                continue
            if self._peers.get(peer.id) is peer:  # an earlier one's turn may have ended it
                spare -= peer.catch_up(spare)
                self._look_after(peer, now)
        self._data.look_after(now)
        self._tcp.hang_up_on_strangers(self._loop.time())
        self._refusals.tell(now)

    def _look_after(self, peer: Peer, now: float) -> None:
        if peer.state != CONNECTED:
            if now - peer.since > peer.joins_within_s:
                self._drop(peer.id, "it did not connect in time")
            else:
                peer.retransmit()
            return
        if now - peer.heard_at > SILENCE_S:
            self._drop(peer.id, "it was not heard any more")
            return
        if peer.report_due(now):
            peer.send_report(self._fan.progress(peer.id), now)
