"""USER in a command: a Matrix id, a unique name, or a number of the hand queue."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Person

_USER_ID = re.compile(r"@[\x21-\x39\x3b-\x7e]{1,200}:[A-Za-z0-9.\-\[\]:]{1,200}")
NAMELESS = "a guest"
"""A guest without the floor, in the room."""
_LINK = re.compile(r"https?://matrix\.to/#/([^?\s]+)")


def user_id(text: str) -> UserId | None:
    """A Matrix id, plain or as a matrix.to link."""
    link = _LINK.fullmatch(text)
    found = unquote(link[1]) if link else text
    fits = _USER_ID.fullmatch(found) and len(found.encode()) <= 255
    return UserId(found) if fits else None


def asking(space: LiveSpace, text: str) -> UserId:
    """Somebody with a hand up. Raises Rejected with a sentence."""
    people = [space.person(request.user) for request in space.hands]
    if not people:
        raise Rejected("no_hand", "No hand is up right now.")
    if not text and len(people) == 1:
        return people[0].user
    number = re.fullmatch(r"#?(\d{1,6})\.?", text)
    if number:
        place = int(number[1])
        if 1 <= place <= len(people):
            return people[place - 1].user
        raise Rejected("no_such_place", f"The queue has {_count(len(people), 'hand')}.")
    return _named(people, text, "has a hand up")


def speaking(space: LiveSpace, text: str) -> UserId:
    """Somebody with the floor. Raises Rejected with a sentence."""
    people = [p for p in space.stage if not space.role(p.user).may_moderate]
    accepted = [space.person(user) for user in space.requests]
    found = [*people, *(p for p in accepted if p not in people)]
    if not text and len(people) == 1:
        return people[0].user
    return _named(found, text, "has the floor")


def shown(space: LiveSpace, user: UserId) -> str:
    """A name for the room; guests without the floor stay nameless."""
    person = space.person(user)
    if person.guest and not person.joined:
        return NAMELESS
    return person.name or user


def _named(people: Sequence[Person], text: str, what: str) -> UserId:
    if not text:
        raise Rejected("who", "Say who: a Matrix ID, a name, or a number of the queue.")
    wanted = user_id(text)
    if wanted is not None:
        return wanted
    name = text.removeprefix("@").casefold()
    nameable = [p for p in people if p.joined]
    hits = [p for p in nameable if p.name.casefold() == name]
    hits = hits or [p for p in nameable if p.name.casefold().startswith(name)]
    if len(hits) == 1:
        return hits[0].user
    if not hits:
        raise Rejected("nobody", f"Nobody called “{text[:40]}” {what}.")
    ids = ", ".join(p.user for p in hits[:5])
    raise Rejected("ambiguous", f"Several people bear that name: {ids}. Use the ID.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
