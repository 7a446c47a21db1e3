"""Reading a client's SDP offer (RFC 8829, RFC 9725): one Opus stream, one port.

Everything else in an offer is passed over, not refused: other sections are turned down one by one
in `sdp_answer`, and of lines that are not understood nothing is kept (RFC 8866, 5). Candidates of
the client are ignored on purpose: the edge only ever sends to addresses that a signed STUN
request came from.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.media.worker.values import SdpRefused, StreamDirection

MAX_OFFER_BYTES: Final = 16 * 1024
MAX_SECTIONS: Final = 64

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}")
_MEDIA = re.compile(
    r"([A-Za-z0-9.-]{1,32}) +([0-9]{1,5})(?:/[0-9]{1,5})? +"
    r"([A-Za-z0-9./_+-]{1,64}) +([!-~ ]{1,1024})"
)
_OPUS = re.compile(r"([0-9]{1,3})\s+opus/48000(?:/[12])?\s*", re.IGNORECASE | re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_PROTOCOLS = re.compile(r"(?:(?:UDP|TCP)/TLS/|TCP/DTLS/)?RTP/SAVPF?")
"""The encrypted protocols of RFC 8829, 5.1.2."""
_HASHES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_WANTED = {
    StreamDirection.LISTEN: ("recvonly", "sendrecv"),
    StreamDirection.SPEAK: ("sendonly", "sendrecv"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of an offered media section that its answer has to repeat."""

    kind: str
    protocol: str
    formats: str
    mid: str


@dataclass(frozen=True, slots=True)
class ParsedOffer:
    """A parsed offer holds what the edge needs to know of a client's SDP."""

    ufrag: str
    pwd: str
    fingerprint: tuple[str, bytes]  # hash name in lower case, digest
    payload_type: int
    place: int  # of the accepted section in `sections`
    sections: tuple[Asked, ...]
    is_bundled: bool  # whether the accepted section is in a BUNDLE group (RFC 9143)
    dials: bool  # whether the client begins the DTLS handshake; if not, we do (RFC 8842, 5.3)

    @property
    def mid(self) -> str:
        """The mid of the accepted section; "" if it has none."""
        return self.sections[self.place].mid


@dataclass(slots=True)
class _Section:
    kind: str = ""
    port: int = 0
    protocol: str = ""
    formats: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        found = self.values.get(name)
        return found[0] if found else None


def read_offer(offer: str, direction: StreamDirection) -> ParsedOffer:
    """Read a client's offer. Raises SdpRefused, and nothing else, whatever the text holds."""
    if len(offer) > MAX_OFFER_BYTES or len(offer.encode(errors="replace")) > MAX_OFFER_BYTES:
        raise SdpRefused(
            "too_big",
            f"The offer is larger than {MAX_OFFER_BYTES // 1024} kB."
            " Send one audio section, nothing more.",
        )
    head, sections = _split(offer)
    asked = tuple(Asked(s.kind, s.protocol, s.formats, _mid(s)) for s in sections)
    group = _bundle(head)
    place = _choose(head, sections, direction)
    audio = sections[place]
    # a section that is bundle-only leaves its transport to the first of its group
    shared = next((s for s in sections if s.first("mid") in group[:1]), audio)
    is_bundled = asked[place].mid in group
    places = (audio, shared, head) if is_bundled else (audio, head)
    ufrag, pwd = _credentials(places)
    return ParsedOffer(
        ufrag=ufrag,
        pwd=pwd,
        fingerprint=_fingerprint(places),
        payload_type=_opus(audio),
        place=place,
        sections=asked,
        is_bundled=is_bundled,
        dials=_dials(places),
    )


def _malformed(what: str) -> SdpRefused:
    return SdpRefused("malformed", f"The offer is not valid SDP: {what}. Make a new offer.")


def _split(offer: str) -> tuple[_Section, list[_Section]]:
    head, sections = _Section(), list[_Section]()
    lines = [line.rstrip(" \t") for line in offer.replace("\r\n", "\n").split("\n")]
    if lines[0] != "v=0":
        raise _malformed("it does not begin with v=0")
    for line in filter(None, lines):
        if len(line) < 2 or line[1] != "=" or _CONTROL.search(line):
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
    return _Section(found[1], int(found[2]), found[3], found[4])


def _bundle(head: _Section) -> Sequence[str]:
    """Return the mids of the first BUNDLE group."""
    for line in head.values.get("group", []):
        kind, *mids = line.split() or [""]
        if kind == "BUNDLE":
            return mids
    return ()


def _choose(head: _Section, sections: Sequence[_Section], direction: StreamDirection) -> int:
    """Return the place of the first audio section that can be accepted.

    Raises SdpRefused if there is none, for the first one's reason.
    """
    refusals = list[SdpRefused]()
    for place, section in enumerate(sections):
        if section.kind != "audio" or (section.port == 0 and "bundle-only" not in section.values):
            continue
        try:
            _check_transport(section)
            _check_direction(section.first("direction") or head.first("direction"), direction)
            _opus(section)
        except SdpRefused as refusal:
            refusals.append(refusal)
        else:
            return place
    if refusals:
        raise refusals[0]
    raise SdpRefused("not_one_audio", "The offer has no audio section. Offer one with Opus.")


def _check_transport(audio: _Section) -> None:
    if not _PROTOCOLS.fullmatch(audio.protocol):
        raise SdpRefused(
            "not_encrypted", "The audio is not offered as WebRTC (UDP/TLS/RTP/SAVPF). Use DTLS."
        )
    if not audio.values.keys() & {"rtcp-mux", "rtcp-mux-only", "bundle-only"}:
        raise SdpRefused(
            "no_rtcp_mux", "The offer wants a second port for RTCP. Offer a=rtcp-mux."
        )


def _check_direction(offered: str | None, direction: StreamDirection) -> None:
    if (offered or "sendrecv") in _WANTED[direction]:
        return
    wanted = "receives" if direction is StreamDirection.LISTEN else "sends"
    raise SdpRefused(
        "direction",
        f"The offered audio is {offered}. To {direction} here, offer audio that {wanted}.",
    )


def _first(places: Sequence[_Section], name: str) -> str:
    return next((found for place in places if (found := place.first(name)) is not None), "")


def _dials(places: Sequence[_Section]) -> bool:
    """Return whether the client begins DTLS (RFC 8842, 5.3); if it leaves that open, it does."""
    setup = _first(places, "setup") or "actpass"
    if setup not in ("actpass", "active", "passive"):
        raise SdpRefused(
            "setup",
            "The offer does not say who begins the encryption (DTLS). Offer a=setup:actpass.",
        )
    return setup != "passive"


def _credentials(places: Sequence[_Section]) -> tuple[str, str]:
    ufrag, pwd = _first(places, "ice-ufrag"), _first(places, "ice-pwd")
    if not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        raise SdpRefused(
            "no_ice", "The offer has no valid ICE user name and password. Make a new offer."
        )
    return ufrag, pwd


def _fingerprint(places: Sequence[_Section]) -> tuple[str, bytes]:
    lines = next((found for p in places if (found := p.values.get("fingerprint"))), [])
    for line in lines:
        name, _, digits = line.partition(" ")
        size, digits = _HASHES.get(name.lower()), digits.strip()
        if size is not None and re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*", digits):
            digest = bytes.fromhex(digits.replace(":", ""))
            if len(digest) == size:
                return name.lower(), digest
    raise SdpRefused(
        "no_fingerprint", "The offer has no SHA-256 certificate fingerprint. Make a new offer."
    )


def _opus(audio: _Section) -> int:
    offered = audio.formats.split()
    for line in audio.values.get("rtpmap", []):
        found = _OPUS.fullmatch(line)
        if found is not None and found[1] in offered:
            kind = int(found[1])
            if 0 <= kind <= 127 and not 64 <= kind <= 95:  # those would read as RTCP
                return kind
    raise SdpRefused("no_opus", "The offer has no Opus audio. Offer opus/48000/2.")


def _mid(section: _Section) -> str:
    mid = section.first("mid")
    if mid is None:
        return ""
    if not _TOKEN.fullmatch(mid):
        raise _malformed("a mid is not a token of at most 64 characters")
    return mid
