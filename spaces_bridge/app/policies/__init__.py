"""The policies: the consequences of each event, by its row (see `table`).

`effects_of` gives the outbox tasks, stored with the event in one transaction. `tell` calls the
ports that keep nothing: stage, captioner, ban lists. Both may be repeated safely.
"""

from collections.abc import Iterator

from spaces_bridge.app import codec, tasks
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.policies.common import forget_words, shut
from spaces_bridge.app.policies.consequences import Stale
from spaces_bridge.app.policies.table import consequences_of
from spaces_bridge.app.records import OutboxEntry
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.core.live_space import LiveSpace

__all__ = [
    "arrangement",
    "bubble",
    "card",
    "consequences_of",
    "effects_of",
    "forget_words",
    "listing",
    "shut",
    "state",
    "tell",
]


def card(space: SpaceId) -> OutboxEntry:
    """Return the outbox entry that makes the live card true."""
    return codec.entry_of(tasks.RefreshCard(space), f"card:{space}", collapse=True)


def bubble(space: SpaceId) -> OutboxEntry:
    """Return the outbox entry that makes the card in the community's room true."""
    return codec.entry_of(tasks.RefreshBubble(space), f"bubble:{space}", collapse=True)


def state(space: SpaceId) -> OutboxEntry:
    """Return the outbox entry that makes the room's state true."""
    return codec.entry_of(tasks.PublishState(space), f"state:{space}", collapse=True)


def listing(space: SpaceId) -> OutboxEntry:
    """Return the outbox entry that makes the directory's entry true."""
    return codec.entry_of(tasks.ListSpace(space), f"listing:{space}", collapse=True)


def arrangement(space: SpaceId) -> OutboxEntry:
    """Return the outbox entry that makes the room's permissions (levels, join rule) true."""
    return codec.entry_of(tasks.ArrangeRoom(space), f"arrangement:{space}", collapse=True)


def effects_of(
    before: LiveSpace, event: ev.Event, seq: int, now_ms: int, reaction_ttl_ms: int
) -> Iterator[OutboxEntry]:
    """Yield the outbox tasks of `event`; keys are made of the event's place in the journal."""
    space, then = before.space, consequences_of(event)
    for index, task in enumerate(then.tasks(before)):
        yield codec.entry_of(task, f"{space}:{seq}:{index}")
    if then.expires is not None:
        redaction = tasks.RedactEvent(space, then.expires, expired=True)
        yield codec.entry_of(redaction, f"{space}:{seq}:ttl", now_ms + reaction_ttl_ms)
    if before.room is not None or isinstance(event, ev.RoomAttached):
        yield from _made_true(before, then.stale)


def tell(context: AppContext, before: LiveSpace, event: ev.Event) -> None:
    """Call stage, captioner and ban lists with what `event` asks of them."""
    consequences_of(event).calls(context, before)


def _made_true(before: LiveSpace, stale: Stale) -> Iterator[OutboxEntry]:
    space = before.space
    if Stale.ARRANGEMENT in stale:
        yield arrangement(space)
    if Stale.STATE in stale:
        yield state(space)
    if Stale.LISTING in stale and not before.private:
        yield listing(space)
    if Stale.BUBBLE in stale and before.community is not None and not before.private:
        yield bubble(space)
    if Stale.CARD in stale:
        yield card(space)
