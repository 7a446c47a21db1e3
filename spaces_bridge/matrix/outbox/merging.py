"""Merge waiting outbox tasks that may share an event, kind by kind. Pure."""

from collections.abc import Sequence

from spaces_bridge.app import tasks
from spaces_bridge.matrix.events import captions, chat

Mergeable = tasks.PostCaption | tasks.PostChat


def merge(
    head: Mergeable, waiting: Sequence[tasks.OutboxTask], *, pressed: bool
) -> tuple[Mergeable, tuple[int, ...]]:
    """Return one task for the head and some of the waiting, and the places of those merged.

    `pressed`: there are more tasks than events are allowed.
    """
    if isinstance(head, tasks.PostCaption):
        said = [w for w in waiting if isinstance(w, tasks.PostCaption)]
        merger = captions.merge(head, said, pressed=pressed)
        return merger.caption, merger.places
    if not pressed:
        return head, ()
    return chat.merge(head, [w for w in waiting if isinstance(w, tasks.PostChat)])
