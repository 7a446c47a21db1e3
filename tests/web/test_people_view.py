"""Whom moderators are shown, in which order; and what each role is told it may do."""

from collections.abc import Mapping

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.web.feed.people import SHOWN, people_view
from spaces_bridge.web.views import You, role_view
from tests.core.support import CAT, with_cohost
from tests.support.spaces import BEN, EVE, GUEST, HOST, after, live_space, scheduled

pytestmark = pytest.mark.unit

ZED = UserId("@zed:elsewhere.net")
PAGE = "https://spaces.example.org/s/first-talk"
ANN = UserId("@ann:example.org")


def crowd() -> LiveSpace:
    """Ben speaks, Cat is a co-host; Eve, Zed and Ann listen; a guest has the hand up."""
    space = with_cohost()
    for user, name in ((ZED, "Zed"), (ANN, "Änn")):
        space = after(space, cmd.ObserveMember(user, joined=True, name=name))
    return after(space, cmd.RequestToSpeak(GUEST, 5, name="Zoe", guest=True))


def ids(view: Mapping[str, object], key: str = "people") -> list[str]:
    found = view[key]
    assert isinstance(found, list)
    return [one["id"] for one in found]


def one(view: Mapping[str, object], user: UserId) -> dict[str, object]:
    people = view["people"]
    assert isinstance(people, list)
    [found] = [person for person in people if person["id"] == user]
    assert isinstance(found, dict)
    return found


def test_the_stage_is_first_then_hands_then_the_page_then_names() -> None:
    lurker = You(UserId("@spaces_1:example.org"), "Lu", guest=True)
    present = [You(ZED, "Zed", guest=False), lurker, lurker, You(), You()]
    view = people_view(crowd(), HOST, present, "", PAGE)
    assert ids(view) == [HOST, CAT, BEN, GUEST, lurker.user, ZED, ANN, EVE]
    assert (view["total"], view["nameless"]) == (8, 2)
    assert one(view, ZED)["on_page"] is True
    assert one(view, EVE)["on_page"] is False


def test_each_is_shown_with_what_a_host_decides_by() -> None:
    space = after(crowd(), cmd.BringSpeaker(HOST, EVE), cmd.MuteSpeaker(HOST, BEN))
    view = people_view(space, CAT, [], "", PAGE)
    guest = one(view, GUEST)
    assert guest.pop("tone") in range(8)
    assert guest == {
        "id": GUEST,
        "name": "Zoe (guest)",
        "guest": True,
        "role": "listener",
        "joined": False,
        "on_page": False,
        "hand": "pending",
        "muted": False,
        "offered": False,
        "below_you": True,
        "picture": None,
    }
    assert one(view, EVE)["offered"] is True
    assert (one(view, BEN)["role"], one(view, BEN)["muted"]) == ("speaker", True)
    assert str(one(view, BEN)["picture"]).startswith(f"{PAGE}/face/")
    for user, role in ((HOST, "host"), (CAT, "cohost")):
        assert (one(view, user)["role"], one(view, user)["below_you"]) == (role, False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ZO", [GUEST]),
        ("Zed:else", [ZED]),
        ("äNN", [ANN]),
        ("Ànn", [ANN]),
        ("ＺＯ", [GUEST]),
        ("@cat:", [CAT]),
        ("nobody", []),
    ],
)
def test_a_query_is_part_of_a_name_or_an_id(query: str, found: list[UserId]) -> None:
    view = people_view(crowd(), HOST, [], query, PAGE)
    assert ids(view) == found
    assert (view["query"], view["total"]) == (query, len(found))


def test_one_answer_names_a_hundred_and_counts_all() -> None:
    space = crowd()
    for number in range(150):
        user = UserId(f"@m{number:03}:example.org")
        space = after(space, cmd.ObserveMember(user, joined=True, name=f"M{number:03}"))
    view = people_view(space, HOST, [], "", PAGE)
    assert len(ids(view)) == SHOWN
    assert ids(view)[:4] == [HOST, CAT, BEN, GUEST]
    assert view["total"] == 157
    assert people_view(space, HOST, [], "m149", PAGE)["total"] == 1


def test_who_was_shown_out_or_left_is_not_among_the_people() -> None:
    space = after(crowd(), cmd.RemovePerson(HOST, EVE, "spams", blocked=True))
    space = after(space, cmd.RemovePerson(None, GUEST), cmd.ObserveMember(ZED, joined=False))
    space = after(space, cmd.ObserveMember(EVE, joined=False, banned=True))
    view = people_view(space, HOST, [], "", PAGE)
    assert not {EVE, GUEST, ZED} & set(ids(view))
    assert ids(view, "removed") == [EVE, GUEST]
    removed = view["removed"]
    assert isinstance(removed, list)
    assert removed[0] | {"tone": 0} == {
        "id": EVE,
        "name": "Eve",
        "guest": False,
        "reason": "spams",
        "blocked": True,
        "tone": 0,
    }
    assert (view["removed_total"], ids(people_view(space, HOST, [], "eve", PAGE), "removed")) == (
        2,
        [EVE],
    )


# --- what the page need not know the rules for ------------------------------------------------


def flags(space: LiveSpace, user: UserId, *, guest: bool = False) -> set[str]:
    role = role_view(space, You(user, "", guest=guest), {})
    allowed = {key.removeprefix("may_") for key, value in role.items() if value is True}
    return allowed - {"chat"}  # a rule of its own, tried where it is


def test_each_role_is_told_what_it_may_do() -> None:
    space = crowd()
    assert flags(space, HOST) == {"speak", "moderate", "end", "host", "share", "invite"}
    assert flags(space, CAT) == {"speak", "moderate", "share", "invite"}
    assert flags(space, BEN) == {"speak", "invite"}
    assert flags(space, EVE) == {"invite"}
    assert flags(space, GUEST, guest=True) == set()
    assert flags(space, UserId("@far:away")) == set()
    assert role_view(space, You(), {})["may_host"] is False


def test_a_level_without_its_owner_in_the_room_shows_and_allows_nothing() -> None:
    """Until the bot has taken it, whoever left sees no names of guests."""
    gone = after(crowd(), cmd.ObserveMember(CAT, joined=False))
    assert gone.role(CAT).may_moderate
    assert not You(CAT, "Cat", guest=False).moderates(gone)
    assert "moderate" not in flags(gone, CAT)
    assert You(CAT, "Cat", guest=False).moderates(crowd())
    unjoined = after(crowd(), cmd.ObserveMember(HOST, joined=False))
    assert "host" in flags(unjoined, HOST), "the host is the host, in the room or not"


def test_a_locked_private_or_unstarted_space_lets_less_be_done() -> None:
    locked = after(crowd(), cmd.LockSpace(HOST))
    assert flags(locked, HOST) == {"speak", "moderate", "end", "host", "share"}
    assert flags(locked, EVE) == set()
    assert flags(live_space(private=True), BEN) == set()
    assert flags(live_space(private=True), HOST) >= {"invite"}
    planned = scheduled()
    assert planned.phase is Phase.SCHEDULED
    assert flags(planned, HOST) == {"moderate", "end", "host"}
