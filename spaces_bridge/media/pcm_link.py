"""Sound between a media worker and its SFU client: unix datagrams, the same on both sides.

A datagram is four magic bytes, then entries: `u8 space, u8 user, u16 sound` (lengths in bytes, big
endian), the two ids in UTF-8, and 20 ms of s16le, 48 kHz, mono; without sound they are silent. All
frames of a moment share datagrams, because Linux lets only ten wait in a socket
(`net.unix.max_dgram_qlen`). Nothing waits for the other side: what does not fit is dropped, and
either side may be restarted at any time.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.unix_datagrams import BadDatagram, UnixDatagrams

RATE: Final = 48_000
FRAME_BYTES: Final = 1920
"""Bytes of 20 ms."""
MAX_DATAGRAM: Final = 48 * 1024
"""Bytes; longer is none of ours. 18 frames with the longest ids fit in."""

_MAGIC: Final = b"SBP1"
_ENTRY: Final = struct.Struct(">BBH")
_LONGEST_ID: Final = 255  # bytes; what Matrix allows a user id


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
    """A PCM link is one side's socket: it reads at `own` and sends to `other`, both paths."""

    def __init__(self, own: Path, other: Path, on_frame: Callable[[PcmFrame], None]) -> None:
        self._other, self._on_frame = str(other), on_frame
        self._datagrams = UnixDatagrams(own, self._hear, MAX_DATAGRAM)

    @property
    def refused(self) -> int:
        """The datagrams since the start that were read and not understood."""
        return self._datagrams.refused

    @property
    def dropped(self) -> int:
        """The datagrams since the start that were not sent."""
        return self._datagrams.dropped

    def open(self) -> None:
        """Begin to read; another's socket of that path is put aside. Raises OSError."""
        self._datagrams.open()

    def close(self) -> None:
        """Read no more, and remove the path unless it is another's by now."""
        self._datagrams.close()

    def send(self, frames: Iterable[PcmFrame]) -> None:
        """Send frames without waiting; what the other side has no room for is dropped."""
        for datagram in pack(frames):
            self._datagrams.send(datagram, self._other)

    def _hear(self, datagram: bytes) -> None:
        for frame in unpack(datagram):
            self._on_frame(frame)


def link_paths(runtime_dir: Path) -> tuple[Path, Path]:
    """Return where the worker reads, and where the SFU client does."""
    return runtime_dir / "sfu-in.sock", runtime_dir / "sfu-out.sock"
