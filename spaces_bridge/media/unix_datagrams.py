"""Unix datagrams between processes of this machine, in a private directory.

Nothing waits for the other side: what does not fit is dropped and counted, and either side may be
restarted at any time, as it is found again by its path.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

_BUFFER: Final = 1 << 20
_MOST_AT_ONCE: Final = 16
"""Datagrams that are read before anything else gets its turn."""


class BadDatagram(ValueError):
    """A bad datagram: bytes that are none of ours; nothing of it is used."""


class UnixDatagrams:
    """A socket that reads datagrams at `own`, and sends to any path.

    `refused` and `dropped` count datagrams since the start: read and not understood, not sent.
    """

    def __init__(self, own: Path, on_datagram: Callable[[bytes], None], longest: int) -> None:
        """`on_datagram` may raise BadDatagram; `longest` is in bytes."""
        self._own, self._on_datagram, self._longest = own, on_datagram, longest
        self._socket: socket.socket | None = None
        self._inode = 0
        self.refused = 0
        self.dropped = 0

    def open(self) -> None:
        """Begin to read; another's socket of that path is put aside. Raises OSError."""
        if self._socket is not None:
            return
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        before = os.umask(0o177)
        try:
            self._own.unlink(missing_ok=True)
            bound.bind(str(self._own))
        except OSError:
            bound.close()
            raise
        finally:
            os.umask(before)
        self._inode = self._own.stat().st_ino
        self._socket = bound
        asyncio.get_running_loop().add_reader(bound, self._read)

    def close(self) -> None:
        """Read no more, and remove the path unless it is another's by now."""
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        with contextlib.suppress(OSError):
            if self._own.stat().st_ino == self._inode:
                self._own.unlink()

    def send(self, datagram: bytes, to: str) -> None:
        """Send without waiting; what the other side has no room for is dropped."""
        if self._socket is None:
            return
        try:
            self._socket.sendto(datagram, to)
        except OSError:  # it is not there, or does not keep up
            self.dropped += 1

    def _read(self) -> None:
        bound = self._socket
        assert bound is not None
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram = bound.recv(self._longest + 1)
            except OSError:  # nothing more is there
                return
            try:
                self._on_datagram(datagram)
            except BadDatagram:
                self.refused += 1
