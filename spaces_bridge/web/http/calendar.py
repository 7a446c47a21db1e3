"""A scheduled live space as a calendar entry (iCalendar: RFC 5545, 5546 and 7986)."""

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import ETag, web
from yarl import URL

from spaces_bridge import __version__
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.display_names import name_of
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.problems import Problem
from spaces_bridge.web.settings import WebSettings

LASTS = timedelta(hours=1)
"""Time that a live space is said to last, as nobody knows it before."""

ASKED_EVERY = "PT1H"
"""Interval in which subscribed calendars are to ask again (RFC 7986, 5.7)."""

LINE_MAX = 75
"""Octets of a line, without its line end."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JOINERS = "\u200c\u200d"


class Calendar:
    """The calendar handler: serves `/s/SLUG/event.ics`."""

    def __init__(
        self, access: PageAccess, settings: WebSettings, domain: str, clock: Clock
    ) -> None:
        self._access = access
        self._settings = settings
        self._domain = domain
        self._clock = clock

    async def handle(self, request: web.Request) -> web.Response:
        """Answer with the calendar entry. Raises Problem 404, also where no time is set."""
        space, _ = await self._access.from_request(request)
        if space.scheduled_at_ms is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "not_scheduled",
                "No time is set for this live space, so there is nothing for a calendar. Its page"
                " tells you when it starts.",
            )
        page = self._settings.page(space.slug)
        start_ms = space.scheduled_at_ms
        state = ETag(_digest(event(space, start_ms, page, self._domain, 0)), is_weak=True)
        response = web.Response(headers={"Cache-Control": "no-cache"})
        response.etag = state
        if _is_known(state, request):
            response.set_status(HTTPStatus.NOT_MODIFIED)
            return response
        response.headers["Content-Type"] = "text/calendar; charset=utf-8"
        response.headers["Content-Disposition"] = f'inline; filename="{space.slug}.ics"'
        response.body = event(space, start_ms, page, self._domain, self._clock.now_ms())
        return response


def _digest(entry: bytes) -> str:
    return hashlib.sha256(entry).hexdigest()[:32]


def _is_known(state: ETag, request: web.Request) -> bool:
    """Return whether the client has the newest entry (RFC 9110, 13.1.2: compared weakly)."""
    return any(tag.value in {state.value, "*"} for tag in request.if_none_match or ())


def event(space: LiveSpace, start_ms: int, page: str, domain: str, now_ms: int) -> bytes:
    """Return a calendar with one entry from `start_ms`. A live space always has the same entry.

    `page` is the public address, `domain` makes the entry's UID unique in the world. Of two
    entries with one UID, calendars keep the one with the higher SEQUENCE, then the one with the
    later `now_ms` (RFC 5546, 2.1.5).
    """
    lines = _lines(space, start_ms, page, domain, now_ms)
    return b"".join(folded(line) + b"\r\n" for line in lines)


def _lines(space: LiveSpace, start_ms: int, page: str, domain: str, now_ms: int) -> Iterator[str]:
    address = str(URL(page))  # a URI has no letters but ASCII's
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield f"PRODID:-//Spaces bridge//Spaces bridge {__version__}//EN"
    yield "CALSCALE:GREGORIAN"
    # PUBLISH also when cancelled: calendars that subscribe refuse a file that says CANCEL
    yield "METHOD:PUBLISH"
    yield f"SOURCE;VALUE=URI:{address}/event.ics"
    yield f"REFRESH-INTERVAL;VALUE=DURATION:{ASKED_EVERY}"
    yield f"X-PUBLISHED-TTL:{ASKED_EVERY}"  # the same for Outlook, which is older than RFC 7986
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(f'{space.space}@{domain}')}"
    yield f"SEQUENCE:{space.plan_revision}"
    yield f"DTSTAMP:{_utc(now_ms)}"
    yield f"DTSTART:{_utc(start_ms)}"
    yield f"DTEND:{_utc(start_ms, LASTS)}"
    yield f"SUMMARY:{escaped(space.title)}"
    yield f"DESCRIPTION:{escaped(_description(space, page))}"
    yield _organizer(space)
    yield f"LOCATION:{escaped(address)}"
    yield f"URL:{address}"
    yield f"CONFERENCE;VALUE=URI;FEATURE=AUDIO;LABEL=Listen:{address}"
    yield f"CLASS:{'PRIVATE' if space.private else 'PUBLIC'}"
    yield f"STATUS:{'CANCELLED' if was_cancelled(space) else 'CONFIRMED'}"
    yield "END:VEVENT"
    yield "END:VCALENDAR"


def was_cancelled(space: LiveSpace) -> bool:
    """Return whether the live space ended without having been live."""
    return space.phase is Phase.ENDED and space.started_at_ms is None


def _description(space: LiveSpace, page: str) -> str:
    host = name_of(space, space.host)
    if was_cancelled(space):
        return f"{host} has cancelled this live space."
    return (
        f"{host} hosts a live audio room. Listen in the browser, read along, ask to speak:\n{page}"
    )


def _organizer(space: LiveSpace) -> str:
    """Return the ORGANIZER that a PUBLISH must name: the host's Matrix URI, which mails nobody."""
    local, _, server = space.host.removeprefix("@").partition(":")
    address = f"matrix:u/{quote(local, safe='')}:{quote(server, safe=':[]')}"
    return f'ORGANIZER;CN="{_quotable(name_of(space, space.host))}":{address}'


def _quotable(text: str) -> str:
    """Return the text for a quoted parameter, which can hold no quote and no control character."""
    return "".join(map(_plain, text)).replace("\n", " ").replace('"', "'")


def escaped(text: str) -> str:
    """Return the text as a value of type TEXT: one line, whatever is in it."""
    plain = "".join(map(_plain, text.replace("\r\n", "\n")))
    for special in ("\\", ";", ","):
        plain = plain.replace(special, f"\\{special}")
    return plain.replace("\n", "\\n")


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if char == "\n" or char in _JOINERS:
        return char
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs") else char


def folded(line: str) -> bytes:
    """Return the line in UTF-8, folded after at most 75 octets and never within a character."""
    rest, parts, room = line.encode(), [], LINE_MAX
    while len(rest) > room:
        end = room
        while rest[end] & 0b1100_0000 == 0b1000_0000:
            end -= 1
        parts.append(rest[:end])
        rest, room = rest[end:], LINE_MAX - 1  # a blank begins the lines that go on
    return b"\r\n ".join((*parts, rest))


def _utc(ms: int, later: timedelta = timedelta()) -> str:
    return f"{_EPOCH + timedelta(milliseconds=ms) + later:%Y%m%dT%H%M%SZ}"
