"""SDP offers in, SDP answers out (RFC 8829, RFC 9725): one Opus stream, one port, nothing else.

Candidates of the client are ignored on purpose: the edge only ever sends to addresses that a
signed STUN request came from.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from spaces_bridge.media.worker.values import Direction, OfferRefused

MAX_OFFER_BYTES = 16 * 1024
MAX_SECTIONS = 16

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,32}")
_MEDIA = re.compile(r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Z/]{1,32}) (.{1,512})")
_HASHES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_WANTED = {
    Direction.LISTEN: ("recvonly", "sendrecv"),
    Direction.SPEAK: ("sendonly", "sendrecv"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What we need to know of a client's offer."""

    ufrag: str
    pwd: str
    fingerprint: tuple[str, bytes]  # hash name in lower case, digest
    payload_type: int
    mid: str
    sections: tuple[tuple[str, str, str, str], ...]  # kind, protocol, formats, mid; in order


@dataclass(slots=True)
class _Section:
    kind: str = ""
    protocol: str = ""
    formats: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        found = self.values.get(name)
        return found[0] if found else None


def read_offer(offer: str, direction: Direction) -> Offer:
    """Read a client's offer. Raises OfferRefused, and nothing else, whatever the text holds."""
    if len(offer) > MAX_OFFER_BYTES or len(offer.encode(errors="replace")) > MAX_OFFER_BYTES:
        raise OfferRefused(
            "too_big", "The offer is larger than 16 kB. Send one audio section, nothing more."
        )
    head, sections = _split(offer)
    audio = _the_audio(sections)
    _check_transport(head, audio)
    _check_direction(audio.first("direction") or head.first("direction"), direction)
    ufrag, pwd = _credentials(head, audio)
    return Offer(
        ufrag=ufrag,
        pwd=pwd,
        fingerprint=_fingerprint(head, audio),
        payload_type=_opus(audio),
        mid=_mid(audio),
        sections=tuple((s.kind, s.protocol, s.formats, _mid(s)) for s in sections),
    )


def _malformed(what: str) -> OfferRefused:
    return OfferRefused("malformed", f"The offer is not valid SDP: {what}. Make a new offer.")


def _split(offer: str) -> tuple[_Section, list[_Section]]:
    head, sections = _Section(), list[_Section]()
    lines = offer.replace("\r\n", "\n").split("\n")
    if lines[0] != "v=0":
        raise _malformed("it does not begin with v=0")
    for line in filter(None, lines):
        if len(line) < 2 or line[1] != "=" or not line.isprintable():
            raise _malformed("a line is not of the form x=value")
        current = sections[-1] if sections else head
        if line[0] == "m":
            sections.append(_media(line[2:]))
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            if name in _DIRECTIONS:
                name, value = "direction", name
            current.values.setdefault(name, []).append(value)
    if len(sections) > MAX_SECTIONS:
        raise _malformed(f"it has more than {MAX_SECTIONS} media sections")
    return head, sections


def _media(line: str) -> _Section:
    found = _MEDIA.fullmatch(line)
    if found is None:
        raise _malformed("an m= line cannot be read")
    return _Section(found[1], found[3], found[4])


def _the_audio(sections: Sequence[_Section]) -> _Section:
    if any(section.kind == "application" for section in sections):
        raise OfferRefused(
            "data_channel",
            "The offer asks for a data channel, which is not spoken here. Offer audio only.",
        )
    audio = [section for section in sections if section.kind == "audio"]
    if len(audio) != 1:
        raise OfferRefused(
            "not_one_audio",
            f"The offer has {len(audio)} audio sections. Offer exactly one.",
        )
    return audio[0]


def _check_transport(head: _Section, audio: _Section) -> None:
    if audio.protocol not in ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"):
        raise OfferRefused(
            "not_encrypted", "The audio is not offered as WebRTC (UDP/TLS/RTP/SAVPF). Use DTLS."
        )
    if "rtcp-mux" not in audio.values:
        raise OfferRefused(
            "no_rtcp_mux", "The offer wants a second port for RTCP. Offer a=rtcp-mux."
        )
    setup = audio.first("setup") or head.first("setup") or "actpass"
    if setup not in ("actpass", "active"):
        raise OfferRefused(
            "setup", "The server only answers DTLS, it never dials. Offer a=setup:actpass."
        )


def _check_direction(offered: str | None, direction: Direction) -> None:
    if (offered or "sendrecv") in _WANTED[direction]:
        return
    wish = "receives" if direction is Direction.LISTEN else "sends"
    raise OfferRefused(
        "direction",
        f"The offered audio is {offered}. To {direction} here, offer audio that {wish}.",
    )


def _credentials(head: _Section, audio: _Section) -> tuple[str, str]:
    ufrag = audio.first("ice-ufrag") or head.first("ice-ufrag") or ""
    pwd = audio.first("ice-pwd") or head.first("ice-pwd") or ""
    if not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        raise OfferRefused(
            "no_ice", "The offer has no valid ICE user name and password. Make a new offer."
        )
    return ufrag, pwd


def _fingerprint(head: _Section, audio: _Section) -> tuple[str, bytes]:
    for line in audio.values.get("fingerprint") or head.values.get("fingerprint") or []:
        name, _, digits = line.partition(" ")
        size = _HASHES.get(name.lower())
        if size is not None and re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*", digits):
            digest = bytes.fromhex(digits.replace(":", ""))
            if len(digest) == size:
                return name.lower(), digest
    raise OfferRefused(
        "no_fingerprint", "The offer has no SHA-256 certificate fingerprint. Make a new offer."
    )


def _opus(audio: _Section) -> int:
    offered = audio.formats.split()
    for line in audio.values.get("rtpmap", []):
        number, _, codec = line.partition(" ")
        if codec.lower() == "opus/48000/2" and number in offered and number.isascii():
            kind = int(number) if number.isdigit() else -1
            if 0 <= kind <= 127 and not 64 <= kind <= 95:  # those would read as RTCP
                return kind
    raise OfferRefused("no_opus", "The offer has no Opus audio. Offer opus/48000/2.")


def _mid(section: _Section) -> str:
    mid = section.first("mid")
    if mid is None:
        return ""
    if not _TOKEN.fullmatch(mid):
        raise _malformed("a mid is not a token of at most 32 characters")
    return mid


@dataclass(frozen=True, slots=True)
class Ours:
    """Our half of the answer."""

    ufrag: str
    pwd: str
    fingerprint: str  # SHA-256, colon-separated hexadecimal
    ssrc: int
    name: str
    addresses: Sequence[str]
    port: int
    tcp: bool


def write_answer(offer: Offer, direction: Direction, ours: Ours) -> str:
    """The answer: ICE-lite, passive, our candidates, every other section turned down."""
    group = f"a=group:BUNDLE {offer.mid}" if offer.mid else None
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", group, "a=ice-lite"]
    lines.append("a=msid-semantic: WMS *")
    for kind, protocol, formats, mid in offer.sections:
        if kind == "audio":
            lines += _audio(offer, direction, ours)
        else:
            lines += [f"m={kind} 0 {protocol} {formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
            lines.append(f"a=mid:{mid}" if mid else None)
    return "".join(f"{line}\r\n" for line in lines if line is not None)


def _audio(offer: Offer, direction: Direction, ours: Ours) -> Iterator[str | None]:
    kind = offer.payload_type
    yield f"m=audio {ours.port} UDP/TLS/RTP/SAVPF {kind}"
    yield f"c=IN {_network(ours.addresses[0])} {ours.addresses[0]}"
    yield f"a=mid:{offer.mid}" if offer.mid else None
    yield f"a=ice-ufrag:{ours.ufrag}"
    yield f"a=ice-pwd:{ours.pwd}"
    yield from _candidates(ours)
    yield "a=end-of-candidates"
    yield f"a=fingerprint:sha-256 {ours.fingerprint}"
    yield "a=setup:passive"
    yield "a=rtcp-mux"
    yield f"a=rtpmap:{kind} opus/48000/2"
    yield f"a=fmtp:{kind} minptime=10;useinbandfec=1"
    yield "a=ptime:20"
    if direction is Direction.SPEAK:
        yield "a=recvonly"
        return
    yield "a=sendonly"
    yield f"a=msid:{ours.name} {ours.name}-audio"
    yield f"a=ssrc:{ours.ssrc} cname:{ours.name}"
    yield f"a=ssrc:{ours.ssrc} msid:{ours.name} {ours.name}-audio"


def _network(address: str) -> str:
    return f"IP{ipaddress.ip_address(address).version}"


def _candidates(ours: Ours) -> Iterator[str]:
    """Host candidates (RFC 8839), UDP before TCP (RFC 6544), in the given order."""
    for place, address in enumerate(ours.addresses):
        priority = (126 << 24) | ((65535 - place) << 8) | 255
        yield f"a=candidate:{place + 1} 1 udp {priority} {address} {ours.port} typ host"
    for place, address in enumerate(ours.addresses if ours.tcp else ()):
        priority = (90 << 24) | ((65535 - place) << 8) | 255
        yield (
            f"a=candidate:{place + 101} 1 tcp {priority} {address} {ours.port}"
            " typ host tcptype passive"
        )
