"""Ranks, places and refusals that many rules share."""

from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role


def is_host(space: LiveSpace, user: UserId) -> bool:
    """Return whether the person is the one host, also before joining the room."""
    return user == space.host and user not in space.removed


def rank(space: LiveSpace, user: UserId) -> Role:
    """Return the person's rank: the role that decides who may do what to whom.

    There is one host: a person who hosted a moment ago, and has the level still, is a co-host.
    """
    return Role.HOST if user == space.host else min(space.role(user), Role.COHOST)


def is_above(space: LiveSpace, by: UserId, user: UserId) -> bool:
    """Return whether `by` ranks above this person; roles that are on their way count."""
    coming = min(space.appointments.get(user, Role.LISTENER), Role.COHOST)
    return max(rank(space, user), coming) < rank(space, by)


def places_left(space: LiveSpace, besides: UserId | None = None) -> int:
    """Return how many more speakers the stage holds, not counting `besides`.

    Everybody with the level has a place, in the room or not, and those who are to get it.
    """
    return space.max_speakers - len(_seated(space, Role.SPEAKER) - {besides})


def cohost_places(space: LiveSpace, besides: UserId | None = None) -> int:
    """Return how many more co-hosts there may be, counted like `places_left`."""
    return space.max_cohosts - len(_seated(space, Role.COHOST) - {besides})


def _seated(space: LiveSpace, role: Role) -> set[UserId]:
    have = {p.user for p in space.people.values() if space.role(p.user) is role}
    coming = {u for u, appointed in space.appointments.items() if appointed is role}
    if role is Role.SPEAKER:
        coming |= {u for u in space.requests if space.is_accepted(u)}
    return have | coming


def refuse_if_full(space: LiveSpace) -> None:
    """Raise Rejected when no place on the stage is free."""
    if places_left(space) <= 0:
        raise Rejected(
            "stage_full",
            "The stage is full ({most} speakers). Take somebody's floor first.",
            most=space.max_speakers,
        )


def refuse_unless_host(space: LiveSpace, user: UserId) -> None:
    if not is_host(space, user):
        raise Rejected("not_host", "Only the host can do that.")


def is_moderator(space: LiveSpace, user: UserId) -> bool:
    """Return whether the person is host or co-host and in the room: a level outlasts its owner."""
    here = space.person(user).joined and user not in space.removed
    return here and space.role(user).may_moderate


def refuse_unless_moderator(space: LiveSpace, user: UserId) -> None:
    if not is_moderator(space, user):
        raise refusals.not_moderator()


def refuse_unless_above(space: LiveSpace, by: UserId, user: UserId) -> None:
    """Raise Rejected when `by` does not rank above this person."""
    if not is_above(space, by, user):
        raise refusals.too_high()


def refuse_if_removed(space: LiveSpace, user: UserId) -> None:
    if user in space.removed:
        raise refusals.removed()


def refuse_unless_live(space: LiveSpace) -> None:
    refuse_if_ended(space)
    if space.phase is not Phase.LIVE:
        raise refusals.not_live()


def refuse_if_ended(space: LiveSpace) -> None:
    if space.phase is Phase.ENDED:
        raise refusals.ended()
