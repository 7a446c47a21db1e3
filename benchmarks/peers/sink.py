"""The sink: takes over listeners' sockets after their handshakes, and counts what comes.

It runs in a thread of this process, in C where there is a compiler: the clients of a crowd are on
the server's machine, and what they cost would be taken from it.
"""

import ctypes
import select
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.compiled import built

_SOURCE = Path(__file__).with_name("sink.c")
_EPOLL_CTL_ADD = 1


class Ear(ctypes.Structure):
    """The `struct ear` of sink.c: what has come for one listener."""

    _fields_ = (
        ("last_ns", ctypes.c_int64),
        ("longest_gap_ns", ctypes.c_int64),
        ("packets", ctypes.c_uint64),
        ("octets", ctypes.c_uint64),
        ("missing", ctypes.c_uint64),
        ("late", ctypes.c_uint64),
        ("stun", ctypes.c_uint64),
        ("rtcp", ctypes.c_uint64),
        ("newest", ctypes.c_uint32),
        ("ssrc", ctypes.c_uint32),
        ("fd", ctypes.c_int32),
        ("frames", ctypes.c_int32),
        ("timestamp", ctypes.c_uint32),
        ("spare", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of several listeners since `forget`; gaps are in seconds, one per listener."""

    listeners: int
    packets: int
    octets: int
    missing: int
    stun: int
    rtcp: int
    gaps_s: tuple[float, ...]
    samples: tuple[int, ...]
    """The 48 kHz samples from one packet to the next, last seen at each listener."""


class Sink:
    """A sink for at most so many listeners; counting is done in a thread until `close`."""

    def __init__(self, most: int) -> None:
        """Raises FloorBroken when the program cannot be compiled."""
        with tempfile.TemporaryDirectory(prefix="bench-sink-") as name:
            self._run = ctypes.CDLL(str(built(_SOURCE, Path(name)))).sink_run
        self._ears = (Ear * most)()
        self._taken = 0
        self._stop = ctypes.c_int(0)
        self._poll = select.epoll()
        self._poll_fd = self._poll.fileno()
        self._library = _Library(self._poll_fd)
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def take(self, fd: int) -> Ear:
        """Count what comes on this socket from now on; return its counts."""
        place, self._taken = self._taken, self._taken + 1
        ear: Ear = self._ears[place]
        ear.fd = fd
        self._library.add(fd, place)
        return ear

    def forget(self) -> None:
        """Count from zero."""
        for ear in self._all():
            ear.packets = ear.octets = ear.missing = ear.late = ear.stun = ear.rtcp = 0
            ear.longest_gap_ns = 0

    def counted(self) -> Counted:
        """Return the counts."""
        ears = self._all()
        return Counted(
            listeners=len(ears),
            packets=sum(ear.packets for ear in ears),
            octets=sum(ear.octets for ear in ears),
            missing=sum(ear.missing for ear in ears),
            stun=sum(ear.stun for ear in ears),
            rtcp=sum(ear.rtcp for ear in ears),
            gaps_s=tuple(ear.longest_gap_ns / 1e9 for ear in ears),
            samples=tuple(sorted({ear.frames for ear in ears})),
        )

    def close(self) -> None:
        """Stop counting; the sockets stay open."""
        self._stop.value = 1
        self._thread.join()
        self._poll.close()

    def _all(self) -> list[Ear]:
        return [self._ears[place] for place in range(self._taken)]

    def _count(self) -> None:
        self._run(self._poll_fd, self._ears, ctypes.byref(self._stop))


class _Event(ctypes.Structure):
    """The `struct epoll_event` of the C library, with an index for its data."""

    _pack_ = 1
    _fields_ = (("events", ctypes.c_uint32), ("index", ctypes.c_uint32), ("rest", ctypes.c_uint32))


class _Library:
    """The C library's epoll, whose data can be an index; that of Python's is always the file."""

    def __init__(self, epoll: int) -> None:
        self._ctl = ctypes.CDLL(None, use_errno=True).epoll_ctl
        self._epoll = epoll

    def add(self, fd: int, index: int) -> None:
        """Watch a file. Raises OSError."""
        event = _Event(select.EPOLLIN, index, 0)
        if self._ctl(self._epoll, _EPOLL_CTL_ADD, fd, ctypes.byref(event)) != 0:
            raise OSError(ctypes.get_errno(), "the socket cannot be watched")
