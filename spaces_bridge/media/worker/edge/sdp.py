"""Reading a client's SDP offer (RFC 8829, RFC 9725): one Opus stream, one port.

Everything else in an offer is passed over, not refused: other sections are turned down one by one
in `sdp_answer`, and of lines that are not understood nothing is kept (RFC 8866, 5). Candidates of
the client are ignored on purpose: the edge only ever sends to addresses that a signed STUN
request came from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.edge import sdp_sections
from spaces_bridge.media.worker.edge.sdp_sections import Asked, Section, Transport
from spaces_bridge.media.worker.values import SdpRefused, StreamDirection

MAX_OFFER_BYTES: Final = 16 * 1024
_WANTED = {
    StreamDirection.LISTEN: ("recvonly", "sendrecv"),
    StreamDirection.SPEAK: ("sendonly", "sendrecv"),
    StreamDirection.DUPLEX: ("sendrecv", "sendonly", "recvonly", "inactive"),
}


@dataclass(frozen=True, slots=True)
class ParsedOffer:
    """A parsed offer holds what the edge needs to know of a client's SDP."""

    transport: Transport
    payload_type: int
    place: int  # of the accepted section in `sections`
    sections: tuple[Asked, ...]
    is_bundled: bool  # whether the accepted section is in a BUNDLE group (RFC 9143)

    @property
    def mid(self) -> str:
        """The mid of the accepted section; "" if it has none."""
        return self.sections[self.place].mid


def read_offer(offer: str, direction: StreamDirection) -> ParsedOffer:
    """Read a client's offer. Raises SdpRefused, and nothing else, whatever the text holds."""
    return read_audio(offer, direction)[0]


def read_audio(offer: str, direction: StreamDirection) -> tuple[ParsedOffer, Section, str]:
    """Read a client's description; return with it the accepted section and its direction.

    Raises SdpRefused as `read_offer`.
    """
    sdp_sections.refuse_too_big(offer, MAX_OFFER_BYTES, "Send one audio section, nothing more.")
    head, sections = sdp_sections.split(offer)
    asked = tuple(section.asked() for section in sections)
    group = sdp_sections.bundle(head)
    place = _choose(head, sections, direction)
    audio = sections[place]
    # a section that is bundle-only leaves its transport to the first of its group
    shared = next((s for s in sections if s.first("mid") in group[:1]), audio)
    is_bundled = asked[place].mid in group
    places = (audio, shared, head) if is_bundled else (audio, head)
    parsed = ParsedOffer(
        transport=sdp_sections.transport(places),
        payload_type=sdp_sections.opus(audio),
        place=place,
        sections=asked,
        is_bundled=is_bundled,
    )
    return parsed, audio, _direction(head, audio)


def _choose(head: Section, sections: Sequence[Section], direction: StreamDirection) -> int:
    """Return the place of the first audio section that can be accepted.

    Raises SdpRefused if there is none, for the first one's reason.
    """
    refusals = list[SdpRefused]()
    for place, section in enumerate(sections):
        if section.kind != "audio" or not section.is_open:
            continue
        try:
            sdp_sections.check_transport(section)
            _check_direction(_direction(head, section), direction)
            sdp_sections.opus(section)
        except SdpRefused as refusal:
            refusals.append(refusal)
        else:
            return place
    if refusals:
        raise refusals[0]
    raise SdpRefused("not_one_audio", "The offer has no audio section. Offer one with Opus.")


def _direction(head: Section, section: Section) -> str:
    return section.first("direction") or head.first("direction") or "sendrecv"


def _check_direction(offered: str, direction: StreamDirection) -> None:
    if offered in _WANTED.get(direction, ()):  # a call has its own offers
        return
    wanted = "receives" if direction is StreamDirection.LISTEN else "sends"
    raise SdpRefused(
        "direction",
        f"The offered audio is {offered}. To {direction} here, offer audio that {wanted}.",
    )
