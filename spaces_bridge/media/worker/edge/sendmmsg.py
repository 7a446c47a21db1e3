"""Sending many datagrams by one system call: Linux' sendmmsg(2) on memory laid out beforehand."""

import ctypes
import errno
import socket
from typing import Any

import numpy as np
from numpy.typing import NDArray

PER_CALL = 1024  # the kernel's own limit (UIO_MAXIOV)
NAME_SIZE = 28  # sizeof(struct sockaddr_in6)

_IOVEC = np.dtype([("base", np.uintp), ("length", np.uintp)], align=True)
_HEADER = np.dtype(
    [
        ("name", np.uintp),
        ("name_length", np.uint32),
        ("iov", np.uintp),
        ("iov_count", np.uintp),
        ("control", np.uintp),
        ("control_length", np.uintp),
        ("flags", np.int32),
    ],
    align=True,
)
_MESSAGE = np.dtype([("header", _HEADER), ("sent", np.uint32)], align=True)

_sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
_sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
_sendmmsg.restype = ctypes.c_int


class Batch:
    """A batch sends the same rows of packets to the same addresses; only their lengths change."""

    def __init__(
        self,
        sock: socket.socket,
        frames: NDArray[np.uint8],
        names: NDArray[np.uint8],
        name_lengths: NDArray[np.uint32],
        rows: NDArray[np.intp],
    ) -> None:
        """`frames` and `names` hold one packet and one address per row and must not move."""
        self.rows = rows
        self._socket = sock
        self._keep = (frames, names)
        self._vectors: NDArray[Any] = np.zeros(len(rows), dtype=_IOVEC)
        self._vectors["base"] = frames.ctypes.data + rows * frames.strides[0]
        self._messages: NDArray[Any] = np.zeros(len(rows), dtype=_MESSAGE)
        header = self._messages["header"]
        header["name"] = names.ctypes.data + rows * names.strides[0]
        header["name_length"] = name_lengths[rows]
        header["iov"] = self._vectors.ctypes.data + np.arange(len(rows)) * _IOVEC.itemsize
        header["iov_count"] = 1

    def send(self, lengths: NDArray[np.int32]) -> int:
        """Send every row; `lengths` are indexed by row. Return how many the kernel took."""
        self._vectors["length"] = lengths[self.rows]
        start, total, sent = self._messages.ctypes.data, len(self.rows), 0
        at = 0
        while at < total:
            count = _sendmmsg(
                self._socket.fileno(),
                start + at * _MESSAGE.itemsize,
                min(PER_CALL, total - at),
                socket.MSG_DONTWAIT,
            )
            if count > 0:
                sent += count
                at += count
            elif ctypes.get_errno() in (errno.EAGAIN, errno.ENOBUFS):
                break  # the buffer is full: late sound is worth nothing
            elif ctypes.get_errno() != errno.EINTR:
                at += 1  # this address cannot be reached; the others can
        return sent
