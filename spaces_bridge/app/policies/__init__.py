"""What follows from an event: the only place that says "then".

``effects_of`` are wishes towards Matrix, stored with the event in one transaction. ``tell`` goes
to the ports that keep nothing: sound, captions, page, door. Both may be repeated safely.
"""

from collections.abc import Iterator

from spaces_bridge.app import codec
from spaces_bridge.app import wishes as wish
from spaces_bridge.app.policies import floor, life, names, people
from spaces_bridge.app.policies.now import forget_words, shut, tell
from spaces_bridge.app.records import Effect
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.core.live_space import LiveSpace

__all__ = [
    "arrangement",
    "bubble",
    "card",
    "effects_of",
    "forget_words",
    "listing",
    "shut",
    "state",
    "tell",
]


def card(space: SpaceId) -> Effect:
    """Make the live card true."""
    return codec.effect_of(wish.RefreshCard(space), f"card:{space}", collapse=True)


def bubble(space: SpaceId) -> Effect:
    """Make the card in the community's room true."""
    return codec.effect_of(wish.RefreshBubble(space), f"bubble:{space}", collapse=True)


def state(space: SpaceId) -> Effect:
    """Make the room's state true."""
    return codec.effect_of(wish.PublishState(space), f"state:{space}", collapse=True)


def listing(space: SpaceId) -> Effect:
    """Make the directory's entry true."""
    return codec.effect_of(wish.ListSpace(space), f"listing:{space}", collapse=True)


def arrangement(space: SpaceId) -> Effect:
    """Make levels and join rule true."""
    return codec.effect_of(wish.ArrangeRoom(space), f"arrangement:{space}", collapse=True)


def effects_of(
    before: LiveSpace, event: ev.Event, seq: int, now_ms: int, reaction_ttl_ms: int
) -> Iterator[Effect]:
    """The wishes that ``event`` leads to; keys are made of the event's place in the journal."""
    space = before.space
    for index, wanted in enumerate(_wishes(before, event)):
        yield codec.effect_of(wanted, f"{space}:{seq}:{index}")
    if isinstance(event, ev.Reacted) and event.annotation is not None:
        redaction = wish.RedactEvent(space, event.annotation, expired=True)
        yield codec.effect_of(redaction, f"{space}:{seq}:ttl", now_ms + reaction_ttl_ms)
    if before.room is not None or isinstance(event, ev.RoomAttached):
        yield from _made_true(before, event)


def _wishes(before: LiveSpace, event: ev.Event) -> Iterator[wish.Wish]:
    yield from life.wishes(before, event)
    yield from people.wishes(before, event)
    yield from floor.wishes(before, event)
    yield from names.wishes(before, event)


_IN_STATE = (
    ev.RoomAttached
    | ev.SpaceStarted
    | ev.SpaceEnded
    | ev.SpaceRescheduled
    | ev.SpaceRetitled
    | ev.SpeakPolicyChanged
    | ev.CaptionsSwitched
    | ev.LevelChanged
    | ev.HostChanged
)
_LISTED = (
    ev.RoomAttached | ev.SpaceStarted | ev.SpaceEnded | ev.SpaceRescheduled | ev.SpaceRetitled
)
_ON_BUBBLE = _LISTED | ev.LevelChanged | ev.PersonJoined | ev.PersonLeft | ev.HostChanged
_ARRANGED = ev.RoomAttached | ev.SpaceLocked | ev.SpaceUnlocked | ev.ChatSwitched | ev.SpaceEnded
_NOT_ON_CARD = (
    ev.UtteranceCaptioned
    | ev.PersonInvited
    | ev.ReminderWanted
    | ev.ReminderDropped
    | ev.ReminderDue
    | ev.HostLeftPage
    | ev.RemovalInForce
    | ev.PostShared
    | ev.FloorDoubted
    | ev.FloorLookedInto
)


def _made_true(before: LiveSpace, event: ev.Event) -> Iterator[Effect]:
    space = before.space
    if isinstance(event, _ARRANGED):
        yield arrangement(space)
    if isinstance(event, _IN_STATE):
        yield state(space)
    if isinstance(event, _LISTED) and not before.private:
        yield listing(space)
    if isinstance(event, _ON_BUBBLE) and before.community is not None and not before.private:
        yield bubble(space)
    if not isinstance(event, _NOT_ON_CARD):
        yield card(space)
