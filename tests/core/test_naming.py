"""Guests are never called like somebody with a role."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.display_names import DisplayNames, called, refuse_name
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from tests.core.support import CAT, on_stage, with_cohost
from tests.support.spaces import BEN, EVE, GUEST, HOST, after, live_space

pytestmark = pytest.mark.unit

BOT = "@helper:example.org"


def refusal(space: LiveSpace, name: str) -> str:
    """The code, empty for a name that a guest may bear."""
    try:
        refuse_name(space, name, BOT)
    except Rejected as rejected:
        return rejected.code
    return ""


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Аda", "name_alike"),  # the host
        ("Ben", ""),  # in the room, without a role
        ("Maria", ""),
        ("Spaces", "name_alike"),  # the bot, however it is called
        ("Ѕраces", "name_alike"),
        ("he1per", "name_alike"),
        ("Ada (host)", "name_misleads"),
        ("@maria:example.org", "name_misleads"),
        ("ada.example.org", "name_alike"),
    ],
)
def test_names_of_host_and_bot_are_not_for_guests(name: str, code: str) -> None:
    assert refusal(live_space(), name) == code


def test_names_of_speakers_and_cohosts_are_not_for_guests_while_they_are_that() -> None:
    space = with_cohost()
    assert [refusal(space, name) for name in ("Bеn", "Cat", "Eve")] == ["name_alike"] * 2 + [""]
    below = after(space, cmd.ObserveLevels({HOST: 90}))
    assert [refusal(below, name) for name in ("Bеn", "Cat", "Eve")] == [""] * 3


def test_who_is_to_have_a_role_counts_already() -> None:
    space = after(on_stage(), cmd.AppointCohost(HOST, BEN))
    space = after(space, cmd.ObserveMember(EVE, joined=True, name="Eve"))
    assert refusal(space, "Eve") == ""
    assert refusal(after(space, cmd.AppointCohost(HOST, EVE)), "Eve") == "name_alike"


def test_who_is_known_by_the_localpart_is_not_imitated_either() -> None:
    space = after(live_space(), cmd.ObserveMember(HOST, joined=True, name="Countess (she/her)"))
    assert [refusal(space, name) for name in ("ada", "Соuntess", "Grace")] == [
        "name_alike",
        "name_alike",
        "",
    ]


def test_a_guest_on_stage_bears_their_name_alone() -> None:
    space = seated(live_space(), "Zoe")
    assert [refusal(space, name) for name in ("Zоe", "Zoe (guest)", "Zoé B")] == [
        "name_alike",
        "name_alike",
        "",
    ]


def seated(space: LiveSpace, name: str) -> LiveSpace:
    return after(
        space,
        cmd.RequestToSpeak(GUEST, 1, name=name, guest=True),
        cmd.ApproveSpeaker(HOST, GUEST),
        cmd.ObserveMember(GUEST, joined=True, name=f"{name} (guest)"),
        cmd.ObserveLevels({**levels_of(space), GUEST: 10}),
    )


def levels_of(space: LiveSpace) -> dict[UserId, int]:
    return {p.user: p.level for p in space.people.values() if p.level is not None}


def test_a_guest_who_was_here_first_is_shown_without_the_name_and_gets_it_back() -> None:
    space = seated(after(live_space(), cmd.ObserveMember(CAT, joined=True, name="Cat")), "Cаt")
    assert called(space, GUEST) == "Cаt (guest)"
    appointed = after(space, cmd.AppointCohost(HOST, CAT))
    assert called(appointed, GUEST) == "Guest"
    seen = after(appointed, cmd.ObserveLevels({HOST: 90, CAT: 60, GUEST: 10}))
    assert (called(seen, GUEST), called(seen, CAT)) == ("Guest", "Cat")
    renamed = after(seen, cmd.ObserveMember(CAT, joined=True, name="Kitty"))
    assert called(renamed, GUEST) == "Guest"  # the localpart is the same
    gone = after(seen, cmd.ObserveLevels({HOST: 90, GUEST: 10}))
    assert called(gone, GUEST) == "Cаt (guest)"


def test_accounts_are_called_what_they_call_themselves() -> None:
    space = after(live_space(), cmd.ObserveMember(EVE, joined=True, name="Ada"))
    assert [called(space, user) for user in (HOST, EVE, CAT)] == ["Ada", "Ada", ""]


def test_nobody_hides_themselves() -> None:
    plates = DisplayNames(on_stage())
    assert plates.hides(GUEST, "Ben")
    assert not plates.hides(BEN, "Ben")
    assert plates.shown(GUEST, "") == "Guest"


def test_captions_do_not_carry_a_hidden_name() -> None:
    space = after(
        seated(live_space(), "Grace"),
        cmd.OpenMicrophone(GUEST),
        cmd.ObserveMember(HOST, joined=True, name="Grасe"),
        cmd.CaptionUtterance(UtteranceId("u1"), GUEST, 1000, 1900, "Good evening.", "en"),
    )
    assert space.caption_lines[-1].name == "Guest"
