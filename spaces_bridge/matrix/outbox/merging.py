"""Merge waiting outbox tasks that may share an event, kind by kind. Pure."""

from collections.abc import Sequence

from spaces_bridge.app import tasks as wish
from spaces_bridge.matrix.events import captions, chat

Mergeable = wish.PostCaption | wish.PostChat


def merge(
    head: Mergeable, waiting: Sequence[wish.OutboxTask], *, pressed: bool
) -> tuple[Mergeable, tuple[int, ...]]:
    """Return one task for the head and some of the waiting, and the places of those merged.

    `pressed`: there are more tasks than events are allowed.
    """
    if isinstance(head, wish.PostCaption):
        said = [w for w in waiting if isinstance(w, wish.PostCaption)]
        merger = captions.merge(head, said, pressed=pressed)
        return merger.caption, merger.places
    if not pressed:
        return head, ()
    return chat.merge(head, [w for w in waiting if isinstance(w, wish.PostChat)])
