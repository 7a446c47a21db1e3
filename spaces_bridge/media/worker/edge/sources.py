"""The SSRCs a peer sends from: the few that may reach libsrtp.

An SRTP session keeps every SSRC it ever authenticated and searches all of them for each packet, so
others must not reach it (ADR 21).
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

MOST_LEARNT: Final = 16
"""SSRCs of one peer. A client has a new one each time it publishes its microphone anew."""


@dataclass(slots=True)
class Sources:
    """The sources of a peer with one stream: the first that is authenticated.

    Another may take its place when it has ended (`may_follow`), and none comes back. One more may
    be used in RTCP (RFC 3550, 6.1: a receiver has an SSRC of its own).
    """

    rtp: int | None = None
    rtcp: int | None = None  # where it is not the one above
    ended: set[int] = field(default_factory=set)
    is_final: bool = False
    """Whether no other stream may come: what has ended before is not known."""

    def knows_rtp(self, ssrc: int) -> bool:
        """Return whether the stream may be the peer's."""
        return self.rtp in (None, ssrc)

    def knows_rtcp(self, ssrc: int) -> bool:
        """Return whether RTCP of this sender may be the peer's."""
        if ssrc in self.ended:  # its goodbye is none of the stream that took its place
            return False
        return ssrc == self.rtp or self.rtcp in (None, ssrc)

    def may_follow(self, ssrc: int) -> bool:
        """Return whether this may be the peer's stream once the one before has ended."""
        return not self.is_final and ssrc not in self.ended and len(self.ended) < MOST_LEARNT - 1

    def believe_rtp(self, ssrc: int) -> None:
        """Note that authenticated RTP came from `ssrc`."""
        if self.rtp is not None and self.rtp != ssrc:
            self.ended.add(self.rtp)
        self.rtp = ssrc

    def believe_rtcp(self, ssrc: int) -> None:
        """Note that authenticated RTCP came from `ssrc`."""
        if ssrc != self.rtp:
            self.rtcp = ssrc


@dataclass(slots=True)
class CallSources(Sources):
    """The sources of a call peer, whose stream's SSRC may be another after a negotiation."""

    announced: AbstractSet[int] = frozenset()  # none: the first that is authenticated
    learnt: set[int] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        """Return whether no other SSRC can be learnt: the client has to join anew."""
        return len(self.learnt) >= MOST_LEARNT

    def negotiate(self, announced: AbstractSet[int]) -> bool:
        """Take the SSRCs that the client announced for its microphone.

        Return whether another stream than before may come.
        """
        if announced and announced == self.announced:
            return False
        self.announced, self.rtp = announced, None
        return True

    def knows_rtp(self, ssrc: int) -> bool:
        """Return whether the stream may be the peer's: announced, and of a bounded number."""
        if self.announced and ssrc not in self.announced:
            return False
        return self.rtp in (None, ssrc) and (ssrc in self.learnt or not self.is_full)

    def may_follow(self, ssrc: int) -> bool:
        """Return False: another stream is negotiated."""
        return False

    def knows_rtcp(self, ssrc: int) -> bool:
        """Return whether RTCP of this sender may be the peer's."""
        if ssrc in self.learnt:
            return True
        return (self.rtcp is None or ssrc in self.announced) and not self.is_full

    def believe_rtp(self, ssrc: int) -> None:
        """Note that authenticated RTP came from `ssrc`."""
        self.rtp = ssrc
        self.learnt.add(ssrc)

    def believe_rtcp(self, ssrc: int) -> None:
        """Note that authenticated RTCP came from `ssrc`."""
        self.learnt.add(ssrc)
        if ssrc not in self.announced:
            self.rtcp = ssrc
