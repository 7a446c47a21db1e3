"""Fan out encoded frames to many listeners: the hot path of the worker.

Every listener has a row: a packet buffer, counters, an address. What changes per tick is written
for all rows at once, libsrtp encrypts each row where it lies, and one system call sends a
thousand of them. The receivers of each frame, and their sockets, are laid out once, and again only
when a listener came, went or moved.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylibsrtp._binding import ffi, lib

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.paths import Path, UdpPath, UdpPort
from spaces_bridge.media.worker.edge.sendmmsg import NAME_SIZE, Batch
from spaces_bridge.media.worker.edge.srtp import Outbound
from spaces_bridge.media.worker.values import ListenerPayload

_HEAD = rtp.HEADER.size
_STRIDE = 1344  # header, largest Opus frame, SRTP tag, rounded up to cache lines
_FIRST_ROWS = 64
_MOST_PLANS = 8
_MARKER = np.uint8(0x80)

_Which = slice | NDArray[np.intp]


def first_position() -> tuple[int, int]:
    """Return where a new stream begins: a random packet index and timestamp (RFC 3550, 5.1).

    The index is below 2^15, so that a client that misses the first packets still gets the
    rollover counter right (RFC 3711, 3.3.1).
    """
    return secrets.randbelow(1 << 15), secrets.randbits(32)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a listener's stream: its place, and what it has sent."""

    index: int  # of the next packet
    timestamp: int  # of the last tick
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The packets sent by one tick; `broken` are listeners whose stream libsrtp gives up."""

    packets: int = 0
    octets: int = 0
    dropped: int = 0
    broken: tuple[str, ...] = ()


class _Rows:
    """The arrays of all listeners, one row each."""

    def __init__(self, size: int) -> None:
        self.frames = np.zeros((size, _STRIDE), dtype=np.uint8)
        self.names = np.zeros((size, NAME_SIZE), dtype=np.uint8)
        self.name_lengths = np.zeros(size, dtype=np.uint32)
        self.index = np.zeros(size, dtype=np.uint64)
        self.timestamp = np.zeros(size, dtype=np.uint32)
        self.lengths = np.zeros(size, dtype=np.int32)
        self.packets = np.zeros(size, dtype=np.uint64)
        self.octets = np.zeros(size, dtype=np.uint64)
        self.sequence_field: NDArray[Any] = self.frames[:, 2:4].view(">u2")[:, 0]
        self.timestamp_field: NDArray[Any] = self.frames[:, 4:8].view(">u4")[:, 0]
        self._frames_at = ffi.cast("char *", ffi.from_buffer(self.frames))
        self._lengths_at = ffi.cast("int *", ffi.from_buffer(self.lengths))

    def grown(self) -> "_Rows":
        """Return twice as many rows, with the content of these."""
        size = len(self.index)
        larger = _Rows(2 * size)
        for name in ("frames", "names", "name_lengths", "index", "timestamp", "packets", "octets"):
            getattr(larger, name)[:size] = getattr(self, name)
        return larger

    def set_marker(self, which: "_Which", begins: bool) -> None:
        """Write the marker bit of these rows' next packets."""
        if begins:
            self.frames[which, 1] |= _MARKER
        else:
            self.frames[which, 1] &= ~_MARKER

    def where(self, row: int) -> tuple[Any, Any]:
        """Return C pointers to a row's packet and to its length."""
        return self._frames_at + row * _STRIDE, self._lengths_at + row


@dataclass(slots=True)
class _Listener:
    peer: str
    row: int
    out: Outbound
    path: Path | None = None


@dataclass(slots=True)
class _Plan:
    key: list[tuple[str, ...]]
    groups: list[_Which]
    peers: list[str]
    rows: _Which
    calls: list[tuple[Any, Any, Any]]
    batches: list[Batch]
    others: list[tuple[Path, int]]  # TCP


class FanOut:
    """A fan-out sends frames to the listeners of an edge."""

    def __init__(self) -> None:
        self._rows = _Rows(_FIRST_ROWS)
        self._free = list(range(_FIRST_ROWS - 1, -1, -1))
        self._listeners: dict[str, _Listener] = {}
        self._plans: list[_Plan] = []

    def add(self, peer: str, out: Outbound, payload_type: int, start: tuple[int, int]) -> None:
        """Begin a stream at packet index and timestamp `start`; nothing is sent before `move`."""
        if not self._free:
            size = len(self._rows.index)
            self._rows = self._rows.grown()
            self._free = list(range(2 * size - 1, size - 1, -1))
            self._plans.clear()
        row, rows = self._free.pop(), self._rows
        rtp.HEADER.pack_into(rows.frames[row], 0, 0x80, payload_type, 0, 0, out.ssrc)
        rows.index[row], rows.timestamp[row] = start
        rows.packets[row] = rows.octets[row] = 0
        self._listeners[peer] = _Listener(peer, row, out)

    def retype(self, peer: str, payload_type: int) -> None:
        """Give the packets of the stream another payload type."""
        listener = self._listeners.get(peer)
        if listener is not None:
            self._rows.frames[listener.row, 1] = payload_type

    def move(self, peer: str, path: Path | None) -> None:
        """Send the stream along `path` from now on; if None, nowhere for now."""
        listener = self._listeners.get(peer)
        if listener is None or listener.path is path:
            return
        listener.path = path
        self._plans.clear()
        if isinstance(path, UdpPath):
            raw, rows = path.raw_name, self._rows
            rows.names[listener.row, : len(raw)] = np.frombuffer(raw, dtype=np.uint8)
            rows.name_lengths[listener.row] = len(raw)

    def remove(self, peer: str) -> None:
        """End the stream of `peer`, if it has one."""
        listener = self._listeners.pop(peer, None)
        if listener is not None:
            self._plans.clear()
            self._rows.frames[listener.row] = 0
            self._free.append(listener.row)

    def progress(self, peer: str) -> Progress | None:
        """Return how far the stream of `peer` has come; None if it has none."""
        listener = self._listeners.get(peer)
        if listener is None:
            return None
        row, rows = listener.row, self._rows
        return Progress(
            int(rows.index[row]),
            int(rows.timestamp[row]),
            int(rows.packets[row]),
            int(rows.octets[row]),
        )

    def tick(self, timestamp_step: int, payloads: Sequence[ListenerPayload]) -> Sent:
        """Move every stream's clock on and send each payload. Raises ValueError for a long one."""
        self._rows.timestamp += np.uint32(timestamp_step)
        plan = self._plan_for(payloads)
        if not plan.calls:
            return Sent()
        self._write(plan, payloads)
        protect = lib.srtp_protect
        refused = [place for place, call in enumerate(plan.calls) if protect(*call)]
        if refused:  # never let out a packet that was not encrypted: all lose this frame
            broken = tuple(plan.peers[place] for place in refused)
            return Sent(dropped=len(plan.calls), broken=broken)
        return self._send(plan)

    def _plan_for(self, payloads: Sequence[ListenerPayload]) -> _Plan:
        """Return the plan for these receivers: listeners of a crowd take turns, a few of them."""
        key = [
            each.peers if isinstance(each.peers, tuple) else tuple(each.peers) for each in payloads
        ]
        plan = next((plan for plan in self._plans if plan.key == key), None)
        if plan is None:
            plan = self._lay_out(key)
            self._plans = [plan, *self._plans[: _MOST_PLANS - 1]]
        return plan

    def _write(self, plan: _Plan, payloads: Sequence[ListenerPayload]) -> None:
        rows = self._rows
        for group, (_, packet, age, begins) in zip(plan.groups, payloads, strict=True):
            if len(packet) > rtp.MAX_PAYLOAD:
                raise ValueError("an Opus packet here is at most 1275 bytes")
            end = _HEAD + len(packet)
            rows.frames[group, _HEAD:end] = np.frombuffer(packet, dtype=np.uint8)
            rows.lengths[group] = end
            rows.octets[group] += np.uint64(len(packet))
            rows.timestamp_field[group] = rows.timestamp[group] - np.uint32(age)
            rows.set_marker(group, begins)
        everyone = plan.rows
        index = rows.index[everyone]
        rows.sequence_field[everyone] = index & np.uint64(0xFFFF)
        rows.index[everyone] = index + np.uint64(1)
        rows.packets[everyone] += np.uint64(1)

    def _send(self, plan: _Plan) -> Sent:
        rows = self._rows
        sent = sum(batch.send(rows.lengths) for batch in plan.batches)
        for path, row in plan.others:
            sent += path.send(rows.frames[row, : rows.lengths[row]].tobytes())
        total = len(plan.calls)
        return Sent(sent, int(rows.lengths[plan.rows].sum()), total - sent)

    def _lay_out(self, key: list[tuple[str, ...]]) -> _Plan:
        """Prepare all that stays the same until a listener comes, goes or moves."""
        placed, groups, seen = list[_Listener](), list[_Which](), set[str]()
        for ids in key:
            group = [self._listeners[peer] for peer in ids if self._is_placed(peer, seen)]
            placed += group
            groups.append(_which([listener.row for listener in group]))
        by_port: dict[UdpPort, list[int]] = {}
        others = list[tuple[Path, int]]()
        for listener in placed:
            if isinstance(listener.path, UdpPath):
                by_port.setdefault(listener.path.port, []).append(listener.row)
            elif listener.path is not None:
                others.append((listener.path, listener.row))
        return _Plan(
            key=key,
            groups=groups,
            peers=[listener.peer for listener in placed],
            rows=_which([listener.row for listener in placed]),
            calls=[(listener.out.context, *self._rows.where(listener.row)) for listener in placed],
            batches=[self._batch(port, rows) for port, rows in by_port.items()],
            others=others,
        )

    def _is_placed(self, peer: str, seen: set[str]) -> bool:
        listener = self._listeners.get(peer)
        if listener is None or listener.path is None or peer in seen:
            return False  # a peer named twice gets the first payload: one packet per tick
        seen.add(peer)
        return True

    def _batch(self, port: UdpPort, rows: list[int]) -> Batch:
        arrays = self._rows
        picked = np.array(rows, dtype=np.intp)
        return Batch(port.socket, arrays.frames, arrays.names, arrays.name_lengths, picked)


def _which(rows: list[int]) -> _Which:
    """Return neighbouring rows as a slice, which numpy is much quicker with."""
    if rows and rows == list(range(rows[0], rows[-1] + 1)):
        return slice(rows[0], rows[-1] + 1)
    return np.array(rows, dtype=np.intp)
