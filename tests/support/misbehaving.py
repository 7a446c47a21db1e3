"""What a client sends that was let in and means no good: under good signatures, never-ending.

The same for the tests of the edge and for the benchmark of a whole worker.
"""

import random
from collections.abc import Callable, Iterator

import pylibsrtp

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.srtp import Outbound
from spaces_bridge_demo.wire import WirePeer

OPUS = 111
_SILENCE = b"\xf8\xff\xfe"


class Evil:
    """A connected client's keys, for packets of any kind; sequence numbers go on by themselves."""

    def __init__(self, peer: WirePeer, dice: random.Random) -> None:
        assert peer.out is not None
        assert peer.keys is not None
        self.ssrc, self.dice, self.index = peer.ssrc, dice, 0
        self._out, self._keys = peer.out, peer.keys

    def sound(
        self, payload: bytes, *, first: int = 0x80, head: bytes = b"", kind: int = OPUS
    ) -> bytes | None:
        """An RTP packet; `head` stands before its payload. None: libsrtp does not protect it."""
        self.index += 1
        at = self.index * 960 & 0xFFFFFFFF
        packet = rtp.HEADER.pack(first, kind, self.index & 0xFFFF, at, self.ssrc)
        try:
            return self._out.protect(packet + head + payload)
        except pylibsrtp.Error:
            return None

    def report(self, body: bytes) -> bytes | None:
        """A report of any content. None: libsrtp does not protect it."""
        try:
            return self._out.protect_rtcp(body)
        except pylibsrtp.Error:
            return None

    def of_another(self, ssrc: int) -> bytes:
        """Sound of another stream under the same keys."""
        out = Outbound(self._keys.profile, self._keys.tx, ssrc)
        return out.protect(rtp.HEADER.pack(0x80, OPUS, 1, 960, ssrc) + _SILENCE)


Misbehaviour = Callable[[Evil], Iterator[bytes | None]]


def every_toc(evil: Evil) -> Iterator[bytes | None]:
    """Every first byte of Opus, alone and before junk."""
    for toc in range(256):
        for size in (0, 1, evil.dice.randrange(2, 80)):
            yield evil.sound(bytes([toc]) + evil.dice.randbytes(size))


def odd_headers(evil: Evil) -> Iterator[bytes | None]:
    """Contributors, extensions of any length, padding that lies."""
    for _ in range(600):
        contributors, words = evil.dice.randrange(16), evil.dice.choice([0, 1, 4, 300, 0xFFFF])
        first = 0x80 | evil.dice.choice([0, 0x10, 0x20, 0x30]) | contributors
        head = bytes(4 * contributors)
        if first & 0x10:
            head += evil.dice.choice([b"\xbe\xde", b"\x10\0", b"\0\0"]) + words.to_bytes(2)
            head += evil.dice.randbytes(4 * min(words, 320))
        junk = evil.dice.randbytes(evil.dice.randrange(60))
        yield evil.sound(junk, first=first, head=head)


def reports(evil: Evil) -> Iterator[bytes | None]:
    """Compound packets that are odd, endless, or about everybody else; no goodbye among them."""
    for _ in range(600):
        body = _report(evil)[:1100]
        news = rtp.read_rtcp(body)
        yield None if news is not None and news.left else evil.report(body)


def _report(evil: Evil) -> bytes:
    dice, body = evil.dice, b""
    for part in range(dice.choice([1, 2, 33, 60])):
        kind = dice.choice([192, 200, 201, 202, 204, 205, 206, 207, 223])
        inside = evil.ssrc.to_bytes(4) if part == 0 else b""
        inside += dice.randbytes(4 * dice.randrange(6))
        size = dice.choice([len(inside) // 4] * 5 + [dice.randrange(0x10000)])
        body += bytes([0x80 | dice.randrange(64), kind]) + size.to_bytes(2) + inside
    return body


def streams(evil: Evil) -> Iterator[bytes | None]:
    """Ever new streams, after the first one."""
    yield evil.sound(_SILENCE)
    for _ in range(600):
        yield evil.of_another(evil.dice.randrange(1, 1 << 32))


def jumps(evil: Evil) -> Iterator[bytes | None]:
    """Sequence numbers as far ahead as SRTP follows, again and again."""
    for _ in range(600):
        evil.index += 32_000
        yield evil.sound(_SILENCE)


def other_kinds(evil: Evil) -> Iterator[bytes | None]:
    """Payload types that were not negotiated."""
    for kind in range(128):
        if kind != OPUS:
            yield evil.sound(_SILENCE, kind=kind)
