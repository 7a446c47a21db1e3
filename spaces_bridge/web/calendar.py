"""A scheduled live space as a calendar's entry (iCalendar, RFC 5545)."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from aiohttp import web
from yarl import URL

from spaces_bridge import __version__
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.web.door import Door
from spaces_bridge.web.problems import Problem
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import name_of

LASTS = timedelta(hours=1)
"""How long a live space is said to last; nobody knows before."""

LINE_MAX = 75
"""Octets of a line, without its end."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JOINERS = "\u200c\u200d"


class Calendar:
    """Serves ``/s/SLUG/event.ics``."""

    def __init__(self, door: Door, settings: WebSettings, domain: str, clock: Clock) -> None:
        self._door = door
        self._settings = settings
        self._domain = domain
        self._clock = clock

    async def handle(self, request: web.Request) -> web.Response:
        """The entry. Raises Problem 404, also where no time is set."""
        space, _ = await self._door.from_request(request)
        if space.scheduled_at_ms is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "not_scheduled",
                "No time is set for this live space, so there is nothing for a calendar. Its page"
                " tells you when it starts.",
            )
        page = self._settings.page(space.slug)
        entry = event(space, space.scheduled_at_ms, page, self._domain, self._clock.now_ms())
        return web.Response(
            status=HTTPStatus.OK,
            body=entry,
            headers={
                "Content-Type": "text/calendar; charset=utf-8",
                "Content-Disposition": f'inline; filename="{space.slug}.ics"',
                "Cache-Control": "no-cache",
            },
        )


def event(space: LiveSpace, start_ms: int, page: str, domain: str, now_ms: int) -> bytes:
    """A calendar with one entry, from ``start_ms``. The same live space keeps its entry.

    ``page`` is the public address, ``domain`` makes the entry's name unique in the world; of two
    entries of one name, calendars keep the one with the later ``now_ms``.
    """
    lines = _lines(space, start_ms, page, domain, now_ms)
    return b"".join(folded(line) + b"\r\n" for line in lines)


def _lines(space: LiveSpace, start_ms: int, page: str, domain: str, now_ms: int) -> Iterator[str]:
    address = str(URL(page))  # a URI has no letters but ASCII's
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield f"PRODID:-//Spaces bridge//Spaces bridge {__version__}//EN"
    yield "CALSCALE:GREGORIAN"
    yield "METHOD:PUBLISH"
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(f'{space.space}@{domain}')}"
    yield "SEQUENCE:0"
    yield f"DTSTAMP:{_utc(now_ms)}"
    yield f"DTSTART:{_utc(start_ms)}"
    yield f"DTEND:{_utc(start_ms, LASTS)}"
    yield f"SUMMARY:{escaped(space.title)}"
    yield f"DESCRIPTION:{escaped(_description(space, page))}"
    yield f"URL:{address}"
    yield f"CLASS:{'PRIVATE' if space.private else 'PUBLIC'}"
    yield f"STATUS:{'CANCELLED' if was_cancelled(space) else 'CONFIRMED'}"
    yield "END:VEVENT"
    yield "END:VCALENDAR"


def was_cancelled(space: LiveSpace) -> bool:
    """Whether it ended without having been live."""
    return space.phase is Phase.ENDED and space.started_at_ms is None


def _description(space: LiveSpace, page: str) -> str:
    host = name_of(space, space.host)
    if was_cancelled(space):
        return f"{host} has cancelled this live space."
    return (
        f"{host} hosts a live audio room. Listen in the browser, read along, ask to speak:\n{page}"
    )


def escaped(text: str) -> str:
    """The text as a value of type TEXT: one line, whatever is in it."""
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
    """The line in UTF-8, broken after at most 75 octets and never within a letter."""
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
