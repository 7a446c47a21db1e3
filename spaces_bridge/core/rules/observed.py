"""The rules of what the homeserver was observed to hold. Nothing here is refused."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import chain

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.floor import Doubt
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules.common import cohost_places, places_left
from spaces_bridge.core.rules.floor import take_floor

ONE_HOST = "there is one host; `host USER` hands over"


def observe_levels(space: LiveSpace, command: cmd.ObserveLevels) -> Iterator[ev.Event]:
    seen = _levels(space, command.levels, command.settled, command.by)
    answered = [(user, doubt) for user, doubt in space.doubts if doubt is Doubt.LEVEL]
    return _then_follow(space, chain(seen, _looked_into(answered)))


def observe_member(space: LiveSpace, command: cmd.ObserveMember) -> Iterator[ev.Event]:
    answered = space.doubts & {(command.user, Doubt.MEMBERSHIP)}
    return _then_follow(space, chain(_member(space, command), _looked_into(answered)))


def observe_room(space: LiveSpace, command: cmd.ObserveRoom) -> Iterator[ev.Event]:
    return _then_follow(space, chain(_room(space, command), _looked_into(space.doubts)))


def _looked_into(doubts: Iterable[tuple[UserId, Doubt]]) -> Iterator[ev.Event]:
    for user, doubt in sorted(doubts):
        yield ev.FloorLookedInto(user, doubt)


def observe_refused_grant(
    space: LiveSpace, command: cmd.ObserveRefusedGrant
) -> Iterator[ev.Event]:
    """End the appointment whose level was refused, or put the accepted hand up again."""
    coming = space.appointments.get(command.user)
    if coming is not None:
        # taking a role is still intended when it was refused: the next re-read tries it again
        if coming > space.role(command.user):
            yield ev.AppointmentEnded(command.user, command.reason)
    elif space.is_accepted(command.user):
        yield ev.GrantRefused(command.user, command.reason)


# --- levels -------------------------------------------------------------------------------------


def _levels(
    space: LiveSpace,
    levels: Mapping[UserId, int],
    settled: UserId | None = None,
    by: UserId | None = None,
) -> Iterator[ev.Event]:
    """Yield what the levels say person by person, and at once who steps back for a new host.

    A seat that is promised so is not free for the next person.
    """
    for user in sorted(levels.keys() | space.people.keys()):
        for event in list(_level(space, user, levels.get(user), by, settled)):
            yield event
            space = evolve(space, event)
            if isinstance(event, ev.LevelChanged) and event.role is Role.HOST:
                for change in list(_seat_changes(space, event.user)):
                    yield change
                    space = evolve(space, change)


def _level(
    space: LiveSpace,
    user: UserId,
    level: int | None,
    by: UserId | None,
    settled: UserId | None,
) -> Iterator[ev.Event]:
    role = space.levels.role(level)
    closed = user == settled and user in space.closing and not role.may_speak
    back = user in space.overruled and level == space.person(user).level
    if not closed and not back and level == space.person(user).level:
        return
    why = None if closed or back else _overruled(space, user, level)
    if why is None:
        yield ev.LevelChanged(user, level, role)
    elif (user, level) not in space.overruled.items():
        yield ev.LevelOverruled(user, level, space.level_wanted(user), by, why)


def _overruled(space: LiveSpace, user: UserId, level: int | None) -> str | None:
    """Return why live roles do not allow this rise, for the person who made it, or None."""
    role, had = space.levels.role(level), space.role(user)
    if role <= had or user == space.host or level == space.level_wanted(user):
        return None
    if user in space.removed:
        return "that person is removed"
    if role is Role.HOST:
        return ONE_HOST
    if role is Role.COHOST and cohost_places(space, besides=user) <= 0:
        return f"there can be {space.max_cohosts} co-hosts"
    if role is Role.SPEAKER and places_left(space, besides=user) <= 0:
        return f"the stage is full ({space.max_speakers} speakers)"
    return None


# --- members ------------------------------------------------------------------------------------


def _member(space: LiveSpace, command: cmd.ObserveMember) -> Iterator[ev.Event]:
    person, user = space.person(command.user), command.user
    if command.joined:
        yield from _let_in_again(space, command)
        if not person.joined or (command.name and command.name != person.name):
            yield ev.PersonJoined(user, command.name)
        return
    if person.joined:
        yield from _gone(space, user)
    if command.banned:
        yield from _banned(space, command)
    elif command.kicked and user not in space.removed and space.phase is not Phase.ENDED:
        # a kick from any client holds until the space ends
        yield ev.PersonRemoved(user, command.by, "", blocked=False)
    elif command.unbanned and user in space.removed:
        yield ev.PersonReadmitted(user, command.by)


def _let_in_again(space: LiveSpace, command: cmd.ObserveMember) -> Iterator[ev.Event]:
    """Readmit a person whose ban stood: they could join only because somebody lifted it."""
    removal = space.removed.get(command.user)
    if removal is not None and removal.in_force:
        yield ev.PersonReadmitted(command.user, command.by)


def _banned(space: LiveSpace, command: cmd.ObserveMember) -> Iterator[ev.Event]:
    removal = space.removed.get(command.user)
    if removal is None:
        yield ev.PersonRemoved(command.user, command.by, "", blocked=False, in_force=True)
    elif not removal.in_force:
        yield ev.RemovalInForce(command.user)


def _gone(space: LiveSpace, user: UserId) -> Iterator[ev.Event]:
    yield ev.PersonLeft(user)
    request = space.requests.get(user)
    if request is not None:
        yield ev.SpeakRequestWithdrawn(user, request.reaction)
    if user in space.offers:
        yield ev.SpeakInvitationDeclined(user, space.offers[user])
    if user in space.appointments:
        yield ev.AppointmentEnded(user, "left")
    if space.person(user).level is not None and user != space.host:
        yield ev.LevelForfeited(user)


def _room(space: LiveSpace, command: cmd.ObserveRoom) -> Iterator[ev.Event]:
    levels = list(_levels(space, command.levels))
    yield from levels
    after = reduce(evolve, levels, space)
    gone = [u for u, p in space.people.items() if p.joined and u not in command.joined]
    for user in sorted(gone):
        banned = user in command.banned
        yield from _member(after, cmd.ObserveMember(user, joined=False, banned=banned))
    for user in sorted(command.banned - set(gone)):
        yield from _member(after, cmd.ObserveMember(user, joined=False, banned=True))
    for user, name in sorted(command.joined.items()):
        yield from _member(after, cmd.ObserveMember(user, joined=True, name=name))


# --- what follows -------------------------------------------------------------------------------


def _then_follow(space: LiveSpace, observed: Iterable[ev.Event]) -> Iterator[ev.Event]:
    """Yield what was observed, then the microphones that shut because of it."""
    after = space
    for event in observed:
        yield event
        after = evolve(after, event)
    for user in sorted(after.microphones):
        if not after.may_speak(user):
            yield ev.MicrophoneClosed(user, ev.MicrophoneEnd.LOST_FLOOR)


def _seat_changes(space: LiveSpace, user: UserId) -> Iterator[ev.Event]:
    """Make `user`, who now has the host's level, the host, and let the old host step back."""
    old = space.host
    if user == old:
        return
    yield ev.HostChanged(user, old)
    if not space.person(old).joined:
        if space.person(old).level is not None:
            yield ev.LevelForfeited(old)
        return
    seat, had = _best_seat(space, old), space.role(old)
    if seat is not had and seat.may_speak:
        yield ev.RoleAppointed(old, seat, by=None)
    elif seat is not had:
        yield from take_floor(space, old, user, ev.FloorEnd.REVOKED)


def _best_seat(space: LiveSpace, old: UserId) -> Role:
    """Return the highest free role for the old host that is not above the one they have."""
    had = space.role(old)
    if had.may_moderate and cohost_places(space, besides=old) > 0:
        return Role.COHOST
    if had.may_speak and places_left(space, besides=old) > 0:
        return Role.SPEAKER
    return Role.LISTENER
