"""SDP of duplex peers: one audio section that may carry sound both ways, and a keypad.

A client's description is read, and ours is written, as offer or as answer (RFC 8829). Sections
beside the one are turned down. The client may send its keys as telephone events (RFC 4733).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.edge import sdp, sdp_answer, sdp_sections
from spaces_bridge.media.worker.edge.sdp import ParsedOffer
from spaces_bridge.media.worker.edge.sdp_answer import OurTransport
from spaces_bridge.media.worker.edge.sdp_sections import Asked, Section
from spaces_bridge.media.worker.values import StreamDirection

OUR_KIND: Final = 111
"""The payload type of Opus in our own offers."""
OUR_KEYPAD: Final[Mapping[int, int]] = {110: 48_000, 126: 8_000}
"""The clock rates of telephone events in our own offers, by payload type."""
OUR_MID: Final = "0"

_EVENTS = re.compile(r"([0-9]{1,3})\s+telephone-event/(8000|48000)\s*", re.IGNORECASE | re.ASCII)
_OURS: Final = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
"""Our direction by that of the client."""


@dataclass(frozen=True, slots=True)
class DuplexDescription:
    """A client's description as far as it matters here.

    `keypad` has the clock rates of telephone events by payload type; `ssrcs` are those that the
    client announced (RFC 5576), if any.
    """

    audio: ParsedOffer
    direction: str
    keypad: Mapping[int, int]
    ssrcs: frozenset[int]

    @property
    def sends(self) -> bool:
        """Whether the client would send."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def is_held(self) -> bool:
        """Whether the client takes no sound."""
        return self.direction in ("sendonly", "inactive")


@dataclass(frozen=True, slots=True)
class OurDuplex:
    """Our half of a description: transport, role in DTLS, and the stream we send."""

    transport: OurTransport
    setup: str
    version: int
    ssrc: int
    name: str


def read_duplex(text: str) -> DuplexDescription:
    """Read a client's offer or answer. Raises SdpRefused, and nothing else, whatever it holds."""
    audio, section, direction = sdp.read_audio(text, StreamDirection.DUPLEX)
    keypad = _keypad(section)
    keypad.pop(audio.payload_type, None)
    return DuplexDescription(audio, direction, keypad, sdp_sections.ssrcs(section))


def _keypad(section: Section) -> dict[int, int]:
    """Return the offered telephone events, one payload type for each clock rate."""
    offered, found = set(section.formats.split()), dict[int, int]()
    for line in section.values.get("rtpmap", []):
        events = _EVENTS.fullmatch(line)
        if events is None or events[1] not in offered:
            continue
        kind, rate = int(events[1]), int(events[2])
        if sdp_sections.may_be_rtp(kind) and rate not in found.values():
            found.setdefault(kind, rate)
    return found


def write_answer(read: DuplexDescription, ours: OurDuplex) -> str:
    """Return our answer, in which the payload types are the client's."""
    audio = read.audio
    group = audio.mid if audio.is_bundled else None
    lines = _head(group, ours)
    for place, asked in enumerate(audio.sections):
        if place != audio.place:
            lines += sdp_answer.turned_down(asked)
            continue
        lines += _audio(asked, audio.payload_type, read.keypad, _OURS[read.direction], ours)
    return "".join(f"{line}\r\n" for line in lines if line is not None)


def write_offer(ours: OurDuplex) -> str:
    """Return an offer of ours."""
    asked = Asked("audio", "UDP/TLS/RTP/SAVPF", "", OUR_MID)
    lines = [*_head(OUR_MID, ours), *_audio(asked, OUR_KIND, OUR_KEYPAD, "sendrecv", ours)]
    return "".join(f"{line}\r\n" for line in lines if line is not None)


def _head(group: str | None, ours: OurDuplex) -> list[str | None]:
    bundle = f"a=group:BUNDLE {group}" if group is not None else None
    head = ["v=0", f"o=- 1 {ours.version} IN IP4 0.0.0.0", "s=-", "t=0 0", bundle, "a=ice-lite"]
    return [*head, "a=msid-semantic: WMS *"]


def _audio(
    asked: Asked, kind: int, keypad: Mapping[int, int], direction: str, ours: OurDuplex
) -> Iterator[str | None]:
    """Yield the section that carries sound. No header extension is answered: we need none."""
    place = ours.transport.place
    yield f"m=audio {place.port} {asked.protocol} {' '.join(map(str, (kind, *keypad)))}"
    yield sdp_answer.connection(place)
    yield f"a=mid:{asked.mid}" if asked.mid else None
    yield from sdp_answer.transport(ours.transport, ours.setup)
    yield f"a=rtpmap:{kind} opus/48000/2"
    yield from sdp_answer.microphone(kind)
    for events, rate in keypad.items():
        yield f"a=rtpmap:{events} telephone-event/{rate}"
    yield f"a={direction}"
    if direction in ("sendrecv", "sendonly"):
        yield f"a=msid:{ours.name} {ours.name}-audio"
        yield f"a=ssrc:{ours.ssrc} cname:{ours.name}"
        yield f"a=ssrc:{ours.ssrc} msid:{ours.name} {ours.name}-audio"
