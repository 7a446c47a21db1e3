"""The live card: what it says. Pure."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.matrix.content import Content, message
from spaces_bridge.matrix.people import shown

CARD = "io.spacesbridge.card"
HANDS_SHOWN = 10
REACTIONS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Card:
    """``frame`` changes with stage, queue and phase; ``counters`` are all the rest of it."""

    frame: str
    counters: str
    content: Content


def render(space: LiveSpace, listeners: int, page: str, *, captions: bool) -> Card:
    """The card of a live space as it is."""
    head = _headline(space)
    stage = list(_stage(space))
    counters = list(_counters(space, listeners))
    foot = list(_foot(space, page, captions=captions and space.captions))
    lines = [*stage, *counters, *foot]
    body = "\n".join([head, *(f"{name}: {text}" if name else text for name, text in lines)])
    rich = [f"<strong>{html.escape(head)}</strong>", *map(_html_line, lines)]
    content = {**message(body, "<br>\n".join(rich), "m.text"), CARD: True}
    return Card("\n".join(map(str, [head, *stage, *foot])), str(counters), content)


def _html_line(line: tuple[str, str]) -> str:
    name, text = line
    escaped = html.escape(text)
    if text.startswith(("http://", "https://")):
        escaped = f'<a href="{escaped}">{escaped}</a>'
    return f"<em>{html.escape(name)}:</em> {escaped}" if name else escaped


def _headline(space: LiveSpace) -> str:
    if space.phase is Phase.LIVE:
        return f"🔴 Live now: {space.title}"
    if space.phase is Phase.ENDED:
        return f"Ended: {space.title}"
    if space.scheduled_at_ms is None:
        return f"Soon: {space.title}"
    when = datetime.fromtimestamp(space.scheduled_at_ms / 1000, UTC)
    return f"{when:%d %B, %H:%M} UTC: {space.title}"


def _stage(space: LiveSpace) -> Iterator[tuple[str, str]]:
    yield "Host", shown(space, space.host)
    cohosts = [p.name or p.user for p in space.stage if space.role(p.user) is Role.COHOST]
    if cohosts:
        yield "Co-hosts", ", ".join(cohosts)
    if space.phase is not Phase.LIVE:
        return
    speakers = [p.name or p.user for p in space.stage if space.role(p.user) is Role.SPEAKER]
    yield "Speakers", ", ".join(speakers) or "the host alone, so far"
    hands = [f"{i}. {shown(space, hand.user)}" for i, hand in enumerate(space.hands, 1)]
    if hands:
        more = len(hands) - HANDS_SHOWN
        rest = [f"and {more} more"] if more > 0 else []
        yield "Hands up", ", ".join([*hands[:HANDS_SHOWN], *rest])


def _counters(space: LiveSpace, listeners: int) -> Iterator[tuple[str, str]]:
    if space.phase is Phase.LIVE:
        yield "Listening", str(listeners)
    totals = sorted(space.reactions.items(), key=lambda item: (-item[1], item[0]))
    if totals:
        yield "Reactions", "  ".join(f"{e} {n}" for e, n in totals[:REACTIONS_SHOWN])


def _foot(space: LiveSpace, page: str, *, captions: bool) -> Iterator[tuple[str, str]]:
    if space.phase is Phase.ENDED:
        yield "", "Thank you for being here."
        yield "What was said", page
        return
    yield "Listen in the browser, with large captions", page
    if space.phase is Phase.LIVE:
        yield "Ask to speak", "tap ✋ below, or write !space speak"
        yield "React", "tap any other emoji below"
    words = "Words are captioned in this room and on the page." if captions else "No captions."
    yield "", f"{words} Nothing is recorded. This room is not encrypted."
