"""Who is told what."""

from collections.abc import Iterator

from spaces_bridge.app import wishes as wish
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.naming import called


def to_account(before: LiveSpace, user: UserId, text: str) -> Iterator[wish.Wish]:
    """A sentence to one person; guests have the page."""
    if not before.person(user).guest:
        yield wish.TellUser(user, text)


def to_moderators(before: LiveSpace, text: str) -> Iterator[wish.Wish]:
    for moderator in before.moderators:
        yield wish.TellUser(moderator, text)


def name_of(before: LiveSpace, user: UserId) -> str:
    """A name for the room; guests without the floor stay nameless."""
    person = before.person(user)
    if person.guest and not person.joined:
        return "A guest"
    return called(before, user) or user


def redact(
    space: SpaceId, reaction: EventId | None, *, crowd: bool = False
) -> Iterator[wish.Wish]:
    if reaction is not None:
        yield wish.RedactEvent(space, reaction, crowd=crowd)
