"""Sections of data channels in SDP (RFC 8841): at most one, on the transport of all. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from spaces_bridge.media.worker.edge import sdp_answer
from spaces_bridge.media.worker.edge.sctp.packets import PORT
from spaces_bridge.media.worker.edge.sdp_answer import OurTransport
from spaces_bridge.media.worker.edge.sdp_sections import Asked, Section

MOST_MESSAGE: Final = 64 * 1024
"""Bytes of a client's message, which nobody reads: what Chromium takes for granted."""

_FORMAT: Final = "webrtc-datachannel"
_PROTOCOL = re.compile(r"(?:UDP|TCP)/DTLS/SCTP", re.ASCII)

OURS: Final = Asked("application", "UDP/DTLS/SCTP", _FORMAT, "data")
"""The section in our own offers; the mids of audio are numbers."""


def find(sections: Sequence[Section], asked: Sequence[Asked], group: Sequence[str]) -> int | None:
    """Return the place of the first section of data channels that shares the transport."""
    for place, section in enumerate(sections):
        if (
            section.kind == "application"
            and section.is_open
            and asked[place].mid in group
            and section.formats.strip() == _FORMAT
            and _PROTOCOL.fullmatch(section.protocol)
        ):
            return place
    return None


def write(asked: Asked, ours: OurTransport, transport: Iterable[str]) -> Iterator[str]:
    """Yield the lines of our half of a section."""
    yield f"m={asked.kind} {ours.place.port} {asked.protocol} {_FORMAT}"
    yield sdp_answer.connection(ours.place)
    yield f"a=mid:{asked.mid}"
    yield from transport
    yield f"a=sctp-port:{PORT}"
    yield f"a=max-message-size:{MOST_MESSAGE}"
