"""What a guest on stage is called in the room, once somebody with a role looks like them."""

from collections.abc import Iterator

from spaces_bridge.app import wishes as wish
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.naming import Nameplates

NamingEvent = ev.PersonJoined | ev.LevelChanged | ev.RoleAppointed | ev.HostChanged
"""After these somebody with a role may be called like a guest."""


def hide_guest_names(before: LiveSpace, event: NamingEvent) -> Iterator[wish.Wish]:
    """Pages derive it by themselves; a ghost has its name with the homeserver."""
    if not any(p.guest for p in before.people.values()):
        return
    after = evolve(before, event)
    plates = Nameplates(after)
    for person in after.people.values():
        seated = person.guest and person.joined and not plates.is_nameless(person.name)
        if seated and plates.hides(person.user, person.name):
            yield wish.HideGuestName(before.space, person.user)
