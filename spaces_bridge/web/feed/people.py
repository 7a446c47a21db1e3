"""The list of people for moderators: those in the room, and guests on the page by name.

Everybody else is shown the stage, the queue and a count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from spaces_bridge.app.ports import Followers
from spaces_bridge.core import refusals
from spaces_bridge.core.access import Removal
from spaces_bridge.core.display_names import DisplayNames, name_of, shown_name
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import is_above, rank
from spaces_bridge.core.text.folding import folded
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.feed.verbs import Frame, acting_user, text_of
from spaces_bridge.web.frames.server import PeopleFrame
from spaces_bridge.web.frames.views import PeopleView, PersonView, RemovedPersonView
from spaces_bridge.web.views import You, picture, tone, waiting

SHOWN = 100
"""People that one answer names; a query finds the others."""


class PeopleHere:
    """The handler of `people` frames, which tells moderators who is here."""

    def __init__(self, hub: Hub, followers: Followers) -> None:
        self._hub = hub
        self._followers = followers

    async def answer(self, frame: Frame, you: You, space: LiveSpace) -> PeopleFrame:
        """Return the people whom the frame asks for. Raises Refusal, Rejected, StorageError."""
        by = acting_user(you)
        if not you.moderates(space):
            raise refusals.not_moderator()
        query = text_of(frame, "query")
        followers = await self._followers.count(by)
        page = self._hub.about(space)["page"]
        found = people_view(space, by, self._hub.present(space.space), query, page)
        return {"type": "people", **found, "followers": followers}


@dataclass(frozen=True, slots=True)
class _Somebody:
    user: UserId
    name: str
    guest: bool
    on_page: bool


def people_view(
    space: LiveSpace, by: UserId, present: Sequence[You], query: str, page: str
) -> PeopleView:
    """Return people whose name or id holds `query`: stage first, hands, the page, then by name.

    `page` is the address of the live space's page. `total` and `removed_total` count all whom
    the query finds, `nameless` the pages without a name.
    """
    sought = folded(query)
    places = {request.user: place for place, request in enumerate(waiting(space))}

    def relevance(one: _Somebody) -> tuple[int, int, bool, str, str]:
        role = space.role(one.user)
        if role.may_speak:
            rows = 0, -role
        else:
            rows = (1, places[one.user]) if one.user in places else (2, 0)
        return *rows, not one.on_page, folded(one.name), one.user

    found = [one for one in _everybody(space, present) if _fits(sought, one.name, one.user)]
    gone = [user for user in space.removed if _fits(sought, name_of(space, user), user)]
    return {
        "query": query,
        "people": [_view(space, by, one, page) for one in nsmallest(SHOWN, found, key=relevance)],
        "total": len(found),
        "nameless": sum(you.user is None for you in present),
        "removed": [
            _removed_view(space, user, space.removed[user])
            for user in nsmallest(SHOWN, gone, key=lambda user: (name_of(space, user), user))
        ],
        "removed_total": len(gone),
    }


def _everybody(space: LiveSpace, present: Sequence[You]) -> Iterator[_Somebody]:
    on_page = {you.user: you for you in present if you.user is not None}
    plates = DisplayNames(space)
    for user, person in space.people.items():
        if person.joined or user in space.requests or user in on_page:
            named = person.name or (on_page[user].name if user in on_page else "")
            yield _somebody(plates, user, named, guest=person.guest, on_page=user in on_page)
    for user, you in on_page.items():
        if user not in space.people:
            yield _somebody(plates, user, you.name, guest=you.guest, on_page=True)


def _somebody(
    plates: DisplayNames, user: UserId, name: str, *, guest: bool, on_page: bool
) -> _Somebody:
    called = plates.shown(user, name) if guest else name
    return _Somebody(user, shown_name(called, user, guest=guest), guest, on_page)


def _fits(sought: str, name: str, user: UserId) -> bool:
    return sought in folded(name) or sought in user.casefold()


def _view(space: LiveSpace, by: UserId, one: _Somebody, page: str) -> PersonView:
    request = space.requests.get(one.user)
    return {
        "id": one.user,
        "name": one.name,
        "guest": one.guest,
        "role": rank(space, one.user).name.lower(),
        "joined": space.person(one.user).joined,
        "on_page": one.on_page,
        "hand": request.state.value if request is not None else None,
        "muted": one.user in space.muted,
        "offered": one.user in space.offers,
        "below_you": is_above(space, by, one.user),
        "tone": tone(one.user),
        "picture": None if one.guest else picture(space, one.user, page),
    }


def _removed_view(space: LiveSpace, user: UserId, removal: Removal) -> RemovedPersonView:
    return {
        "id": user,
        "name": name_of(space, user),
        "guest": space.person(user).guest,
        "reason": removal.reason,
        "blocked": removal.blocked,
        "tone": tone(user),
    }
