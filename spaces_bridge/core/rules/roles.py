"""The rules of roles: appointing and dismissing co-hosts, handing over to another host."""

from collections.abc import Iterator

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules.common import (
    cohost_places,
    places_left,
    refuse_if_ended,
    refuse_unless_host,
)
from spaces_bridge.core.rules.floor import take_floor


def appoint_cohost(space: LiveSpace, command: cmd.AppointCohost) -> Iterator[ev.Event]:
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    _refuse_stranger(space, command.user)
    if space.role(command.user) >= Role.COHOST or command.user == space.host:
        raise Rejected("already_cohost", "That person hosts with you already.")
    _refuse_if_coming(space, command.user)
    if cohost_places(space) <= 0:
        raise Rejected(
            "cohosts_full",
            "All places for co-hosts are taken ({most}). Dismiss one first.",
            most=space.max_cohosts,
        )
    yield from _lower_hand(space, command.user)
    yield ev.RoleAppointed(command.user, Role.COHOST, command.by)


def dismiss_cohost(space: LiveSpace, command: cmd.DismissCohost) -> Iterator[ev.Event]:
    """Make a co-host a speaker if a place on the stage is free, and else a listener."""
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    user = command.user
    coming, role = space.appointments.get(user), space.role(user)
    # a person who is gone loses the level anyway: an appointment would wait for them for ever
    gone = user in space.closing or not space.person(user).joined
    if coming is not None and coming > role:
        yield ev.AppointmentEnded(user, "dismissed")
    elif role is not Role.COHOST or coming is not None or gone:
        raise Rejected("not_cohost", "That person is no co-host.")
    if role is not Role.COHOST or gone:
        return
    if places_left(space) > 0:
        yield ev.RoleAppointed(user, Role.SPEAKER, command.by)
    else:
        yield from take_floor(space, user, command.by, ev.FloorEnd.REVOKED)


def hand_over(space: LiveSpace, command: cmd.HandOver) -> Iterator[ev.Event]:
    """Appoint another host; the old one steps back when the homeserver holds the level."""
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    if command.user == space.host:
        raise Rejected("is_host", "That person is the host already.")
    _refuse_stranger(space, command.user)
    _refuse_if_coming(space, command.user)  # such as the host of before, who just steps back
    if Role.HOST in space.appointments.values():
        raise Rejected("handing_over", "Somebody is just becoming the host. Wait a moment.")
    yield from _lower_hand(space, command.user)
    yield ev.RoleAppointed(command.user, Role.HOST, command.by)


def _refuse_if_coming(space: LiveSpace, user: UserId) -> None:
    if user in space.appointments:
        raise refusals.is_changing()


def _refuse_stranger(space: LiveSpace, user: UserId) -> None:
    person = space.person(user)
    if person.guest:
        raise refusals.guests_do_not_host()
    if user in space.removed:
        raise refusals.is_removed()
    if not person.joined:
        raise refusals.not_here()
    if user in space.closing:
        raise Rejected(
            "is_closing", "That person's floor is just being taken. Try again in a moment."
        )


def _lower_hand(space: LiveSpace, user: UserId) -> Iterator[ev.Event]:
    request = space.requests.get(user)
    if request is not None:
        yield ev.SpeakRequestWithdrawn(user, request.reaction)
