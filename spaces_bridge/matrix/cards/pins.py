"""The pinned events of a room: ours in their places, everybody else's left as they are."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from spaces_bridge.core.ids import EventId, RoomId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient, StateEvent
from spaces_bridge.pacing.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)

PINNED = "m.room.pinned_events"
WRITE_ATTEMPTS = 3

Placing = Callable[[Sequence[str]], Sequence[str]]


class Pins:
    """The writer of pinned events: it reads, changes, writes, and checks that the list stands."""

    def __init__(self, bot: MatrixClient) -> None:
        self._bot = bot
        self._locks = KeyedLocks()

    async def arrange(self, room: RoomId, placing: Placing) -> None:
        """Make the list what `placing` makes of it. Raises RequestRefused, Away.

        Others pin with their own clients meanwhile: a list that our write replaced unread is put
        back, with our pins in it.
        """
        async with self._locks.holding(room):
            held = await self._read(room)
            pins, stands = pinned(held.content), True
            for _ in range(WRITE_ATTEMPTS):
                wanted = list(placing(pins))
                if stands and wanted == pins:
                    return
                ours = await self._bot.write_state(room, PINNED, {"pinned": wanted})
                now = await self._read(room)
                crossed = await self._crossed(room, held, ours, now)
                pins, stands = (pinned(now.content), True) if crossed is None else (crossed, False)
                held = now
        raise Away("Somebody else keeps changing what is pinned.")

    async def _read(self, room: RoomId) -> StateEvent:
        try:
            return await self._bot.state_event(room, PINNED)
        except RequestRefused as refusal:
            if refusal.errcode != "M_NOT_FOUND":
                raise
            return StateEvent(None, None, {})

    async def _crossed(
        self, room: RoomId, read: StateEvent, ours: EventId, now: StateEvent
    ) -> list[str] | None:
        """Return the list that somebody else wrote between our read and our write, if any."""
        if now.event != ours or now.replaced in (None, read.event):
            return None
        log.info("a change of ours to what is pinned in %s crossed with somebody else's", room)
        return pinned((await self._bot.event(room, now.replaced)).content)


def pinned(content: Mapping[str, Any]) -> list[str]:
    """Return the list in `m.room.pinned_events`, without what is no text."""
    found = content.get("pinned")
    return [e for e in found if isinstance(e, str)] if isinstance(found, list) else []


def first(event: EventId) -> Placing:
    """Place the event before all others."""
    return lambda pins: [event, *(e for e in pins if e != event)]


def added(event: EventId) -> Placing:
    """Place the event behind all others, unless it is in the list."""
    return lambda pins: pins if event in pins else [*pins, event]


def without(event: EventId) -> Placing:
    """Take the event out of the list."""
    return lambda pins: [e for e in pins if e != event]


def with_posts(
    card: EventId | None, ours: Collection[str], newest: Sequence[EventId], fresh: EventId
) -> Placing:
    """Place the card, then others' pins, then the newest posts, the last one last; each once.

    `ours` are all posts of ours, `fresh` the one to be pinned now: an older post that is not in
    the list any more was taken out by somebody.
    """

    def placed(pins: Sequence[str]) -> list[str]:
        head = [] if card is None else [card]
        others = [e for e in pins if e not in ours and e not in newest and e != card]
        posts = [e for e in newest if e != card and (e in pins or e == fresh)]
        # a post that was shared twice counts as the newer of the two
        return [*head, *others, *reversed(dict.fromkeys(reversed(posts)))]

    return placed
