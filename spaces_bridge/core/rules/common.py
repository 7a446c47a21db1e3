"""Refusals that many rules share."""

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role


def is_host(space: LiveSpace, user: UserId) -> bool:
    """Whether the person hosts: by name, also before joining the room, or by level."""
    if user in space.removed:
        return False
    return user == space.host or space.role(user).may_end


def rank(space: LiveSpace, user: UserId) -> Role:
    """The person's role for the question who may do what to whom."""
    return Role.HOST if user == space.host else space.role(user)


def places_left(space: LiveSpace) -> int:
    """How many more speakers the stage holds; those approved count already."""
    speakers = [p for p in space.stage if not space.role(p.user).may_moderate]
    accepted = [r for r in space.requests.values() if r.state is RequestState.ACCEPTED]
    return space.max_speakers - len(speakers) - len(accepted)


def refuse_if_full(space: LiveSpace) -> None:
    """Raises Rejected when no place on the stage is free."""
    if places_left(space) <= 0:
        raise Rejected(
            "stage_full",
            f"The stage is full ({space.max_speakers} speakers). Take somebody's floor first.",
        )


def refuse_unless_host(space: LiveSpace, user: UserId, what: str) -> None:
    """``what``: the rest of the sentence "Only the host can …"."""
    if not is_host(space, user):
        raise Rejected("not_host", f"Only the host can {what}.")


def refuse_unless_moderator(space: LiveSpace, user: UserId) -> None:
    """Host and co-hosts may, while they are in the room."""
    here = space.person(user).joined and user not in space.removed
    if not space.role(user).may_moderate or not here:
        raise Rejected("not_moderator", "Only the host and co-hosts can do that.")


def refuse_unless_above(space: LiveSpace, by: UserId, user: UserId, what: str) -> None:
    """``what``: the rest of the sentence "You cannot …"."""
    if rank(space, user) >= rank(space, by):
        raise Rejected("too_high", f"You cannot {what} somebody of your own rank or above.")


def refuse_unless_live(space: LiveSpace) -> None:
    refuse_if_ended(space)
    if space.phase is not Phase.LIVE:
        raise Rejected("not_live", "This live space has not started yet.")


def refuse_if_ended(space: LiveSpace) -> None:
    if space.phase is Phase.ENDED:
        raise Rejected("ended", "This live space has ended.")
