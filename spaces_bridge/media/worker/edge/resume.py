"""Going on with a connected peer in another process, unnoticed by the peer.

AES-GCM breaks if a packet index is ever used twice, and a record is always a little old. So
the next worker leaves out every index the last one can have used: `_AHEAD` at once and
`_AHEAD_PER_S` for each second since the record was made, which is four times what is sent.
A worker restored twice from one record is safe by the same rule.
"""

import math

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.duplex_peer import DuplexPeer
from spaces_bridge.media.worker.edge.fanout import FanOut, Progress
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.paths import UdpPath, UdpPort
from spaces_bridge.media.worker.edge.peer import Link, Peer
from spaces_bridge.media.worker.edge.srtp import Keys, Profile
from spaces_bridge.media.worker.values import (
    CONNECTED,
    NotConnected,
    ResumeRecord,
    StreamDirection,
)

MAX_AGE_S = 120.0
"""Seconds; an older record means a leap that a client's replay check does not follow (2^15)."""

_AHEAD, _AHEAD_PER_S = 3000, 200.0
_RTCP_AHEAD, _RTCP_AHEAD_PER_S = 64, 2.0
_CAUGHT_UP_AT_ONCE = 256  # RTCP indexes, under a millisecond: the first minutes of a peer
_LISTENING_ONLY = Progress(0, 0, 0, 0)


def record(peer: Peer, progress: Progress | None, now: float) -> ResumeRecord:
    """Return the record of a peer as it stands. Raises NotConnected."""
    if peer.link is None or peer.state != CONNECTED:
        raise NotConnected(f"peer {peer.id} is not connected")
    if peer.direction is StreamDirection.CALL:
        raise NotConnected(f"peer {peer.id} is of a call: its client joins anew")
    ice, link, path = peer.ice, peer.link, peer.ice.selected
    progress = progress or _LISTENING_ONLY
    return ResumeRecord(
        direction=peer.direction,
        local_ufrag=ice.local_ufrag,
        local_pwd=ice.local_pwd,
        remote_ufrag=ice.remote_ufrag,
        remote_pwd=ice.remote_pwd,
        address=path.address if isinstance(path, UdpPath) else None,
        socket=path.port.place if isinstance(path, UdpPath) else 0,
        profile=link.keys.profile.value,
        tx_key=link.keys.tx,
        rx_key=link.keys.rx,
        payload_type=peer.payload_type,
        local_ssrc=peer.ssrc,
        remote_ssrc=peer.sources.rtp,
        tx_index=progress.index,
        tx_rtcp_index=link.out.rtcp_index,
        rx_index=link.reception.newest,
        timestamp=progress.timestamp,
        made_at=now,
        duplex=peer.record() if isinstance(peer, DuplexPeer) else None,
    )


def leap(record: ResumeRecord, now: float) -> tuple[int, int]:
    """Return the RTP and RTCP indexes to go on with at `now`. Raises ValueError if too old."""
    age = max(0.0, now - record.made_at)
    if age > MAX_AGE_S:
        raise ValueError("the resume record is too old: the client has to join again")
    ahead = _AHEAD + math.ceil(age * _AHEAD_PER_S)
    rtcp_ahead = _RTCP_AHEAD + math.ceil(age * _RTCP_AHEAD_PER_S)
    return record.tx_index + ahead, record.tx_rtcp_index + rtcp_ahead


def revive(
    peer_id: str, record: ResumeRecord, ports: list[UdpPort], fan: FanOut, now: float
) -> Peer:
    """Return the connected peer of a record. Raises ValueError if the record does not fit."""
    tx_index, rtcp_index = leap(record, now)
    keys = Keys(Profile(record.profile), record.tx_key, record.rx_key)
    ice = Ice(record.local_ufrag, record.local_pwd, record.remote_ufrag, record.remote_pwd)
    ice.connected = True
    peer = _peer(peer_id, record, ice, now)
    peer.ssrc = record.local_ssrc
    peer.link = Link.made(keys, record.local_ssrc)
    peer.link.out.fast_forward(tx_index, rtcp_index)
    peer.link.out.catch_up(_CAUGHT_UP_AT_ONCE)
    if record.rx_index is not None and record.remote_ssrc is not None:
        peer.link.into.fast_forward(record.rx_index, record.remote_ssrc)
        peer.sources.believe_rtp(record.remote_ssrc)
        peer.sources.is_final = True  # else old packets of a stream that ended could take over
        peer.link.reception.newest = peer.link.reception.first = record.rx_index
    try:
        _place(peer, record, ports, fan, (tx_index, now))
    except Exception:  # of whatever kind: an address that nobody has would keep others out
        fan.remove(peer_id)
        ice.forget_all()
        raise
    peer.state = CONNECTED
    return peer


def _place(
    peer: Peer, record: ResumeRecord, ports: list[UdpPort], fan: FanOut, at: tuple[int, float]
) -> None:
    """Have a peer recognised and sent to from packet index and time `at`. Raises ValueError."""
    (tx_index, now), ice, link = at, peer.ice, peer.link
    assert link is not None
    if record.address is not None:
        if not 0 <= record.socket < len(ports):
            raise ValueError("the resume record names a socket that is not there")
        path = ports[record.socket].path_to(record.address)
        path.claim(peer.id)
        ice.resume(path, now)
    if record.direction.hears_mix:
        if tx_index < 0 or not 0 <= record.payload_type < 128:
            raise ValueError("the resume record is of no stream that there can be")
        missed = round((now - record.made_at) * rtp.CLOCK_RATE)
        timestamp = (record.timestamp + missed) & 0xFFFFFFFF
        fan.add(peer.id, link.out, record.payload_type, (tx_index, timestamp))
        fan.move(peer.id, ice.selected)


def _peer(peer_id: str, record: ResumeRecord, ice: Ice, now: float) -> Peer:
    """Make the peer of a record. Raises ValueError if the record does not fit."""
    if record.direction is not StreamDirection.DUPLEX:
        return Peer(peer_id, record.direction, ice, record.payload_type, now)
    if record.duplex is None:
        raise ValueError("the resume record of a duplex peer does not say what was negotiated")
    peer = DuplexPeer(peer_id, ice, now)
    peer.payload_type = record.payload_type
    peer.resume(record.duplex)
    return peer
