"""The SDP answer to an offer (RFC 8829, 5.3): one section accepted, every other turned down."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.edge.sdp import Asked, ParsedOffer
from spaces_bridge.media.worker.values import StreamDirection

BITRATE: Final = 64_000
"""Bits a second that speakers are asked for (RFC 7587, 6.1).

It is twice what listeners get, so that a second encoding costs nothing audible. Browsers send
exactly that; more is taken, too.
"""


@dataclass(frozen=True, slots=True)
class Ours:
    """Our half of the answer: credentials, stream and addresses of the edge."""

    ufrag: str
    pwd: str
    fingerprint: str  # SHA-256, colon-separated hexadecimal
    ssrc: int
    name: str
    addresses: Sequence[str]
    port: int
    tcp: bool


def write_answer(offer: ParsedOffer, direction: StreamDirection, ours: Ours) -> str:
    """Return the answer: ICE-lite, our candidates, every other section turned down.

    No header extension is answered: we need none, and of those that are answered the numbers must
    be the offer's (RFC 8285, 6).
    """
    group = f"a=group:BUNDLE {offer.mid}" if offer.is_bundled else None
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", group, "a=ice-lite"]
    lines.append("a=msid-semantic: WMS *")
    for place, asked in enumerate(offer.sections):
        lines += _audio(offer, direction, ours) if place == offer.place else _turned_down(asked)
    return "".join(f"{line}\r\n" for line in lines if line is not None)


def _turned_down(asked: Asked) -> Iterator[str | None]:
    """Yield the lines of a section turned down: port 0, and in no group (RFC 9143, 7.3.3)."""
    yield f"m={asked.kind} 0 {asked.protocol} {asked.formats}"
    yield "c=IN IP4 0.0.0.0"
    yield "a=inactive"
    yield f"a=mid:{asked.mid}" if asked.mid else None


def _audio(offer: ParsedOffer, direction: StreamDirection, ours: Ours) -> Iterator[str | None]:
    kind = offer.payload_type
    yield f"m=audio {ours.port} {offer.sections[offer.place].protocol} {kind}"
    yield f"c=IN {_network(ours.addresses[0])} {ours.addresses[0]}"
    yield f"a=mid:{offer.mid}" if offer.mid else None
    yield f"a=ice-ufrag:{ours.ufrag}"
    yield f"a=ice-pwd:{ours.pwd}"
    yield from _candidates(ours)
    yield "a=end-of-candidates"
    yield f"a=fingerprint:sha-256 {ours.fingerprint}"
    yield "a=setup:passive" if offer.dials else "a=setup:active"
    yield "a=rtcp-mux"
    yield f"a=rtpmap:{kind} opus/48000/2"
    if direction is StreamDirection.SPEAK:
        # browsers keep quiet in silence only if this asks them to (RFC 7587, 6.1)
        parameters = f"minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate={BITRATE}"
        yield f"a=fmtp:{kind} {parameters}"
        yield "a=ptime:20"
        yield "a=maxptime:120"
        yield "a=recvonly"
        return
    yield f"a=fmtp:{kind} minptime=10;useinbandfec=1"
    yield "a=ptime:20"
    yield "a=sendonly"
    yield f"a=msid:{ours.name} {ours.name}-audio"
    yield f"a=ssrc:{ours.ssrc} cname:{ours.name}"
    yield f"a=ssrc:{ours.ssrc} msid:{ours.name} {ours.name}-audio"


def _network(address: str) -> str:
    return f"IP{ipaddress.ip_address(address).version}"


def _candidates(ours: Ours) -> Iterator[str]:
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
