"""Malformed datagrams for the media port, made by chance: right at first sight and wrong after it.

They are random bytes behind a valid head, with lengths that are not theirs and types that nobody
knows. None is aimed at a fault of anybody's software: what is tested is that ours refuses them.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from spaces_bridge.media.worker.edge import stun as known

SEED = int(os.environ.get("MALFORMED_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

Make: TypeAlias = Callable[[random.Random], bytes]


def dice() -> random.Random:
    """Chance; its seed is printed, so that a failed run can be repeated."""
    print(f"MALFORMED_SEED={SEED}")  # noqa: T201  # pytest shows it on failure
    return random.Random(SEED)


def stun(dice: random.Random) -> bytes:
    """A STUN message; its type, its attributes and some lengths are anything."""
    body = b"".join(_attribute(dice) for _ in range(dice.randrange(6)))
    length = dice.choice([len(body), len(body), dice.randrange(1 << 16)])
    return (
        known.HEADER.pack(dice.randrange(1 << 14), length, known.COOKIE, dice.randbytes(12)) + body
    )


def _attribute(dice: random.Random) -> bytes:
    value = dice.randbytes(dice.randrange(40))
    size = dice.choice([len(value), len(value), dice.randrange(1 << 16)])
    return dice.randrange(1 << 16).to_bytes(2) + size.to_bytes(2) + value + bytes(-len(value) % 4)


def dtls(dice: random.Random) -> bytes:
    """A DTLS record; types, lengths and fragments are anything."""
    body = dice.randbytes(dice.randrange(400))
    if dice.random() < 0.5:  # a handshake message's head
        size, seq, at = dice.choice([0, 20, len(body), dice.randrange(1 << 24)]), 0, 0
        head = bytes([dice.choice([1, 2, 11, 16, 20, dice.randrange(256)])])
        head += size.to_bytes(3) + seq.to_bytes(2) + at.to_bytes(3)
        body = head + dice.choice([size, len(body)]).to_bytes(3) + body
    kind = dice.choice([20, 21, 22, 22, 22, 23, 24, 25, dice.randrange(20, 64)])
    version = dice.choice([b"\xfe\xfd", b"\xfe\xff", dice.randbytes(2)])
    length = dice.choice([len(body), len(body), 0, dice.randrange(0x10000)])
    epoch = dice.choice([0, 0, 1]).to_bytes(2)
    return bytes([kind]) + version + epoch + dice.randbytes(6) + length.to_bytes(2) + body


def sound(dice: random.Random) -> bytes:
    """An RTP or RTCP packet of nobody, which nobody has protected."""
    second = dice.choice([111, dice.randrange(128), dice.randrange(192, 224)])
    return bytes([dice.randrange(128, 192), second]) + dice.randbytes(dice.randrange(100))


def anything(dice: random.Random) -> bytes:
    """Random bytes behind the first byte of any kind, or of none."""
    first = dice.choice([0, 1, 20, 22, 63, 64, 128, 144, 191, 255])
    second = dice.choice([111, 192, 200, 201, 203, 207, 223, dice.randrange(256)])
    return bytes([first, second]) + dice.randbytes(dice.randrange(1400))


def _some(make: Make, count: int) -> Callable[[random.Random], Iterator[bytes]]:
    return lambda dice: (make(dice) for _ in range(count))


SPRAYS: Mapping[str, Callable[[random.Random], Iterator[bytes]]] = {
    "one empty datagram": lambda _: iter([b""]),
    "one DTLS record": _some(dtls, 1),
    "thirty DTLS records": _some(dtls, 30),
    "thirty STUN messages": _some(stun, 30),
    "thirty packets of sound": _some(sound, 30),
    "thirty of anything": _some(anything, 30),
    "single bytes": lambda _: (bytes([first]) for first in range(256)),
    "too long": lambda _: (bytes([first]) + bytes(9000) for first in (0, 22, 128, 255)),
}
