"""SRTP (RFC 3711, RFC 7714) by libsrtp: protecting, opening, and moving sessions forward."""

import contextlib
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import pylibsrtp
from pylibsrtp._binding import ffi

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.values import MAX_MEDIA_DATAGRAM

_TRAILER = pylibsrtp.SRTP_MAX_TRAILER_LEN
_LEAP = 20_000  # libsrtp follows a sequence number that jumps by less than 32768
FARTHEST: Final = 10_000 * _LEAP
"""The most packet indexes (46 days of sound) a session is moved forward by: 0.04 s of work."""


class Profile(StrEnum):
    """The protection profiles spoken here, by their OpenSSL names; the first is preferred."""

    GCM = "SRTP_AEAD_AES_128_GCM"
    CM = "SRTP_AES128_CM_SHA1_80"

    @property
    def sizes(self) -> tuple[int, int]:
        """The bytes of master key and master salt."""
        return (16, 12) if self is Profile.GCM else (16, 14)

    @property
    def libsrtp(self) -> int:
        """The profile's number in pylibsrtp."""
        policy = pylibsrtp.Policy
        if self is Profile.GCM:
            return int(policy.SRTP_PROFILE_AEAD_AES_128_GCM)
        return int(policy.SRTP_PROFILE_AES128_CM_SHA1_80)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a DTLS handshake agreed on; each is master key and salt."""

    profile: Profile
    tx: bytes = field(repr=False)
    rx: bytes = field(repr=False)

    @classmethod
    def for_server(cls, profile: Profile, material: bytes) -> "Keys":
        """Cut exported keying material (RFC 5764, 4.2) for the side that answered DTLS."""
        key, salt = profile.sizes
        client_key, server_key = material[:key], material[key : 2 * key]
        salts = material[2 * key :]
        return cls(profile, tx=server_key + salts[salt:], rx=client_key + salts[:salt])

    def swapped(self) -> "Keys":
        """Return the same keys for the other side."""
        return Keys(self.profile, tx=self.rx, rx=self.tx)

    @staticmethod
    def material_size(profile: Profile) -> int:
        """Return the bytes of keying material to export."""
        return 2 * sum(profile.sizes)


def _session(profile: Profile, key: bytes, kind: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=profile.libsrtp)
    return pylibsrtp.Session(policy=policy)


def _make_room(session: pylibsrtp.Session, size: int) -> None:
    """Give a pylibsrtp session, made for 1,500 bytes, more room if this packet needs it."""
    if len(session._cdata) < size <= MAX_MEDIA_DATAGRAM + _TRAILER:
        session._cdata = ffi.new("char[]", MAX_MEDIA_DATAGRAM + _TRAILER)
        session._buffer = ffi.buffer(session._cdata)


def _dummy(index: int, ssrc: int) -> bytes:
    return rtp.HEADER.pack(0x80, 0, index & 0xFFFF, 0, ssrc) + b"\0"


class Outbound:
    """An outbound session is the sending half of one peer: `ssrc`, its RTP and its RTCP.

    Call peers send streams of other SSRCs by it, too; nothing is counted of these here.
    """

    def __init__(self, profile: Profile, key: bytes, ssrc: int) -> None:
        self.ssrc = ssrc
        self.rtcp_index = 0  # of the last SRTCP packet; the next one has this plus one
        self._rtcp_behind = 0  # indexes that are still to be passed over before that
        self._session = _session(profile, key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)

    @property
    def context(self) -> Any:  # noqa: ANN401 - a cffi pointer has no type we could name
        """The `srtp_t` itself, for protecting in place."""
        return self._session._srtp[0]

    def protect(self, packet: bytes) -> bytes:
        """Encrypt one RTP packet; for many of them see FanOut."""
        _make_room(self._session, len(packet) + _TRAILER)
        return self._session.protect(packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Encrypt one compound RTCP packet. Call it only if nothing is left to `catch_up` with."""
        assert not self._rtcp_behind
        self.rtcp_index += 1
        return self._session.protect_rtcp(packet)

    def forget(self, ssrc: int) -> None:
        """Forget a stream that has ended; its SSRC must never be used again with these keys."""
        with contextlib.suppress(pylibsrtp.Error):  # nothing was ever sent
            self._session.remove_stream(ssrc)

    def fast_forward(self, rtp_index: int, rtcp_index: int) -> None:
        """Make `rtp_index` and `rtcp_index + 1` the next to be used. Nothing is sent.

        pylibsrtp offers no way to set the counters, so packets nobody gets are protected: one for
        many RTP indexes, but one for each of RTCP, for which `catch_up` is to be called. Raises
        ValueError for an index that is too far away.
        """
        if rtp_index > FARTHEST:
            raise ValueError("the stream is too old to be taken up")
        at = 0
        while rtp_index - at > _LEAP:
            at += _LEAP
            self._session.protect(_dummy(at, self.ssrc))
        self._rtcp_behind += rtcp_index - self.rtcp_index
        self.rtcp_index = rtcp_index

    def may_report(self) -> bool:
        """Return whether RTCP packets can be protected now."""
        return self._rtcp_behind == 0

    def catch_up(self, most: int) -> int:
        """Pass over at most so many RTCP indexes; return how many it were."""
        passed = min(most, self._rtcp_behind)
        for _ in range(passed):
            self._session.protect_rtcp(rtp.goodbye(self.ssrc, "-"))
        self._rtcp_behind -= passed
        return passed


class Inbound:
    """An inbound session is the receiving half of one peer."""

    def __init__(self, profile: Profile, key: bytes) -> None:
        self._profile, self._key = profile, key
        self._session = _session(profile, key, pylibsrtp.Policy.SSRC_ANY_INBOUND)

    def open(self, packet: bytes) -> bytes | None:
        """Decrypt an RTP packet; return None if it is forged, damaged or was seen before."""
        _make_room(self._session, len(packet))
        try:
            return self._session.unprotect(packet)
        except (pylibsrtp.Error, ValueError):
            return None

    def open_rtcp(self, packet: bytes) -> bytes | None:
        """Decrypt an RTCP packet; return None if it is forged, damaged or was seen before."""
        try:
            return self._session.unprotect_rtcp(packet)
        except (pylibsrtp.Error, ValueError):
            return None

    def fast_forward(self, index: int, ssrc: int) -> None:
        """Take up the stream `ssrc` after packet `index`, in the peer's current rollover.

        The session follows packets we make ourselves with the peer's key. Raises ValueError for
        an index that is too far away.
        """
        if index > FARTHEST:
            raise ValueError("the speaker's stream is too far on to be taken up")
        sender = _session(self._profile, self._key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        at = 0
        while at < index:
            at = min(at + _LEAP, index)
            self._session.unprotect(sender.protect(_dummy(at, ssrc)))


def new_ssrc() -> int:
    """Make a random SSRC (RFC 3550, 8.1)."""
    return secrets.randbelow((1 << 32) - 1) + 1
