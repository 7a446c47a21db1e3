"""Sound between a media worker and its SFU client: unix datagrams, the same on both sides.

A datagram is four magic bytes, then entries: `u8 space, u8 user, u16 sound` (lengths in bytes, big
endian), the two ids in UTF-8, and 20 ms of s16le, 48 kHz, mono; without sound they are silent. All
frames of a moment share datagrams, because Linux lets only ten wait in a socket
(`net.unix.max_dgram_qlen`). Nothing waits for the other side: what does not fit is dropped, and
either side may be restarted at any time.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spaces_bridge.core.ids import SpaceId, UserId

RATE: Final = 48_000
FRAME_BYTES: Final = 1920
"""Bytes of 20 ms."""
MAX_DATAGRAM: Final = 48 * 1024
"""Bytes; longer is none of ours. 18 frames with the longest ids fit in."""

_MAGIC: Final = b"SBP1"
_ENTRY: Final = struct.Struct(">BBH")
_LONGEST_ID: Final = 255  # bytes; what Matrix allows a user id
_BUFFER: Final = 1 << 20
_MOST_AT_ONCE: Final = 16
"""Datagrams that are read before anything else gets its turn."""


class BadDatagram(ValueError):
    """A bad datagram: bytes that are none of ours; nothing of it is used."""


@dataclass(frozen=True, slots=True)
class PcmFrame:
    """A frame is 20 ms of one user's sound: `FRAME_BYTES`, or none at all for silence."""

    space: SpaceId
    user: UserId
    pcm: bytes


def pack(frames: Iterable[PcmFrame]) -> Iterator[bytes]:
    """Return frames as datagrams. One whose ids are too long is left out."""
    parts, size = [_MAGIC], len(_MAGIC)
    for frame in frames:
        space, user = frame.space.encode(), frame.user.encode()
        if len(space) > _LONGEST_ID or len(user) > _LONGEST_ID:
            continue
        entry = _ENTRY.pack(len(space), len(user), len(frame.pcm)) + space + user + frame.pcm
        if size + len(entry) > MAX_DATAGRAM:
            yield b"".join(parts)
            parts, size = [_MAGIC], len(_MAGIC)
        parts.append(entry)
        size += len(entry)
    if len(parts) > 1:
        yield b"".join(parts)


def unpack(datagram: bytes) -> list[PcmFrame]:
    """Return the frames of a datagram. Raises BadDatagram."""
    if len(datagram) > MAX_DATAGRAM or not datagram.startswith(_MAGIC):
        raise BadDatagram("it is none of ours")
    frames: list[PcmFrame] = []
    at = len(_MAGIC)
    try:
        while at < len(datagram):
            space, user, sound = _ENTRY.unpack_from(datagram, at)
            ids = at + _ENTRY.size
            pcm = ids + space + user
            at = pcm + sound
            if at > len(datagram) or sound not in (0, FRAME_BYTES):
                raise BadDatagram("its lengths do not match")
            frames.append(
                PcmFrame(
                    SpaceId(datagram[ids : ids + space].decode()),
                    UserId(datagram[ids + space : pcm].decode()),
                    datagram[pcm:at],
                )
            )
    except (struct.error, UnicodeDecodeError) as problem:
        raise BadDatagram("an entry is broken") from problem
    return frames


class PcmLink:
    """A PCM link is one side's socket: it reads at `own` and sends to `other`, both paths.

    `refused` and `dropped` count datagrams since the start: read and not understood, not sent.
    """

    def __init__(self, own: Path, other: Path, on_frame: Callable[[PcmFrame], None]) -> None:
        self._own, self._other, self._on_frame = own, str(other), on_frame
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

    def send(self, frames: Iterable[PcmFrame]) -> None:
        """Send frames without waiting; what the other side has no room for is dropped."""
        if self._socket is None:
            return
        for datagram in pack(frames):
            try:
                self._socket.sendto(datagram, self._other)
            except OSError:  # it is not there, or does not keep up
                self.dropped += 1

    def _read(self) -> None:
        assert self._socket is not None
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram = self._socket.recv(MAX_DATAGRAM + 1)
            except OSError:  # nothing more is there
                return
            try:
                frames = unpack(datagram)
            except BadDatagram:
                self.refused += 1
                continue
            for frame in frames:
                self._on_frame(frame)


def link_paths(runtime_dir: Path) -> tuple[Path, Path]:
    """Return where the worker reads, and where the SFU client does."""
    return runtime_dir / "sfu-in.sock", runtime_dir / "sfu-out.sock"
