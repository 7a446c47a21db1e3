"""The bounds of events that wait for keys: who makes place when there is none. Pure."""

from collections import Counter
from collections.abc import Collection

from spaces_bridge.app.crypto_ports import WaitingEvent
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.limits import (
    WAITING_MAX,
    WAITING_PER_SENDER,
    WAITING_PER_SERVER,
)


def makes_place(waiting: Collection[WaitingEvent], sender: UserId) -> WaitingEvent | None:
    """Return the event that goes when one more of `sender` is to wait; None: there is place.

    One who is at a bound of their own makes place themselves, and then their homeserver does.
    When all places are taken, what was answered already goes first, and then the oldest of
    whoever holds most of the homeserver that holds most. So no one switches it off for others.
    """
    own = [each for each in waiting if each.sender == sender]
    if len(own) >= WAITING_PER_SENDER:
        return _first_to_go(own)
    server = _server(sender)
    near = [each for each in waiting if _server(each.sender) == server]
    if len(near) >= WAITING_PER_SERVER:
        return _first_to_go(near)
    return _first_to_go(waiting) if len(waiting) >= WAITING_MAX else None


def _first_to_go(waiting: Collection[WaitingEvent]) -> WaitingEvent:
    some = [each for each in waiting if each.is_answered] or list(waiting)
    [(server, _)] = Counter(_server(each.sender) for each in some).most_common(1)
    some = [each for each in some if _server(each.sender) == server]
    [(sender, _)] = Counter(each.sender for each in some).most_common(1)
    return min((e for e in some if e.sender == sender), key=lambda each: each.received_at_ms)


def _server(user: UserId) -> str:
    return user.partition(":")[2]
