"""Forwarding: each speaker's packets go to call peers as they came, encrypted anew for each.

A packet is sent when it arrives, to all that have this speaker's stream, by one system call. What
stays the same (heads, addresses, SRTP sessions) is laid out once per speaker, and again only when
a receiver came, went or moved. The packets themselves are written into one sheet that all
speakers share, as they are sent before the next one is written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pylibsrtp._binding import ffi, lib

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.fanout import first_position
from spaces_bridge.media.worker.edge.paths import Path, UdpPath, UdpPort
from spaces_bridge.media.worker.edge.sendmmsg import NAME_SIZE, Batch
from spaces_bridge.media.worker.edge.srtp import Outbound
from spaces_bridge.media.worker.edge.timeline import LATEST, Timeline
from spaces_bridge.media.worker.values import MAX_MEDIA_DATAGRAM, RtpPacket
from spaces_bridge.pacing.token_bucket import TokenBucket

FORWARDED_PER_S: Final = 120.0
"""Packets of one speaker: 100 with frames of 10 ms, the shortest that calls ask for.

A speaker may send more (see `peer`), but here each packet costs one for every receiver.
"""
FORWARDED_BURST: Final = 250.0
"""Packets at once: 5 s in frames of 20 ms, as after a network that stalled (see `peer`)."""

_HEAD: Final = rtp.HEADER.size
_FIRST_ROWS: Final = 64
_MARKER: Final = 0x80


@dataclass(frozen=True, slots=True)
class OutStream:
    """A lane is one speaker's stream to one call peer: whose, and how its packets are headed."""

    source: str
    ssrc: int
    payload_type: int


@dataclass(frozen=True, slots=True)
class LaneProgress:
    """The progress of a lane, for its sender report; `timestamp` is of this moment."""

    ssrc: int
    timestamp: int
    packets: int
    octets: int


@dataclass(slots=True)
class Traffic:
    """The packets that were sent so far, and those that the system did not take."""

    packets: int = 0
    octets: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Receiver:
    lane: OutStream
    out: Outbound
    path: Path | None
    index: int  # to be added to the timeline's numbers; without a path: where it goes on
    shift: int  # to be added to its timestamps: 32 bits
    packets: int  # what the speaker had sent when this began
    octets: int


@dataclass(slots=True)
class _Plan:
    """The receivers of one speaker, laid out; a row for each that has a path."""

    heads: NDArray[np.uint8]
    indexes: NDArray[np.uint64]
    shifts: NDArray[np.uint32]
    calls: list[tuple[Any, Any, Any]]
    batches: list[Batch]
    others: list[tuple[Path, int]]  # TCP
    paths: list[Path]


@dataclass(slots=True)
class _Source:
    timeline: Timeline = field(default_factory=Timeline)
    allowance: TokenBucket = field(
        default_factory=lambda: TokenBucket(FORWARDED_PER_S, FORWARDED_BURST)
    )
    receivers: dict[int, _Receiver] = field(default_factory=dict)  # by their id()
    packets: int = 0
    octets: int = 0
    plan: _Plan | None = None


class _Sheet:
    """The sheet on which a packet is written for every receiver, a row for each."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.frames = np.zeros((size, MAX_MEDIA_DATAGRAM), dtype=np.uint8)
        self.lengths = np.zeros(size, dtype=np.int32)
        self.sequences: NDArray[Any] = self.frames[:, 2:4].view(">u2")[:, 0]
        self.timestamps: NDArray[Any] = self.frames[:, 4:8].view(">u4")[:, 0]
        self._frames_at = ffi.cast("char *", ffi.from_buffer(self.frames))
        self._lengths_at = ffi.cast("int *", ffi.from_buffer(self.lengths))

    def where(self, row: int) -> tuple[Any, Any]:
        """Return C pointers to a row's packet and to its length."""
        return self._frames_at + row * MAX_MEDIA_DATAGRAM, self._lengths_at + row


class Forwarding:
    """A forwarding carries the streams of speakers ("sources", by any name) to call peers."""

    def __init__(self, refuse: Callable[[str], None] = lambda _reason: None) -> None:
        """`refuse` is called with the reason for each packet that is not forwarded at all."""
        self.traffic = Traffic()
        self._refuse = refuse
        self._sheet = _Sheet(_FIRST_ROWS)
        self._sources: dict[str, _Source] = {}
        self._lanes: dict[str, dict[int, _Receiver]] = {}  # by peer, by SSRC

    # --- who gets what ---

    def carry(
        self, peer: str, out: Outbound, path: Path | None, lanes: Sequence[OutStream]
    ) -> None:
        """Give a peer exactly these lanes; those it has already go on as they are."""
        before = self._lanes.pop(peer, {})
        wanted = {lane.ssrc: lane for lane in lanes}
        after = dict[int, _Receiver]()
        for ssrc, receiver in before.items():
            if wanted.get(ssrc) == receiver.lane:
                after[ssrc] = receiver
            else:
                self._leave(receiver)
        for ssrc, lane in wanted.items():
            if ssrc not in after:
                after[ssrc] = self._enter(lane, out, path)
        if after:
            self._lanes[peer] = after

    def move(self, peer: str, path: Path | None) -> None:
        """Send a peer's lanes along `path` from now on; if None, nowhere for now."""
        for receiver in self._lanes.get(peer, {}).values():
            if receiver.path is path:
                continue
            source = self._sources[receiver.lane.source]
            # who comes back goes on where it stopped, as its SRTP session stood still, too;
            # what comes late then must not get a number that was used
            if receiver.path is None:
                receiver.index -= source.timeline.newest.number
            elif path is None:
                receiver.index += source.timeline.newest.number + LATEST
            receiver.path, source.plan = path, None

    def remove(self, peer: str) -> None:
        """End all lanes of a peer, if it has any."""
        for receiver in self._lanes.pop(peer, {}).values():
            self._leave(receiver)

    def progress(self, peer: str, now: float) -> list[LaneProgress]:
        """Return how far the lanes of a peer have come; those without a packet are left out."""
        found = list[LaneProgress]()
        for ssrc, receiver in self._lanes.get(peer, {}).items():
            source = self._sources[receiver.lane.source]
            packets = source.packets - receiver.packets
            if packets:
                timestamp = (source.timeline.timestamp_at(now) + receiver.shift) & 0xFFFFFFFF
                octets = source.octets - receiver.octets
                found.append(LaneProgress(ssrc, timestamp, packets, octets))
        return found

    def _enter(self, lane: OutStream, out: Outbound, path: Path | None) -> _Receiver:
        source = self._sources.setdefault(lane.source, _Source())
        index, shift = first_position()
        # not below 0 for packets that come late, nor as far as the first rollover
        index = min(index + LATEST, (1 << 15) - 1)
        receiver = _Receiver(lane, out, path, index, shift, source.packets, source.octets)
        if path is not None:
            receiver.index -= source.timeline.newest.number
        source.receivers[id(receiver)] = receiver
        source.plan = None
        return receiver

    def _leave(self, receiver: _Receiver) -> None:
        source = self._sources[receiver.lane.source]
        del source.receivers[id(receiver)]
        source.plan = None
        receiver.out.forget(receiver.lane.ssrc)
        if not source.receivers:
            del self._sources[receiver.lane.source]

    # --- packets ---

    def withhold(self, name: str) -> None:
        """Note that a packet of this source is not forwarded: what follows it leaves no hole."""
        source = self._sources.get(name)
        if source is not None:
            source.timeline.cut()

    def forward(self, name: str, packet: RtpPacket, now: float) -> None:
        """Send a packet of this source to all that have its stream."""
        source = self._sources.get(name)
        if source is None:
            return
        if not source.allowance.take(1, now):
            self._refuse("forward_too_much")
            return
        place = source.timeline.place(packet.ssrc, packet.sequence, packet.timestamp, now)
        if place is None:
            return
        plan = source.plan
        if plan is None:
            plan = source.plan = self._lay_out(source)
        source.packets += 1
        source.octets += len(packet.payload)
        if plan.calls:
            self._write(plan, packet, place.number, place.timestamp)
            self._send(plan)

    def _write(self, plan: _Plan, packet: RtpPacket, number: int, timestamp: int) -> None:
        sheet, count, end = self._sheet, len(plan.calls), _HEAD + len(packet.payload)
        sheet.frames[:count, :_HEAD] = plan.heads
        if packet.marker:
            sheet.frames[:count, 1] |= _MARKER
        sheet.sequences[:count] = (plan.indexes + np.uint64(number)) & np.uint64(0xFFFF)
        sheet.timestamps[:count] = plan.shifts + np.uint32(timestamp)
        sheet.frames[:count, _HEAD:end] = np.frombuffer(packet.payload, dtype=np.uint8)
        sheet.lengths[:count] = end

    def _send(self, plan: _Plan) -> None:
        protect, sheet, count = lib.srtp_protect, self._sheet, len(plan.calls)
        refused = {row for row, call in enumerate(plan.calls) if protect(*call)}
        if refused:  # what was not encrypted must never be let out: the rest goes one by one
            sent = sum(
                path.send(self._row(row))
                for row, path in enumerate(plan.paths)
                if row not in refused
            )
        else:
            sent = sum(batch.send(sheet.lengths) for batch in plan.batches)
            sent += sum(path.send(self._row(row)) for path, row in plan.others)
        self.traffic.packets += sent
        self.traffic.octets += sent * int(sheet.lengths[0])
        self.traffic.dropped += count - sent

    def _row(self, row: int) -> bytes:
        return self._sheet.frames[row, : self._sheet.lengths[row]].tobytes()

    def _lay_out(self, source: _Source) -> _Plan:
        """Prepare all that stays the same until a receiver comes, goes or moves."""
        placed = [each for each in source.receivers.values() if each.path is not None]
        if len(placed) > self._sheet.size:
            self._sheet = _Sheet(2 * len(placed))
            for other in self._sources.values():
                other.plan = None  # it points into the old sheet
        heads = np.zeros((len(placed), _HEAD), dtype=np.uint8)
        names = np.zeros((len(placed), NAME_SIZE), dtype=np.uint8)
        name_lengths = np.zeros(len(placed), dtype=np.uint32)
        by_port, others = dict[UdpPort, list[int]](), list[tuple[Path, int]]()
        for row, receiver in enumerate(placed):
            lane, path = receiver.lane, receiver.path
            rtp.HEADER.pack_into(heads[row], 0, 0x80, lane.payload_type, 0, 0, lane.ssrc)
            if isinstance(path, UdpPath):
                raw = path.raw_name
                names[row, : len(raw)] = np.frombuffer(raw, dtype=np.uint8)
                name_lengths[row] = len(raw)
                by_port.setdefault(path.port, []).append(row)
            elif path is not None:
                others.append((path, row))
        batches = [
            Batch(port.socket, self._sheet.frames, names, name_lengths, np.array(rows, np.intp))
            for port, rows in by_port.items()
        ]
        return _Plan(
            heads=heads,
            indexes=np.array([each.index % (1 << 64) for each in placed], dtype=np.uint64),
            shifts=np.array([each.shift % (1 << 32) for each in placed], dtype=np.uint32),
            calls=[(e.out.context, *self._sheet.where(row)) for row, e in enumerate(placed)],
            batches=batches,
            others=others,
            paths=[each.path for each in placed if each.path is not None],
        )
