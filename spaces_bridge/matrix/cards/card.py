"""The content of the live card. Pure."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import groupby

from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Person, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.core.text.dates import shown_utc
from spaces_bridge.matrix.events.content import Content, message
from spaces_bridge.matrix.events.own import CARD
from spaces_bridge.matrix.text.people import NAMELESS, shown
from spaces_bridge.matrix.text.times import shown_time
from spaces_bridge.matrix.text.wording import listed, one_line

HANDS_SHOWN = 10
SPEAKERS_SHOWN = 20
REACTIONS_SHOWN = 8
MUTED = "🔇"

CardLine = tuple[str, str]
"""A line of a card: its label (may be empty), and its text."""

_ASKING = {
    SpeakPolicy.REQUEST: "{way}; a host decides",
    SpeakPolicy.EVERYONE: "{way}; the floor is yours at once while there are places",
    SpeakPolicy.FOLLOWED: "{way}; whom the host follows gets the floor, others a host decides",
    SpeakPolicy.INVITED: "by invitation of a host only",
}
_BELL = "🔔 tells you whenever this host goes live"
_WAY_TO_ASK = "tap ✋ below, or write !space speak"


@dataclass(frozen=True, slots=True)
class Card:
    """A rendered card: `frame` changes with stage, queue and phase; `counters` are the rest."""

    frame: str
    counters: str
    content: Content


def render(
    space: LiveSpace, listeners: int, page: str, *, captions: bool, zone: tzinfo = UTC
) -> Card:
    """Return the card of a live space as it is. `zone`: the time zone of most people here."""
    head = headline(space)
    stage = list(_stage(space, zone))
    counters = list(_counters(space, listeners))
    foot = list(_foot(space, page, captions=captions and space.captions))
    content = {**written(head, [*stage, *counters, *foot]), CARD: True}
    return Card("\n".join(map(str, [head, *stage, *foot])), str(counters), content)


def written(head: str, lines: list[CardLine]) -> Content:
    """Return a message of a headline and lines, plain and in HTML."""
    body = "\n".join([head, *(f"{name}: {text}" if name else text for name, text in lines)])
    rich = [f"<strong>{html.escape(head)}</strong>", *map(_html_line, lines)]
    return message(body, "<br>\n".join(rich), "m.text")


def _html_line(line: CardLine) -> str:
    name, text = line
    escaped = html.escape(text)
    if text.startswith(("http://", "https://")):
        escaped = f'<a href="{escaped}">{escaped}</a>'
    return f"<em>{html.escape(name)}:</em> {escaped}" if name else escaped


def headline(space: LiveSpace) -> str:
    """Return the card's headline: the phase and the title."""
    title = one_line(space.title)
    if space.phase is Phase.LIVE:
        return f"🔴 Live now: {title}"
    return f"Ended: {title}" if space.phase is Phase.ENDED else f"Soon: {title}"


def when(space: LiveSpace, zone: tzinfo) -> Iterator[CardLine]:
    """Yield the time of a scheduled live space, if it has one, with UTC for other zones."""
    at_ms = space.scheduled_at_ms
    if space.phase is not Phase.SCHEDULED or at_ms is None:
        return
    here, utc = shown_time(at_ms, zone), shown_utc(at_ms)
    yield "When", utc if here == utc else f"{here} ({utc})"


def _stage(space: LiveSpace, zone: tzinfo) -> Iterator[CardLine]:
    yield from when(space, zone)
    yield "Host", _host(space)
    cohosts = [p for p in space.stage if space.role(p.user) is Role.COHOST]
    if cohosts:
        yield "Co-hosts", _names(space, cohosts)
    if space.phase is not Phase.LIVE:
        return
    speakers = [p for p in space.stage if space.role(p.user) is Role.SPEAKER]
    yield "Speakers", _names(space, speakers) or "nobody else, so far"
    hands = _hands(space)
    if hands:
        yield "Hands up", hands


def _host(space: LiveSpace) -> str:
    away = space.phase is Phase.LIVE and space.host_missed_at_ms is not None
    return f"{_name(space, space.host)} (away right now)" if away else _name(space, space.host)


def _names(space: LiveSpace, people: list[Person]) -> str:
    names = [_name(space, p.user) for p in people[:SPEAKERS_SHOWN]]
    more = len(people) - SPEAKERS_SHOWN
    return ", ".join([*names, f"and {more} more"] if more > 0 else names)


def _name(space: LiveSpace, user: UserId) -> str:
    name = listed(shown(space, user))
    silenced = space.phase is Phase.LIVE and user in space.muted
    return f"{name} {MUTED}" if silenced else name


def _hands(space: LiveSpace) -> str:
    """Return the queue with places; nameless guests in a row are one entry."""
    names = [shown(space, hand.user) for hand in space.hands]
    entries = []
    place = 1
    for name, group in groupby(names[:HANDS_SHOWN]):
        several = len(list(group))
        if name == NAMELESS and several > 1:
            entries.append(f"{place}–{place + several - 1}. {several} guests")
        else:
            entries += [f"{place + i}. {listed(name)}" for i in range(several)]
        place += several
    more = len(names) - HANDS_SHOWN
    return ", ".join([*entries, f"and {more} more"] if more > 0 else entries)


def _counters(space: LiveSpace, listeners: int) -> Iterator[CardLine]:
    if space.phase is Phase.LIVE:
        yield "Listening", str(listeners)
    totals = sorted(space.reactions.items(), key=lambda item: (-item[1], item[0]))
    if totals:
        most = [f"{emoji} {count}" for emoji, count in totals[:REACTIONS_SHOWN]]
        if len(totals) > len(most):
            most.append(f"({sum(space.reactions.values())} in all)")
        yield "Reactions", "  ".join(most)


def _foot(space: LiveSpace, page: str, *, captions: bool) -> Iterator[CardLine]:
    if space.phase is Phase.ENDED:
        yield "", "Thank you for being here."
        if space.captions_said:
            yield "What was said", page
        return
    yield "Listen in the browser", page
    if captions:
        yield "Large captions", f"{page}?view=captions"
    if space.phase is Phase.LIVE:
        yield from _ways(space)
    else:
        yield "Be reminded", f"react with ✅; {_BELL}"
    yield from _what_is_closed(space)
    words = "Words are captioned in this room and on the page." if captions else "No captions."
    yield "", f"{words} Nothing is recorded. This room is not encrypted."


def _ways(space: LiveSpace) -> Iterator[CardLine]:
    if space.locked:
        yield "", "🔒 Locked by a host: nobody new, no hands, and only the stage writes."
    else:
        yield "Ask to speak", _ASKING[space.speak_policy].format(way=_WAY_TO_ASK)
    yield "React", f"tap any other emoji below; {_BELL}"


def _what_is_closed(space: LiveSpace) -> Iterator[CardLine]:
    if not space.chat and not space.locked:
        yield "", "Chat is off: only the stage writes here."
    if space.guests is GuestPolicy.OFF:
        yield "", "No guests: listening needs a Matrix account in this room."
    elif space.guests is GuestPolicy.LISTEN:
        yield "", "Guests of the page may listen, not speak."
