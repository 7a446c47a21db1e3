"""The grammar of SDP (RFC 8866) as far as WebRTC needs it: lines, sections, and what they say.

It is for `sdp`, which reads offers of one stream, and for `call_sdp`, which reads those of many.
Lines that are not understood are kept by name and looked at by nobody (RFC 8866, 5).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.media.worker.values import SdpRefused

MAX_SECTIONS: Final = 64
MAX_SSRCS: Final = 4
"""SSRCs that are read of one section; a microphone has one."""
MAX_LINES: Final = 2500
"""Lines of a description, each of which takes time: the largest of a browser has some 1,500."""

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}")
_MEDIA = re.compile(
    r"([A-Za-z0-9.-]{1,32}) {1,8}([0-9]{1,5})(?:/[0-9]{1,5})? {1,8}"
    r"([A-Za-z0-9./_+-]{1,64}) {1,8}([!-~][!-~ ]{0,1023})"
)
"""In linear time: no space can be read as two of its parts."""
_OPUS = re.compile(r"([0-9]{1,3})\s+opus/48000(?:/[12])?\s*", re.IGNORECASE | re.ASCII)
_SSRC = re.compile(r"([0-9]{1,10})(?: .*)?", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_PROTOCOLS = re.compile(r"(?:(?:UDP|TCP)/TLS/|TCP/DTLS/)?RTP/SAVPF?")
"""The encrypted protocols of RFC 8829, 5.1.2."""
_HASHES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of an offered media section that its answer has to repeat."""

    kind: str
    protocol: str
    formats: str
    mid: str


@dataclass(slots=True)
class Section:
    """A section of a description: its m= line, and its attributes by name. The head has no m=."""

    kind: str = ""
    port: int = 0
    protocol: str = ""
    formats: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        """Return the first value of an attribute; None if the section has none."""
        found = self.values.get(name)
        return found[0] if found else None

    @property
    def is_open(self) -> bool:
        """Return whether the section is offered at all (RFC 8829, 5.2.1: port 0 means no)."""
        return self.port != 0 or "bundle-only" in self.values

    def asked(self) -> Asked:
        """Return what an answer repeats of it. Raises SdpRefused for a mid that is none."""
        return Asked(self.kind, self.protocol, self.formats, self._mid())

    def _mid(self) -> str:
        mid = self.first("mid")
        if mid is None:
            return ""
        if not _TOKEN.fullmatch(mid):
            raise malformed("a mid is not a token of at most 64 characters")
        return mid


def refuse_too_big(text: str, most: int, remedy: str) -> None:
    """Raise SdpRefused for a description of more than `most` bytes, or `MAX_LINES` lines.

    `remedy` says what to do.
    """
    if len(text) > most or len(text.encode(errors="replace")) > most:
        raise SdpRefused("too_big", f"The offer is larger than {most // 1024} kB. {remedy}")
    if text.count("\n") > MAX_LINES:
        raise SdpRefused("too_big", f"The offer has more than {MAX_LINES} lines. {remedy}")


def malformed(what: str) -> SdpRefused:
    """Return the refusal of a text that is not SDP."""
    return SdpRefused("malformed", f"The offer is not valid SDP: {what}. Make a new offer.")


def split(text: str) -> tuple[Section, list[Section]]:
    """Split a description into its head and its media sections. Raises SdpRefused."""
    head, sections = Section(), list[Section]()
    lines = [line.rstrip(" \t") for line in text.replace("\r\n", "\n").split("\n")]
    if lines[0] != "v=0":
        raise malformed("it does not begin with v=0")
    for line in filter(None, lines):
        if len(line) < 2 or line[1] != "=" or _CONTROL.search(line):
            raise malformed("a line is not of the form x=value")
        current = sections[-1] if sections else head
        if line[0] == "m":
            sections.append(_media(line[2:]))
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            if name in _DIRECTIONS:
                name, value = "direction", name
            current.values.setdefault(name, []).append(value)
    if len(sections) > MAX_SECTIONS:
        raise malformed(f"it has more than {MAX_SECTIONS} media sections")
    return head, sections


def _media(line: str) -> Section:
    found = _MEDIA.fullmatch(line)
    if found is None:
        raise malformed("an m= line cannot be read")
    return Section(found[1], int(found[2]), found[3], found[4])


def bundle(head: Section) -> Sequence[str]:
    """Return the mids of the first BUNDLE group (RFC 9143), as many as there may be sections."""
    for line in head.values.get("group", []):
        kind, *mids = line.split() or [""]
        if kind == "BUNDLE":
            return mids[:MAX_SECTIONS]
    return ()


def check_transport(audio: Section) -> None:
    """Raise SdpRefused unless a section is encrypted and takes one port."""
    if not _PROTOCOLS.fullmatch(audio.protocol):
        raise SdpRefused(
            "not_encrypted", "The audio is not offered as WebRTC (UDP/TLS/RTP/SAVPF). Use DTLS."
        )
    if not audio.values.keys() & {"rtcp-mux", "rtcp-mux-only", "bundle-only"}:
        raise SdpRefused(
            "no_rtcp_mux", "The offer wants a second port for RTCP. Offer a=rtcp-mux."
        )


def opus(audio: Section) -> int:
    """Return the payload type of Opus (RFC 7587). Raises SdpRefused if it is not offered."""
    offered = set(audio.formats.split())
    for line in audio.values.get("rtpmap", []):
        found = _OPUS.fullmatch(line)
        if found is not None and found[1] in offered:
            kind = int(found[1])
            if may_be_rtp(kind):
                return kind
    raise SdpRefused("no_opus", "The offer has no Opus audio. Offer opus/48000/2.")


def may_be_rtp(kind: int) -> bool:
    """Return whether a payload type cannot be mistaken for one of RTCP (RFC 5761, 4)."""
    return 0 <= kind <= 127 and not 64 <= kind <= 95


def ssrcs(section: Section) -> frozenset[int]:
    """Return the SSRCs that a section announces (RFC 5576), at most `MAX_SSRCS`."""
    found = set[int]()
    for line in section.values.get("ssrc", []):
        number = _SSRC.fullmatch(line)
        if number is not None and int(number[1]) < 1 << 32 and len(found) < MAX_SSRCS:
            found.add(int(number[1]))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Transport:
    """What a description says of its client's ICE and DTLS."""

    ufrag: str
    pwd: str
    fingerprint: tuple[str, bytes]  # hash name in lower case, digest
    dials: bool  # whether the client begins the DTLS handshake; if not, we do (RFC 8842, 5.3)


def transport(places: Sequence[Section]) -> Transport:
    """Read a transport; of each attribute the first section that has it counts.

    Raises SdpRefused.
    """
    ufrag, pwd = _credentials(places)
    return Transport(ufrag, pwd, _fingerprint(places), _dials(places))


def _first(places: Sequence[Section], name: str) -> str:
    return next((found for place in places if (found := place.first(name)) is not None), "")


def _dials(places: Sequence[Section]) -> bool:
    """Return whether the client begins DTLS (RFC 8842, 5.3); if it leaves that open, it does."""
    setup = _first(places, "setup") or "actpass"
    if setup not in ("actpass", "active", "passive"):
        raise SdpRefused(
            "setup",
            "The offer does not say who begins the encryption (DTLS). Offer a=setup:actpass.",
        )
    return setup != "passive"


def _credentials(places: Sequence[Section]) -> tuple[str, str]:
    ufrag, pwd = _first(places, "ice-ufrag"), _first(places, "ice-pwd")
    if not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        raise SdpRefused(
            "no_ice", "The offer has no valid ICE user name and password. Make a new offer."
        )
    return ufrag, pwd


def _fingerprint(places: Sequence[Section]) -> tuple[str, bytes]:
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
