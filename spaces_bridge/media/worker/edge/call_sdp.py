"""SDP of call peers: many audio sections on one transport, negotiated again and again.

A client's description is read, and ours is written, as offer or as answer (RFC 8829): each audio
section of the one BUNDLE group (RFC 9143) may carry the client's microphone, one stream of ours,
both or nothing. Sections of video stay open and carry nothing; one section of data (RFC 8841) may
carry data channels.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.edge import data_sections, sdp_answer, sdp_sections
from spaces_bridge.media.worker.edge.sdp_answer import OurTransport
from spaces_bridge.media.worker.edge.sdp_sections import Asked, Section, Transport
from spaces_bridge.media.worker.values import SdpRefused

MAX_CALL_BYTES: Final = 64 * 1024
"""Bytes of a description: 30 sections of audio as browsers write them, and some of video."""
PROTOCOL: Final = "UDP/TLS/RTP/SAVPF"

_CODEC = re.compile(r"([0-9]{1,3}) [A-Za-z0-9._+-]{1,32}/[0-9]{1,9}", re.ASCII)
_PARAMETERS = re.compile(r"[!-~]{1,200}", re.ASCII)
_REMEDY = "Turn off what is not needed, or join anew."


@dataclass(frozen=True, slots=True)
class IdleCodec:
    """The codec with which a section stays open that carries nothing."""

    payload_type: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallSection:
    """A media section of a client's description.

    Without a payload type it carries no sound, and without an idle codec, or data, it is turned
    down.
    """

    asked: Asked
    payload_type: int | None = None
    sends: bool = False  # the client would send
    receives: bool = False  # the client would receive
    ssrcs: frozenset[int] = frozenset()  # announced by the client (RFC 5576)
    idle: IdleCodec | None = None
    has_data: bool = False  # data channels


@dataclass(frozen=True, slots=True)
class CallDescription:
    """A client's description as far as it matters here."""

    transport: Transport
    sections: tuple[CallSection, ...]
    is_bundled: bool

    @property
    def has_data(self) -> bool:
        """Whether data channels are described."""
        return any(section.has_data for section in self.sections)


def read_call(text: str) -> CallDescription:
    """Read a client's offer or answer. Raises SdpRefused, and nothing else, whatever it holds."""
    sdp_sections.refuse_too_big(text, MAX_CALL_BYTES, _REMEDY)
    head, sections = sdp_sections.split(text)
    asked = [section.asked() for section in sections]
    mids = [each.mid for each in asked if each.mid]
    if len(mids) != len(set(mids)):
        raise sdp_sections.malformed("two sections have the same mid")
    group = sdp_sections.bundle(head)
    data = data_sections.find(sections, asked, group)
    taken = _acceptable(sections, asked, group, may_lack=data is not None)
    tagged = [section for section in sections if section.first("mid") in group[:1]]
    if taken and asked[min(taken)].mid not in group:
        data = None  # it has another transport than the sound
    read = [
        CallSection(ask, has_data=True)
        if place == data
        else _read(head, section, ask, taken.get(place), is_grouped=ask.mid in group)
        for place, (section, ask) in enumerate(zip(sections, asked, strict=True))
    ]
    first = min(taken, default=data or 0)
    is_bundled = asked[first].mid in group
    places = (sections[first], *(tagged if is_bundled else ()), head)
    return CallDescription(sdp_sections.transport(places), tuple(read), is_bundled)


def _acceptable(
    sections: Sequence[Section], asked: Sequence[Asked], group: Sequence[str], *, may_lack: bool
) -> dict[int, int]:
    """Return the payload types of Opus by the places of sections that share one transport.

    Raises SdpRefused if there is none, for the first one's reason. `may_lack`: there need be no
    section of audio at all.
    """
    found, refusals = dict[int, int](), list[SdpRefused]()
    for place, section in enumerate(sections):
        if section.kind != "audio" or not section.is_open:
            continue
        try:
            sdp_sections.check_transport(section)
            found[place] = sdp_sections.opus(section)
        except SdpRefused as refusal:
            refusals.append(refusal)
    bundled = {place: kind for place, kind in found.items() if asked[place].mid in group}
    if bundled:
        return bundled
    if found:  # each has a transport of its own, and one is all there is here
        first = min(found)
        return {first: found[first]}
    if refusals:
        raise refusals[0]
    if may_lack:  # LiveKit's older clients publish data on a connection of its own
        return {}
    raise SdpRefused("not_one_audio", "The offer has no audio section. Offer one with Opus.")


def _read(
    head: Section, section: Section, asked: Asked, kind: int | None, *, is_grouped: bool
) -> CallSection:
    if kind is None:
        return CallSection(asked, idle=_idle(section) if is_grouped else None)
    direction = section.first("direction") or head.first("direction") or "sendrecv"
    return CallSection(
        asked,
        kind,
        sends=direction in ("sendrecv", "sendonly"),
        receives=direction in ("sendrecv", "recvonly"),
        ssrcs=sdp_sections.ssrcs(section),
    )


def _idle(section: Section) -> IdleCodec | None:
    """Return the first codec of a section of video; None if there is none to keep it open with.

    A section of video is not turned down: livekit-client sometimes sets an offer that it made
    before our answer, and Chromium could not offer again after that ("Transceiver not found based
    on m-line index"; findings/chromium-cannot-offer-after-a-stale-offer.sh).
    """
    if section.kind != "video" or not section.is_open:
        return None
    try:
        sdp_sections.check_transport(section)
    except SdpRefused:
        return None
    offered = set(section.formats.split())
    for line in section.values.get("rtpmap", []):
        found = _CODEC.fullmatch(line)
        if found is not None and found[1] in offered:
            kind, lines = found[1], [f"a=rtpmap:{line}"]
            for more in section.values.get("fmtp", []):
                of, _, parameters = more.partition(" ")
                if of == kind and _PARAMETERS.fullmatch(parameters):
                    lines.append(f"a=fmtp:{kind} {parameters}")
            return IdleCodec(kind, tuple(lines))
    return None


@dataclass(frozen=True, slots=True)
class SentStream:
    """A stream of ours in a section: its msid (RFC 8830) and its SSRC (RFC 5576)."""

    stream: str
    track: str
    ssrc: int


@dataclass(frozen=True, slots=True)
class OurSection:
    """Our half of a section, which is turned down as `CallSection` says."""

    asked: Asked
    payload_type: int | None
    receives: bool = False
    sends: SentStream | None = None
    idle: IdleCodec | None = None
    has_data: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the section is in the group."""
        return self.payload_type is not None or self.idle is not None or self.has_data

    @property
    def direction(self) -> str:
        """The direction, seen from us."""
        if self.sends is not None:
            return "sendrecv" if self.receives else "sendonly"
        return "recvonly" if self.receives else "inactive"


def offered(mid: str, payload_type: int, sends: SentStream | None) -> OurSection:
    """Return a section that we offer, on which we only send."""
    return OurSection(Asked("audio", PROTOCOL, str(payload_type), mid), payload_type, sends=sends)


def offered_data() -> OurSection:
    """Return a section that we offer for data channels."""
    return OurSection(data_sections.OURS, None, has_data=True)


def write_call(
    sections: Sequence[OurSection],
    ours: OurTransport,
    *,
    setup: str,
    version: int,
    is_bundled: bool = True,
) -> str:
    """Return our description; `version` grows with each of one peer (RFC 8866, 5.2).

    No header extension is answered (see `sdp_answer`): clients know streams by their SSRC.
    """
    taken = [each.asked.mid for each in sections if each.is_open]
    group = f"a=group:BUNDLE {' '.join(taken)}" if is_bundled else None
    lines = ["v=0", f"o=- 1 {version} IN IP4 0.0.0.0", "s=-", "t=0 0", group, "a=ice-lite"]
    lines.append("a=msid-semantic: WMS *")
    candidates = True  # once is enough, as all share them
    for section in sections:
        if not section.is_open:
            lines += sdp_answer.turned_down(section.asked)
            continue
        rtcp = not section.has_data
        transport = sdp_answer.transport(ours, setup, candidates=candidates, rtcp=rtcp)
        if section.has_data:
            lines += data_sections.write(section.asked, ours, transport)
        else:
            lines += _open(section, ours, list(transport))
        candidates = False
    return "".join(f"{line}\r\n" for line in lines if line is not None)


def _open(
    section: OurSection, ours: OurTransport, transport: Sequence[str]
) -> Iterator[str | None]:
    asked, kind, idle = section.asked, section.payload_type, section.idle
    formats = kind if idle is None else idle.payload_type
    yield f"m={asked.kind} {ours.place.port} {asked.protocol} {formats}"
    yield sdp_answer.connection(ours.place)
    yield f"a=mid:{asked.mid}" if asked.mid else None
    yield from transport
    if kind is not None:
        yield from _audio(section, kind)
    elif idle is not None:
        yield from idle.lines
    yield f"a={section.direction}"
    if section.sends is not None:
        sent = section.sends
        yield f"a=msid:{sent.stream} {sent.track}"
        yield f"a=ssrc:{sent.ssrc} cname:{sent.stream}"
        yield f"a=ssrc:{sent.ssrc} msid:{sent.stream} {sent.track}"


def _audio(section: OurSection, kind: int) -> Iterator[str]:
    yield f"a=rtpmap:{kind} opus/48000/2"
    if section.receives:
        yield from sdp_answer.microphone(kind)
    else:
        yield f"a=fmtp:{kind} minptime=10;useinbandfec=1"
        yield "a=ptime:20"
