"""The SDP answer to an offer (RFC 8829, 5.3): one section accepted, every other turned down."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.edge.sdp import ParsedOffer
from spaces_bridge.media.worker.edge.sdp_sections import Asked
from spaces_bridge.media.worker.values import StreamDirection

BITRATE: Final = 64_000
"""Bits a second that speakers are asked for (RFC 7587, 6.1).

It is twice what listeners get, so that a second encoding costs nothing audible. Browsers send
exactly that; more is taken, too.
"""


@dataclass(frozen=True, slots=True)
class OurPlace:
    """Where clients reach the edge."""

    addresses: Sequence[str]
    port: int
    tcp: bool


@dataclass(frozen=True, slots=True)
class OurTransport:
    """Our half of a transport: credentials and addresses of the edge."""

    ufrag: str
    pwd: str
    fingerprint: str  # SHA-256, colon-separated hexadecimal
    place: OurPlace


@dataclass(frozen=True, slots=True)
class Ours:
    """Our half of the answer: the transport, and the stream for who listens."""

    transport: OurTransport
    ssrc: int
    name: str


def write_answer(offer: ParsedOffer, direction: StreamDirection, ours: Ours) -> str:
    """Return the answer: ICE-lite, our candidates, every other section turned down.

    No header extension is answered: we need none, and of those that are answered the numbers must
    be the offer's (RFC 8285, 6).
    """
    group = f"a=group:BUNDLE {offer.mid}" if offer.is_bundled else None
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", group, "a=ice-lite"]
    lines.append("a=msid-semantic: WMS *")
    for place, asked in enumerate(offer.sections):
        lines += _audio(offer, direction, ours) if place == offer.place else turned_down(asked)
    return "".join(f"{line}\r\n" for line in lines if line is not None)


def turned_down(asked: Asked) -> Iterator[str | None]:
    """Yield the lines of a section turned down: port 0, and in no group (RFC 9143, 7.3.3)."""
    yield f"m={asked.kind} 0 {asked.protocol} {asked.formats}"
    yield "c=IN IP4 0.0.0.0"
    yield "a=inactive"
    yield f"a=mid:{asked.mid}" if asked.mid else None


def _audio(offer: ParsedOffer, direction: StreamDirection, ours: Ours) -> Iterator[str | None]:
    kind = offer.payload_type
    yield f"m=audio {ours.transport.place.port} {offer.sections[offer.place].protocol} {kind}"
    yield connection(ours.transport.place)
    yield f"a=mid:{offer.mid}" if offer.mid else None
    yield from transport(ours.transport, "passive" if offer.transport.dials else "active")
    yield f"a=rtpmap:{kind} opus/48000/2"
    if direction is StreamDirection.SPEAK:
        yield from microphone(kind)
        yield "a=recvonly"
        return
    yield f"a=fmtp:{kind} minptime=10;useinbandfec=1"
    yield "a=ptime:20"
    yield "a=sendonly"
    yield f"a=msid:{ours.name} {ours.name}-audio"
    yield f"a=ssrc:{ours.ssrc} cname:{ours.name}"
    yield f"a=ssrc:{ours.ssrc} msid:{ours.name} {ours.name}-audio"


def microphone(kind: int) -> Iterator[str]:
    """Yield what a speaker's Opus should be like; `kind` is its payload type."""
    # browsers keep quiet in silence only if this asks them to (RFC 7587, 6.1)
    parameters = f"minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate={BITRATE}"
    yield f"a=fmtp:{kind} {parameters}"
    yield "a=ptime:20"
    yield "a=maxptime:120"


def connection(place: OurPlace) -> str:
    """Return the c= line."""
    address = place.addresses[0]
    return f"c=IN IP{ipaddress.ip_address(address).version} {address}"


def transport(
    ours: OurTransport, setup: str, *, candidates: bool = True, rtcp: bool = True
) -> Iterator[str]:
    """Yield the lines of our transport; `setup` is our role in DTLS (RFC 8842).

    `rtcp`: the section has RTCP, as all have that have media.
    """
    yield f"a=ice-ufrag:{ours.ufrag}"
    yield f"a=ice-pwd:{ours.pwd}"
    if candidates:
        yield from _candidates(ours.place)
        yield "a=end-of-candidates"
    yield f"a=fingerprint:sha-256 {ours.fingerprint}"
    yield f"a=setup:{setup}"
    if rtcp:
        yield "a=rtcp-mux"


def _candidates(ours: OurPlace) -> Iterator[str]:
    """Yield host candidates (RFC 8839), UDP before TCP (RFC 6544), in the given order."""
    for place, address in enumerate(ours.addresses):
        priority = (126 << 24) | ((65535 - place) << 8) | 255
        yield f"a=candidate:{place + 1} 1 udp {priority} {address} {ours.port} typ host"
    for place, address in enumerate(ours.addresses if ours.tcp else ()):
        priority = (90 << 24) | ((65535 - place) << 8) | 255
        yield (
            f"a=candidate:{place + 101} 1 tcp {priority} {address} {ours.port}"
            " typ host tcptype passive"
        )
