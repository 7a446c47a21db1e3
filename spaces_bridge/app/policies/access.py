"""The consequences of access events: joining, leaving, removals, locks, chat and guests."""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.app import tasks
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.policies.common import (
    ALL,
    STAGE,
    UNSEEN,
    end_microphone,
    forget_words,
    hide_guest_names,
)
from spaces_bridge.app.policies.consequences import (
    AccessKept,
    AccessRevoked,
    Consequences,
    GuestsExcluded,
    Notice,
    PersonMoved,
    RoomLeft,
    Stale,
    row,
)
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say


def consequences_of(event: ev.AccessEvent) -> Consequences:  # noqa: C901 - an arm per event
    """Return what follows from `event`."""
    match event:
        case ev.PersonJoined():
            return row(
                event,
                Stale.BUBBLE | Stale.CARD,
                PersonMoved(event.user),
                (event.user,),
                tasks=hide_guest_names,
                calls=_joined_calls,
            )
        case ev.PersonLeft():
            return row(
                event,
                Stale.BUBBLE | Stale.CARD,
                PersonMoved(event.user),
                (event.user,),
                calls=end_microphone,
                access=RoomLeft(event.user),
            )
        case ev.PersonInvited():
            return row(event, Stale.NOTHING, UNSEEN, (event.user,), tasks=_invited_tasks)
        case ev.PersonRemoved():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_removed_tasks,
                calls=_removed_calls,
                access=AccessRevoked(event.user),
            )
        case ev.RemovalInForce():
            return row(event, Stale.NOTHING, UNSEEN, (event.user,))
        case ev.PersonReadmitted():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_readmitted_tasks,
                calls=_readmitted_calls,
            )
        case ev.SpaceLocked():
            stale = Stale.ARRANGEMENT | Stale.CARD
            return row(event, stale, STAGE, ALL, tasks=_locked_tasks, notices=_locked_notices)
        case ev.SpaceUnlocked():
            stale = Stale.ARRANGEMENT | Stale.CARD
            return row(event, stale, STAGE, ALL, tasks=_unlocked_tasks, notices=_unlocked_notices)
        case ev.ChatSwitched():
            return row(event, Stale.ARRANGEMENT | Stale.CARD, STAGE, ALL)
        case ev.GuestsLimited():
            off = event.policy is GuestPolicy.OFF
            access = GuestsExcluded() if off else AccessKept()
            return row(event, Stale.CARD, STAGE, ALL, calls=_guests_calls, access=access)
        case _:
            assert_never(event)


# --- members -------------------------------------------------------------------------------------


def _joined_calls(context: AppContext, before: LiveSpace, event: ev.PersonJoined) -> None:
    """Look newcomers up in block lists and policy lists."""
    if not before.person(event.user).joined:
        context.ban_lists.entered(before, event.user)


def _invited_tasks(before: LiveSpace, event: ev.PersonInvited) -> Iterator[tasks.OutboxTask]:
    yield tasks.InviteByMessage(before.space, event.user, event.by)


def _removed_tasks(before: LiveSpace, event: ev.PersonRemoved) -> Iterator[tasks.OutboxTask]:
    if not before.person(event.user).guest and not event.in_force:
        yield tasks.BanPerson(before.space, event.user, event.reason)


def _removed_calls(context: AppContext, before: LiveSpace, event: ev.PersonRemoved) -> None:
    """End the removed person's microphone and listening, and drop their chat lines."""
    context.stage.end_microphone_session(before.space, event.user)
    context.stage.end_listening(before.space, event.user)
    forget_words(context, before.space, event.user)


def _readmitted_tasks(before: LiveSpace, event: ev.PersonReadmitted) -> Iterator[tasks.OutboxTask]:
    yield tasks.UnbanPerson(before.space, event.user)


def _readmitted_calls(context: AppContext, before: LiveSpace, event: ev.PersonReadmitted) -> None:
    context.ban_lists.readmitted(before, event.user, event.by)


# --- the room ------------------------------------------------------------------------------------


def _locked_tasks(before: LiveSpace, _event: ev.SpaceLocked) -> Iterator[tasks.OutboxTask]:
    text = "The room is locked: nobody new, no hands, no chat of listeners for now."
    yield tasks.Announce(before.space, text, locked=True)


def _locked_notices(
    _before: LiveSpace, _now: LiveSpace, _event: ev.SpaceLocked
) -> Iterator[Notice]:
    text = "The room is locked: nobody new, no hands, no chat of listeners for now."
    yield None, say("room_locked", text)


def _unlocked_tasks(before: LiveSpace, _event: ev.SpaceUnlocked) -> Iterator[tasks.OutboxTask]:
    yield tasks.Announce(before.space, "The room is open again.", locked=False)


def _unlocked_notices(
    _before: LiveSpace, _now: LiveSpace, _event: ev.SpaceUnlocked
) -> Iterator[Notice]:
    yield None, say("room_open", "The room is open again.")


def _guests_calls(context: AppContext, before: LiveSpace, event: ev.GuestsLimited) -> None:
    if event.policy is GuestPolicy.OFF:
        context.stage.end_guests(before.space, context.settings.domain)
