"""What a LiveKit client asks for when it connects, by both forms of the address.

`/rtc/v1` carries a `JoinRequest` in its query: base64 of a `WrappedJoinRequest`, whose content may
be compressed with gzip. `/rtc` says the same in single parameters. Source: LiveKit's protocol
(livekit_rtc.proto), as its SDKs speak it.
"""

import binascii
import zlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError
from livekit.protocol import rtc

from spaces_bridge.livekit.limits import JOIN_REQUEST_MAX

_GZIP: Final = 16 + zlib.MAX_WBITS
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


class JoinRefused(Exception):
    """What a client asked for when it connected cannot be read; `text` is a plain sentence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Joining:
    """What a client asks for: to join, or to go on as the participant `resumes` (its id).

    `is_single`: one peer connection for both directions, for which the client makes all offers;
    `offer` is the first one, if the client has made it already. `subscribes`: it wants all tracks.
    """

    is_single: bool
    resumes: str | None = None
    subscribes: bool = True
    offer: rtc.SessionDescription | None = None
    tracks: tuple[rtc.AddTrackRequest, ...] = ()


def from_parameters(query: Mapping[str, str]) -> Joining:
    """Return what a query of `/rtc` asks for: two peer connections."""
    resumes = query.get("sid", "") if query.get("reconnect") in {"1", "true"} else None
    return Joining(
        is_single=False,
        resumes=resumes,
        subscribes=query.get("auto_subscribe", "1") not in {"0", "false"},
    )


def from_join_request(text: str) -> Joining:
    """Return what the `join_request` of `/rtc/v1` asks for: one connection. Raises JoinRefused."""
    if not text:
        return Joining(is_single=True)
    request = _parsed(text)
    offer = request.publisher_offer if request.HasField("publisher_offer") else None
    settings = request.connection_settings
    return Joining(
        is_single=True,
        resumes=request.participant_sid if request.reconnect else None,
        subscribes=settings.auto_subscribe or not request.HasField("connection_settings"),
        offer=offer,
        tracks=tuple(request.add_track_requests[:1]),
    )


def _parsed(text: str) -> rtc.JoinRequest:
    if len(text) > JOIN_REQUEST_MAX:
        raise JoinRefused("The join request is too long.")
    try:
        encoded = text.encode("ascii").translate(_URL_SAFE)
        wrapped = rtc.WrappedJoinRequest.FromString(b64decode(_padded(encoded), validate=True))
        content = wrapped.join_request
        if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
            content = _inflated(content)
        return rtc.JoinRequest.FromString(content)
    except (DecodeError, UnicodeEncodeError, binascii.Error, zlib.error):
        raise JoinRefused("The join request cannot be read.") from None


def _padded(encoded: bytes) -> bytes:
    bare = encoded.rstrip(b"=")
    return bare + b"=" * (-len(bare) % 4)


def _inflated(content: bytes) -> bytes:
    """Return what was compressed. Raises JoinRefused when it is too long, and zlib.error."""
    inflating = zlib.decompressobj(_GZIP)
    whole = inflating.decompress(content, JOIN_REQUEST_MAX)
    if inflating.unconsumed_tail:
        raise JoinRefused("The join request is too long.")
    if not inflating.eof:
        raise JoinRefused("The join request cannot be read.")
    return whole
