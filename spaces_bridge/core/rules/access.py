"""The rules of access: removing, blocking, locking, chat and guests."""

from collections.abc import Iterator

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import (
    refuse_if_ended,
    refuse_unless_above,
    refuse_unless_moderator,
)
from spaces_bridge.core.rules.floor import lower_all, take_floor

REASON_MAX = 200


def remove_person(space: LiveSpace, command: cmd.RemovePerson) -> Iterator[ev.Event]:
    refuse_if_ended(space)
    if command.by is not None:
        refuse_to_remove(space, command.by, command.user)
    elif command.user == space.host:
        return  # a rule of the bridge takes no host from a space that is on
    earlier = space.removed.get(command.user)
    if earlier is not None and (earlier.blocked or not command.blocked):
        if command.by is not None:
            raise Rejected("already_removed", "That person is removed already.")
        return
    reason = " ".join(command.reason.split())[:REASON_MAX]
    yield from show_out(space, command.user, command.by)
    yield ev.PersonRemoved(command.user, command.by, reason, command.blocked)


def refuse_to_remove(space: LiveSpace, by: UserId, user: UserId) -> None:
    """Raise Rejected when `by` may not remove this person, also one who is removed already."""
    refuse_if_ended(space)
    refuse_unless_moderator(space, by)
    if user == by:
        raise Rejected("own_removal", "You cannot remove yourself: leave the room instead.")
    refuse_unless_above(space, by, user)


def show_out(space: LiveSpace, user: UserId, by: UserId | None) -> Iterator[ev.Event]:
    """Lower the person's hand, shut the microphone, and intend to take the level."""
    request = space.requests.get(user)
    if request is not None:
        yield ev.SpeakRequestWithdrawn(user, request.reaction)
    coming = space.is_accepted(user) or user in space.appointments
    if space.person(user).level is not None or coming:
        yield from take_floor(space, user, by or space.host, ev.FloorEnd.REVOKED)


def readmit_person(space: LiveSpace, command: cmd.ReadmitPerson) -> Iterator[ev.Event]:
    if command.by is not None:
        refuse_unless_moderator(space, command.by)
    refuse_if_ended(space)
    if command.user not in space.removed:
        if command.by is not None:
            raise Rejected("not_removed", "That person is not removed here.")
        return
    yield ev.PersonReadmitted(command.user, command.by)


def lock_space(space: LiveSpace, command: cmd.LockSpace) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    refuse_if_ended(space)
    if space.locked:
        raise Rejected("already_locked", "It is locked already.")
    if space.hands:
        yield lower_all(space, command.by)
    yield ev.SpaceLocked(command.by)


def unlock_space(space: LiveSpace, command: cmd.UnlockSpace) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    refuse_if_ended(space)
    if not space.locked:
        raise Rejected("not_locked", "It is not locked.")
    yield ev.SpaceUnlocked(command.by)


def set_chat(space: LiveSpace, command: cmd.SetChat) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    refuse_if_ended(space)
    if command.on is not space.chat:
        yield ev.ChatSwitched(command.on)


def set_guests(space: LiveSpace, command: cmd.SetGuests) -> Iterator[ev.Event]:
    """Set the guest policy; where guests may not speak, take their hands and floors away."""
    refuse_unless_moderator(space, command.by)
    refuse_if_ended(space)
    if command.policy is space.guests:
        return
    yield ev.GuestsLimited(command.policy)
    if command.policy is GuestPolicy.SPEAK:
        return
    for person in sorted(space.people.values(), key=lambda p: p.user):
        if person.guest:
            yield from show_out(space, person.user, command.by)
