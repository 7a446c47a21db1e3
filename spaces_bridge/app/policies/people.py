"""What follows from members, roles, levels and the door."""

from collections.abc import Iterator

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.policies.names import hide_guest_names
from spaces_bridge.app.policies.words import name_of, to_account, to_moderators
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role


def joined(before: LiveSpace, event: ev.PersonJoined) -> Iterator[wish.Wish]:
    """Hide the names of guests that look like this one’s, who may have a role."""
    yield from hide_guest_names(before, event)


def invited(before: LiveSpace, event: ev.PersonInvited) -> Iterator[wish.Wish]:
    """Write the person an invitation."""
    yield wish.InviteByMessage(before.space, event.user, event.by)


# --- roles and levels ----------------------------------------------------------------------------


def appointed(before: LiveSpace, event: ev.RoleAppointed) -> Iterator[wish.Wish]:
    """Write the level of the new role; the role may hide guests’ names."""
    yield wish.WriteLevel(before.space, event.user, before.levels.of(event.role))
    yield from hide_guest_names(before, event)


def appointment_ended(before: LiveSpace, event: ev.AppointmentEnded) -> Iterator[wish.Wish]:
    """Tell the moderators of a refusal; else put the level back as it was."""
    if event.reason.startswith("M_"):
        text = (
            f"The homeserver refused to change the level of {event.user} in “{before.title}” "
            f"({event.reason}). Try again, or change it in your client."
        )
        yield from to_moderators(before, text)
    else:
        # it may have been written already
        after = evolve(before, event)
        yield wish.WriteLevel(before.space, event.user, after.level_wanted(event.user))


def level_changed(before: LiveSpace, event: ev.LevelChanged) -> Iterator[wish.Wish]:
    """Offer what the new level allows, and take what it does not."""
    yield from _of_new_rights(before, event)
    yield from hide_guest_names(before, event)


def _of_new_rights(before: LiveSpace, event: ev.LevelChanged) -> Iterator[wish.Wish]:
    person = before.person(event.user)
    had = before.role(event.user)
    live_here = before.phase is Phase.LIVE and person.joined and not person.guest
    if live_here and not had.may_speak and event.role is Role.SPEAKER:
        yield wish.OfferFloor(before.space, event.user)
    if event.role is Role.COHOST and had < Role.COHOST and person.joined:
        text = (
            f"You are a co-host of “{before.title}”: you may approve, invite to speak, mute, "
            "remove, block and pin. `help` lists how."
        )
        yield from to_account(before, event.user, text)
    if had.may_speak and not event.role.may_speak and event.user not in before.closing:
        yield from unseat(before, event.user)


def level_overruled(before: LiveSpace, event: ev.LevelOverruled) -> Iterator[wish.Wish]:
    """Put the level back, and tell whoever changed it why."""
    yield wish.WriteLevel(before.space, event.user, event.kept)
    if event.by is not None:
        who = name_of(before, event.user)
        text = f"I put the level of {who} in “{before.title}” back: {event.why}."
        yield wish.TellUser(event.by, text)


def take_floor(
    before: LiveSpace, event: ev.FloorClosing | ev.LevelForfeited
) -> Iterator[wish.Wish]:
    """Take the level of whoever loses the floor."""
    yield from take_level(before, event.user)


def take_level(before: LiveSpace, user: UserId) -> Iterator[wish.Wish]:
    """Their own ``users`` entry goes; a guest's ghost goes with it."""
    yield wish.WriteLevel(before.space, user, None)
    if before.person(user).guest:
        yield wish.UnseatGuest(before.space, user)


def unseat(before: LiveSpace, user: UserId) -> Iterator[wish.Wish]:
    """A guest's ghost is in the room for the floor only."""
    person = before.person(user)
    if person.guest and person.joined:
        yield wish.UnseatGuest(before.space, user)


# --- the door ------------------------------------------------------------------------------------


def removed(before: LiveSpace, event: ev.PersonRemoved) -> Iterator[wish.Wish]:
    """Ban an account; guests have no place in the room to be banned from."""
    if not before.person(event.user).guest and not event.in_force:
        yield wish.BanPerson(before.space, event.user, event.reason)


def readmitted(before: LiveSpace, event: ev.PersonReadmitted) -> Iterator[wish.Wish]:
    """Lift the ban."""
    yield wish.UnbanPerson(before.space, event.user)


def locked(before: LiveSpace, _event: ev.SpaceLocked) -> Iterator[wish.Wish]:
    """Tell the room."""
    text = "The room is locked: nobody new, no hands, no chat of listeners for now."
    yield wish.Announce(before.space, text, locked=True)


def unlocked(before: LiveSpace, _event: ev.SpaceUnlocked) -> Iterator[wish.Wish]:
    """Tell the room."""
    yield wish.Announce(before.space, "The room is open again.", locked=False)
