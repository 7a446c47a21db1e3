"""Display names of guests, which never look like the name of somebody with a role.

A name is refused when a guest comes with it. When somebody whose name looks like that of a guest
here gets a role, or somebody with a role gets such a name, the guest is shown without a name from
then on: that is derived from the roles people have, and stored nowhere.
"""

from collections.abc import Iterator

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Person
from spaces_bridge.core.text.lookalikes import known_as, misleads, variants
from spaces_bridge.core.text.skeletons import looks

BOT_NAME = "Spaces"
"""The bot's name unless an admin gave it another one."""

GUEST = "Guest"
"""The name of a guest without a name of their own."""

GUEST_MARK = "(guest)"
"""The mark behind the name of each guest."""


def prepare() -> None:
    """Read the table of look-alikes now, and not while the first guest waits."""
    misleads(BOT_NAME)
    variants(BOT_NAME)


class DisplayNames:
    """The display names in one state of a live space; make it once, and ask it often."""

    def __init__(self, space: LiveSpace) -> None:
        self._taken = {p.user: _looks_of(p) for p in _with_roles(space) if not p.guest}

    def shown(self, guest: UserId, name: str) -> str:
        """Return the guest's name, or `GUEST` where that of somebody with a role looks like it."""
        return GUEST if not name or self.hides(guest, name) else name

    @staticmethod
    def is_nameless(name: str) -> bool:
        """Return whether guests without a name are called so, with the room’s mark or without."""
        return name.removesuffix(GUEST_MARK).strip() in {"", GUEST}

    def hides(self, guest: UserId, name: str) -> bool:
        """Return whether the guest's name could be taken for that of an account with a role."""
        ways = variants(name)
        return any(
            user != guest and not ways.isdisjoint(taken) for user, taken in self._taken.items()
        )


def called(space: LiveSpace, user: UserId, then: str | None = None) -> str:
    """Return the name by which others see the person; empty where an account has none.

    `then`: the name the person had at some other time, in place of today's.
    """
    person = space.person(user)
    name = person.name if then is None else then
    return DisplayNames(space).shown(user, name) if person.guest else name


def shown_name(name: str, user: str, *, guest: bool) -> str:
    """Return a name as pages show it: guests are marked, accounts without a name go by id."""
    if not guest:
        return name or user
    return name if name.endswith(GUEST_MARK) else f"{name or GUEST} {GUEST_MARK}"


def name_of(space: LiveSpace, user: UserId, then: str | None = None) -> str:
    """Return the person's name as pages show it; `then`: the one they had at some other time."""
    return shown_name(called(space, user, then), user, guest=space.person(user).guest)


def refuse_name(space: LiveSpace, name: str, bot: str) -> None:
    """Raise Rejected when a guest may not come with this name. `bot`: the bot's user id."""
    if misleads(name):
        text = "A guest’s name says no role, such as “host”, and no Matrix ID. Choose another one."
        raise Rejected("name_misleads", text)
    ways = variants(name)
    taken = [_looks_of(Person(UserId(bot), BOT_NAME)), *map(_looks_of, _with_roles(space))]
    if not all(map(ways.isdisjoint, taken)):
        text = "That name looks like the one of a host or speaker here. Choose another one."
        raise Rejected("name_alike", text)


def _with_roles(space: LiveSpace) -> Iterator[Person]:
    """Yield the host, the co-hosts, the speakers, and those who are to become one."""
    levels, coming = space.levels, space.appointments
    if space.host not in space.people:
        yield space.person(space.host)
    for user, person in space.people.items():
        # the own level first: most have none, and this is asked for every guest that is shown
        seated = person.level is not None and levels.role(person.level).may_speak
        if seated or user in coming or user == space.host:
            yield person


def _looks_of(person: Person) -> frozenset[str]:
    named = known_as(person.name)
    if person.guest:
        return named
    localpart = person.user.removeprefix("@").partition(":")[0]
    return named | looks(person.user) | looks(localpart)
