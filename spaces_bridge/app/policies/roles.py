"""The consequences of role events: levels, appointments, a host missed or replaced."""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.app import tasks
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.policies.common import (
    ALL,
    NOBODY,
    STAGE,
    UNSEEN,
    demoted,
    hide_guest_names,
    name_in_room,
    take_level,
    to_account,
    to_moderators,
    unseat,
)
from spaces_bridge.app.policies.consequences import (
    BlockListChanged,
    Consequences,
    Notice,
    Stale,
    row,
)
from spaces_bridge.core import events as ev
from spaces_bridge.core.display_names import name_of
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.core.sentences import say


def consequences_of(event: ev.RoleEvent) -> Consequences:
    """Return what follows from `event`."""
    match event:
        case ev.HostLeftPage():
            return row(event, Stale.NOTHING, UNSEEN, (event.user,))
        case ev.HostMissed():
            return row(
                event,
                Stale.CARD,
                STAGE,
                NOBODY,
                tasks=_host_missed_tasks,
                notices=_host_missed_notices,
            )
        case ev.HostReturned():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_host_returned_tasks)
        case ev.HostChanged():
            return row(
                event,
                Stale.ROLES,
                STAGE,
                ALL,
                tasks=_host_changed_tasks,
                calls=_host_changed_calls,
                notices=_host_changed_notices,
                access=BlockListChanged(),
            )
        case ev.LevelChanged():
            return row(
                event,
                Stale.ROLES,
                STAGE,
                (event.user,),
                tasks=_level_changed_tasks,
                calls=_level_changed_calls,
                notices=_level_changed_notices,
            )
        case ev.LevelOverruled():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_overruled_tasks)
        case ev.LevelForfeited():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_forfeited_tasks)
        case ev.RoleAppointed():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_appointed_tasks)
        case ev.AppointmentEnded():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_appointment_ended_tasks)
        case _:
            assert_never(event)


# --- the host ------------------------------------------------------------------------------------


def _host_missed_tasks(before: LiveSpace, _event: ev.HostMissed) -> Iterator[tasks.OutboxTask]:
    heirs = before.heirs
    then = f"{name_in_room(before, heirs[0])} takes over" if heirs else "the live space ends"
    name = name_in_room(before, before.host)
    text = f"{name} seems to be gone. Unless they come back soon, {then}."
    yield tasks.Announce(before.space, text)
    yield tasks.TellUser(
        before.host,
        f"You are missed in “{before.title}”. Come back to the page or write something in its "
        f"room; else {then}.",
    )


def _host_missed_notices(
    _before: LiveSpace, now: LiveSpace, _event: ev.HostMissed
) -> Iterator[Notice]:
    text = "{name} seems to be gone. Please wait a moment."
    yield None, say("host_missed", text, name=name_of(now, now.host))


def _host_returned_tasks(before: LiveSpace, _event: ev.HostReturned) -> Iterator[tasks.OutboxTask]:
    if before.host_missed_at_ms is not None:
        yield tasks.Announce(before.space, f"{name_in_room(before, before.host)} is back.")


def _host_changed_tasks(before: LiveSpace, event: ev.HostChanged) -> Iterator[tasks.OutboxTask]:
    yield tasks.Announce(before.space, f"{name_in_room(before, event.user)} is the host now.")
    text = f"You host “{before.title}” now: everything is in your hands, also `end`."
    yield tasks.TellUser(event.user, text)
    yield from hide_guest_names(before, event)


def _host_changed_calls(context: AppContext, before: LiveSpace, event: ev.HostChanged) -> None:
    """Look everybody in the room up again: the new host has a block list of their own."""
    space = evolve(before, event)
    for person in sorted(space.people.values(), key=lambda p: p.user):
        if person.joined:
            context.ban_lists.entered(space, person.user)


def _host_changed_notices(
    _before: LiveSpace, now: LiveSpace, event: ev.HostChanged
) -> Iterator[Notice]:
    yield None, say("new_host", "{name} is the host now.", name=name_of(now, event.user))


# --- levels --------------------------------------------------------------------------------------


def _level_changed_tasks(before: LiveSpace, event: ev.LevelChanged) -> Iterator[tasks.OutboxTask]:
    person = before.person(event.user)
    had = before.role(event.user)
    live_here = before.phase is Phase.LIVE and person.joined and not person.guest
    if live_here and not had.may_speak and event.role is Role.SPEAKER:
        yield tasks.OfferFloor(before.space, event.user)
    if event.role is Role.COHOST and had < Role.COHOST and person.joined:
        text = (
            f"You are a co-host of “{before.title}”: you may approve, invite to speak, mute, "
            "remove, block and pin. `help` lists how."
        )
        yield from to_account(before, event.user, text)
    if had.may_speak and not event.role.may_speak and event.user not in before.closing:
        yield from unseat(before, event.user)
    yield from hide_guest_names(before, event)


def _level_changed_calls(context: AppContext, before: LiveSpace, event: ev.LevelChanged) -> None:
    if not event.role.may_speak:
        context.stage.end_microphone_session(before.space, event.user)


def _level_changed_notices(
    before: LiveSpace, _now: LiveSpace, event: ev.LevelChanged
) -> Iterator[Notice]:
    """Tell a person whose level somebody took elsewhere.

    A level that falls may also be the echo of a floor that was closed here, and was told of then.
    """
    user = event.user
    falls = before.role(user).may_speak and not event.role.may_speak
    if falls and user not in before.closing:
        yield demoted(user)


def _overruled_tasks(before: LiveSpace, event: ev.LevelOverruled) -> Iterator[tasks.OutboxTask]:
    yield tasks.WriteLevel(before.space, event.user, event.kept)
    if event.by is not None:
        who = name_in_room(before, event.user)
        text = f"I put the level of {who} in “{before.title}” back: {event.why}."
        yield tasks.TellUser(event.by, text)


def _forfeited_tasks(before: LiveSpace, event: ev.LevelForfeited) -> Iterator[tasks.OutboxTask]:
    yield from take_level(before, event.user)


# --- appointments --------------------------------------------------------------------------------


def _appointed_tasks(before: LiveSpace, event: ev.RoleAppointed) -> Iterator[tasks.OutboxTask]:
    yield tasks.WriteLevel(before.space, event.user, before.levels.of(event.role))
    yield from hide_guest_names(before, event)


def _appointment_ended_tasks(
    before: LiveSpace, event: ev.AppointmentEnded
) -> Iterator[tasks.OutboxTask]:
    if event.reason.startswith("M_"):
        text = (
            f"The homeserver refused to change the level of {event.user} in “{before.title}” "
            f"({event.reason}). Try again, or change it in your client."
        )
        yield from to_moderators(before, text)
    else:
        # the appointed level may have been written already
        after = evolve(before, event)
        yield tasks.WriteLevel(before.space, event.user, after.level_wanted(event.user))
