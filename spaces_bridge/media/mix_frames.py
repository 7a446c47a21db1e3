"""What media workers of one machine send each other: ticks of mixes, and which ones are wanted.

A datagram is four magic bytes and the sender's place among the workers (u8), then entries; numbers
are big endian, lengths in bytes, texts UTF-8. All entries of a moment share datagrams, because
Linux lets only ten wait in a socket (`net.unix.max_dgram_qlen`).

Ticks (`SBM1`): `u32 number, u8 silent, u8 space, u16 people on air, u16 own mixes, u16 shared`,
the space's id and the shared packet; then of each person on air `u8 length` and their id; then of
each own mix `u8 user, u16 packet`, their id and the packet.

Wants (`SBW1`): `u8 wanted, u8 space, u16 people`, the space's id, then of each `u8 length` and id.
"""

import struct
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.unix_datagrams import BadDatagram
from spaces_bridge.media.worker.mix.relayed import RelayedTick

MAX_DATAGRAM: Final = 160 * 1024
"""Bytes; longer is none of ours. 100 people on air who listen elsewhere fit in, at any bitrate."""
TICKS: Final = b"SBM1"
WANTS: Final = b"SBW1"

_TICK: Final = struct.Struct(">IBBHHH")
_OWN: Final = struct.Struct(">BH")
_WANT: Final = struct.Struct(">BBH")
_HEAD: Final = 5
_LONGEST_ID: Final = 255  # bytes; what Matrix allows a user id


@dataclass(frozen=True, slots=True)
class Want:
    """A worker has listeners of a live space (`is_wanted`), and these people on air of them."""

    space: SpaceId
    is_wanted: bool
    users: frozenset[str] = frozenset()


def pack_tick(space: SpaceId, tick: RelayedTick, own_of: Collection[str]) -> bytes:
    """Return a tick's entry for a worker that wants the own mixes `own_of`.

    People whose ids are too long, and own mixes beyond a datagram, are left out.
    """
    name = space.encode()
    on_air = [raw for user in tick.on_air if len(raw := user.encode()) <= _LONGEST_ID]
    ids = b"".join(bytes((len(raw),)) + raw for raw in on_air)
    left = MAX_DATAGRAM - _HEAD - _TICK.size - len(name) - len(tick.shared) - len(ids)
    own: list[bytes] = []
    for user in tick.own.keys() & own_of:
        raw, packet = user.encode(), tick.own[user]
        size = _OWN.size + len(raw) + len(packet)
        if len(raw) <= _LONGEST_ID and size <= left:
            left -= size
            own.append(_OWN.pack(len(raw), len(packet)) + raw + packet)
    head = _TICK.pack(
        tick.number, tick.is_silent, len(name), len(on_air), len(own), len(tick.shared)
    )
    return b"".join((head, name, tick.shared, ids, *own))


def pack_want(want: Want) -> bytes:
    """Return a want's entry. People whose ids are too long are left out."""
    name = want.space.encode()
    users = [raw for user in want.users if len(raw := user.encode()) <= _LONGEST_ID]
    head = _WANT.pack(want.is_wanted, len(name), len(users))
    return head + name + b"".join(bytes((len(raw),)) + raw for raw in users)


def datagrams(kind: bytes, sender: int, entries: Iterable[bytes]) -> Iterator[bytes]:
    """Return entries of a kind as datagrams. One that is too long is left out."""
    head = kind + bytes((sender,))
    parts, size = [head], len(head)
    for entry in entries:
        if len(head) + len(entry) > MAX_DATAGRAM:
            continue
        if size + len(entry) > MAX_DATAGRAM:
            yield b"".join(parts)
            parts, size = [head], len(head)
        parts.append(entry)
        size += len(entry)
    if len(parts) > 1:
        yield b"".join(parts)


def sender_of(datagram: bytes) -> int:
    """Return the sender's place. Raises BadDatagram if it is none of ours."""
    if not _HEAD <= len(datagram) <= MAX_DATAGRAM or datagram[:4] not in (TICKS, WANTS):
        raise BadDatagram("it is none of ours")
    return datagram[4]


def unpack_ticks(datagram: bytes) -> list[tuple[SpaceId, RelayedTick]]:
    """Return the ticks of a datagram of `TICKS`. Raises BadDatagram."""
    read, ticks = _Reader(datagram), list[tuple[SpaceId, RelayedTick]]()
    while read.is_more:
        number, is_silent, name, people, own, shared = read.unpack(_TICK)
        space = SpaceId(read.text(name))
        packet = read.take(shared)
        on_air = read.users(people)
        mixes = dict[str, bytes]()
        for _ in range(own):
            length, packet_length = read.unpack(_OWN)
            user = read.text(length)
            mixes[user] = read.take(packet_length)
        ticks.append((space, RelayedTick(number, packet, bool(is_silent), on_air, mixes)))
    return ticks


def unpack_wants(datagram: bytes) -> list[Want]:
    """Return the wants of a datagram of `WANTS`. Raises BadDatagram."""
    read, wants = _Reader(datagram), list[Want]()
    while read.is_more:
        is_wanted, name, people = read.unpack(_WANT)
        wants.append(Want(SpaceId(read.text(name)), bool(is_wanted), read.users(people)))
    return wants


class _Reader:
    """Reads a datagram from its first entry on. All of it raises BadDatagram."""

    def __init__(self, datagram: bytes) -> None:
        self._data, self._at = datagram, _HEAD

    @property
    def is_more(self) -> bool:
        return self._at < len(self._data)

    def take(self, length: int) -> bytes:
        at, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise BadDatagram("its lengths do not match")
        return self._data[at : self._at]

    def unpack(self, head: struct.Struct) -> tuple[int, ...]:
        return head.unpack(self.take(head.size))

    def text(self, length: int) -> str:
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as problem:
            raise BadDatagram("an id is broken") from problem

    def users(self, count: int) -> frozenset[str]:
        return frozenset(self.text(self.take(1)[0]) for _ in range(count))
