"""Which stream goes in which section of a call peer. Pure.

A stream stays in its section as long as it is wanted. A section that a stream has left is empty
for one negotiation before another stream gets it: browsers tell a page of a new track only when a
section begins to carry sound (W3C WebRTC, 4.4.1.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.edge.call_sdp import CallSection
from spaces_bridge.media.worker.edge.sdp_sections import MAX_SECTIONS
from spaces_bridge.media.worker.values import WantedStream

MOST_STREAMS: Final = 32
"""Streams of one call peer: each costs an SRTP stream. Those beyond it are not carried."""
MOST_OFFERED: Final = MAX_SECTIONS - 1
"""Sections of audio in our own offers: the client's answer has one of data, too."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A stream in its section."""

    wanted: WantedStream
    ssrc: int
    payload_type: int


class CallSections:
    """The sections of one call peer, by mid, and what they carry."""

    def __init__(self, first_ssrc: int) -> None:
        """`first_ssrc`: of the first stream; each later one has the next, none is used again."""
        self.carried: dict[str, Carried] = {}
        self._ssrc = first_ssrc

    def assign(self, sections: Sequence[CallSection], wanted: Sequence[WantedStream]) -> int:
        """Give the streams sections of a client's offer; return how many have none."""
        free = {
            section.asked.mid: section.payload_type
            for section in sorted(sections, key=lambda each: each.sends)
            if section.payload_type is not None and section.receives
        }
        return self._assign(free, wanted)

    def lay_out(self, mids: Sequence[str], kind: int, wanted: Sequence[WantedStream]) -> list[str]:
        """Give the streams sections of our own offer; return its mids, one at least."""
        laid = list(mids)
        missing = self._assign(dict.fromkeys(laid, kind), wanted)
        while (missing or not laid) and len(laid) < MOST_OFFERED:
            laid.append(str(len(laid)))
            missing = self._assign(dict.fromkeys(laid[-1:], kind) | self._present(), wanted)
        return laid

    def keep(self, mids: Sequence[str]) -> None:
        """Drop what is in no section of these: the client has turned the others down."""
        self.carried = {mid: each for mid, each in self.carried.items() if mid in mids}

    def _present(self) -> dict[str, int]:
        return {mid: each.payload_type for mid, each in self.carried.items()}

    def _assign(self, free: dict[str, int], wanted: Sequence[WantedStream]) -> int:
        streams = {each.track: each for each in wanted[:MOST_STREAMS]}
        before, self.carried = self.carried, {}
        for mid, each in before.items():
            if (
                streams.get(each.wanted.track) == each.wanted
                and free.get(mid) == each.payload_type
            ):
                self.carried[mid] = each
                del streams[each.wanted.track]
        empty = [mid for mid in free if mid not in before]
        for mid, stream in zip(empty, list(streams.values()), strict=False):
            self.carried[mid] = Carried(stream, self._next_ssrc(), free[mid])
            del streams[stream.track]
        return len(streams)

    def _next_ssrc(self) -> int:
        ssrc = self._ssrc
        self._ssrc = (ssrc + 1) & 0xFFFFFFFF
        return ssrc
