"""The USER of a command: a Matrix id, a unique name, or a number of the hand queue. Pure.

What follows the person is a reason. Names may hold blanks, so the longest known name counts.
"""

import operator
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from urllib.parse import unquote

from spaces_bridge.core.display_names import called
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Person
from spaces_bridge.core.roles import Role
from spaces_bridge.core.text.folding import folded
from spaces_bridge.core.text.links import without_sentence
from spaces_bridge.matrix.text.addressed import QUOTES

_USER_ID = re.compile(r"@[\x21-\x39\x3b-\x7e]{1,200}:[A-Za-z0-9.\-\[\]:]{1,200}")
NAMELESS = "a guest"
"""The name in the room of a guest without the floor."""
_LINK = re.compile(r"https?://matrix\.to/#/([^?\s]+)(?:\?\S*)?")
_NUMBER = re.compile(r"#?(\d{1,6})\.?")
_ROOM = re.compile(r"[!#][^\s:]+:\S+")
CANDIDATES_MAX = 5


@dataclass(frozen=True, slots=True)
class Crowd:
    """A crowd in which somebody is looked for. `what` ends the sentence "Nobody called X …".

    `alone`: the person who is meant when nobody is named.
    """

    people: tuple[Person, ...]
    what: str
    alone: UserId | None = None


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A found user, and what was written after their name."""

    user: UserId
    rest: str = ""


# --- crowds --------------------------------------------------------------------------------------


def with_hands(space: LiveSpace) -> Crowd:
    """Return the people with a hand up. Raises Rejected when there are none."""
    people = tuple(space.person(hand.user) for hand in space.hands)
    if not people:
        raise Rejected("no_hand", "No hand is up right now.")
    return Crowd(people, "has a hand up", _only(people))


def speaking(space: LiveSpace) -> Crowd:
    """Return the people whose floor can be taken; `alone` is the only one besides the hosts."""
    speakers = [p for p in space.stage if not space.role(p.user).may_moderate]
    coming = [space.person(user) for user in (*space.requests, *space.appointments)]
    everybody = dict.fromkeys([*space.stage, *coming])
    return Crowd(tuple(everybody), "has the floor", _only(speakers))


def on_stage(space: LiveSpace) -> Crowd:
    """Return the people with the floor, hosts too."""
    return Crowd(space.stage, "has the floor")


def muted(space: LiveSpace) -> Crowd:
    """Return the people who are muted."""
    people = tuple(space.person(user) for user in sorted(space.muted))
    return Crowd(people, "is muted", _only(people))


def cohosts(space: LiveSpace) -> Crowd:
    """Return the co-hosts, and those whose appointment is under way."""
    coming = [u for u, role in space.appointments.items() if role is Role.COHOST]
    people = tuple(space.person(u) for u in dict.fromkeys((*space.cohosts, *coming)))
    return Crowd(people, "is a co-host", _only(people))


def present(space: LiveSpace) -> Crowd:
    """Return the people in the room, and guests, whom only their number or id names."""
    return Crowd(tuple(p for p in _known(space) if p.joined or p.guest), "is in the room")


def removed(space: LiveSpace) -> Crowd:
    """Return the people who are removed."""
    people = tuple(space.person(user) for user in sorted(space.removed))
    return Crowd(people, "is removed")


def known(space: LiveSpace) -> Crowd:
    """Return everybody who is or was in the live space."""
    return Crowd(_known(space), "is known here")


def _known(space: LiveSpace) -> tuple[Person, ...]:
    return tuple(sorted(space.people.values(), key=lambda p: p.user))


def _only(people: Sequence[Person]) -> UserId | None:
    return people[0].user if len(people) == 1 else None


# --- finding somebody ----------------------------------------------------------------------------


def user_id(text: str) -> UserId | None:
    """Return the Matrix id that the text holds, None if it is none.

    The id may be plain or a matrix.to link, also as it was copied out of a sentence.
    """
    text = without_sentence(text)
    link = _LINK.fullmatch(text)
    found = unquote(link[1]) if link else text
    fits = _USER_ID.fullmatch(found) and len(found.encode()) <= 255
    return UserId(found) if fits else None


def one(space: LiveSpace, crowd: Crowd, text: str) -> UserId:
    """Return the person meant by the whole text. Raises Rejected with a sentence."""
    if not text and crowd.alone is not None:
        return crowd.alone
    exact = _by_sign(space, text)
    return exact if exact is not None else named(crowd, text)


def named(crowd: Crowd, text: str) -> UserId:
    """Return the one of the crowd with this name, or with it in theirs.

    "Müller" is Zoë Müller, too.

    Raises Rejected with a sentence.
    """
    try:
        return _named(crowd, [text], str.startswith).user
    except Rejected as refused:
        if refused.code != "nobody":
            raise
        return _named(crowd, [text], lambda name, part: f" {part} " in f" {name} ").user


def one_with_reason(space: LiveSpace, crowd: Crowd, text: str) -> FoundUser:
    """Return the person meant by the first words, and the rest.

    Raises Rejected with a sentence.
    """
    name, rest = _in_quotes(text)
    if name:
        return FoundUser(one(space, crowd, name), rest)
    first, _, rest = text.partition(" ")
    exact = _by_sign(space, first.rstrip(",;:"))
    if exact is not None:
        return FoundUser(exact, rest)
    # a reason follows, so half a word is nobody's name: "Ben shouts" is not about Benedicta
    return _named(crowd, _beginnings(text), lambda name, part: name.startswith(f"{part} "))


def shown(space: LiveSpace, user: UserId) -> str:
    """Return the person's name for the room; guests without the floor stay nameless."""
    person = space.person(user)
    if person.guest and not person.joined:
        return NAMELESS
    return called(space, user) or user


def _by_sign(space: LiveSpace, text: str) -> UserId | None:
    """Return the person that an id, a link or a place in the queue names; None: it is none.

    Raises Rejected when the queue has no such place.
    """
    number = _NUMBER.fullmatch(text)
    if number is None:
        return user_id(text)
    place = int(number[1])
    if 1 <= place <= len(space.hands):
        return space.hands[place - 1].user
    hands = len(space.hands)
    holds = f"{hands} hand" if hands == 1 else f"{hands} hands"
    raise Rejected("no_such_place", f"The queue has {holds}.")


def _named(crowd: Crowd, texts: Sequence[str], begins: Callable[[str, str], bool]) -> FoundUser:
    """Find the person whose name is the longest of the texts, or else fits one by `begins`.

    Names as they are written come before names without their accents. Raises Rejected when
    several people fit, or nobody does.
    """
    whole = texts[0] if texts else ""
    _refuse_no_name(whole)
    for fits, form in product((operator.eq, begins), (_plain, _folded)):
        for text in filter(form, texts):
            hits = [p for p in crowd.people if any(fits(form(n), form(text)) for n in _names(p))]
            if len(hits) > 1:
                ids = ", ".join(p.user for p in hits[:CANDIDATES_MAX])
                raise Rejected("ambiguous", f"Several people bear that name: {ids}. Use the ID.")
            if hits:
                return FoundUser(hits[0].user, whole[len(text) :].strip())
    # where a reason that follows begins is not known: show the first word alone
    shown_name = whole if len(texts) == 1 else whole.partition(" ")[0]
    raise Rejected("nobody", f"Nobody called “{shown_name[:40]}” {crowd.what}.")


def _refuse_no_name(text: str) -> None:
    if not _plain(text):
        raise Rejected("who", "Say who: a Matrix ID, a name, or a number of the queue.")
    link = _LINK.fullmatch(text)
    if _ROOM.fullmatch(unquote(link[1]) if link else text):
        raise Rejected("who", "That is a room, not a person. Say who, such as @ann:example.org.")


def _names(person: Person) -> Iterator[str]:
    """Yield what the person may be called in a command."""
    if person.guest and not person.joined:
        return
    if person.name:
        yield person.name
    if not person.guest:
        yield person.user.partition(":")[0]
        yield person.user


def _plain(text: str) -> str:
    """Return the text in the form in which names are compared."""
    return unicodedata.normalize("NFC", text).casefold().removeprefix("@").strip(" ,;:")


def _folded(text: str) -> str:
    """Return the text in a looser form to compare, for keyboards that lack a letter.

    "Zoe" is "Zoë", too.
    """
    return folded(text).removeprefix("@").strip(" ,;:")


def _beginnings(text: str) -> list[str]:
    """Return the beginnings of the text: all words, all but the last, …, the first."""
    words = text.split(" ")
    return [" ".join(words[:count]) for count in range(len(words), 0, -1)]


def _in_quotes(text: str) -> tuple[str, str]:
    """Return a name in quotes and what follows it; the name is empty without quotes."""
    closing = QUOTES.get(text[:1])
    end = text.find(closing, 1) if closing else -1
    return (text[1:end].strip(), text[end + 1 :].strip()) if end > 0 else ("", text)
