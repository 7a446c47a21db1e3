"""The bubble: the small card of a live space in its community's room. Pure."""

from collections.abc import Iterator
from datetime import UTC, tzinfo

from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.cards.card import Card, CardLine, headline, when, written
from spaces_bridge.matrix.events.own import BUBBLE, BubbleContent
from spaces_bridge.matrix.text.people import shown
from spaces_bridge.matrix.text.wording import one_line


def render(
    space: LiveSpace, listeners: int, page: str, room_link: str, zone: tzinfo = UTC
) -> Card:
    """Return the bubble as it should be. `room_link`: a matrix.to link to the live space's room.

    The bubble's frame is the phase alone: all else can wait for a minute.
    """
    head = headline(space)
    lines = [*when(space, zone), *_lines(space, listeners, page, room_link)]
    about: BubbleContent = {"space_id": space.space}
    content = {**written(head, lines), BUBBLE: about}
    return Card(space.phase.value, str([head, *lines]), content)


def _lines(space: LiveSpace, listeners: int, page: str, room_link: str) -> Iterator[CardLine]:
    host = one_line(shown(space, space.host))
    if space.phase is Phase.ENDED:
        yield "Host", host
        if space.captions_said:
            yield "What was said", page
        yield "", f"🔔 below: hear when {host} goes live again"
        return
    yield "Host", host
    if space.phase is Phase.LIVE:
        yield "", f"🎙 {_count(len(space.stage), 'speaker')} · 👂 {_count(listeners, 'listener')}"
    yield "Listen in the browser", page
    yield "Join the room", room_link
    bell = f"🔔 below: hear whenever {host} goes live"
    yield "", f"{bell}. ✅: be reminded of this one" if _is_to_come(space) else bell


def _is_to_come(space: LiveSpace) -> bool:
    return space.phase is Phase.SCHEDULED


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
