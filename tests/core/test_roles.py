"""Co-hosts and the host's seat."""

from dataclasses import replace

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.roles import Role, RoleLevels
from spaces_bridge.core.rules import decide
from tests.core.support import CAT, refused, with_cohost
from tests.support.spaces import BEN, EVE, GUEST, HOST, after

pytestmark = pytest.mark.unit


def test_levels_must_be_ordered() -> None:
    with pytest.raises(ValueError, match="levels"):
        RoleLevels(host=10, cohost=60)
    assert RoleLevels().role(None) is Role.LISTENER
    assert not Role.COHOST.may_end


def test_a_named_cohost_is_one_when_the_homeserver_says_so() -> None:
    space = after(with_cohost(), cmd.AppointCohost(HOST, BEN))
    assert space.role(BEN) is Role.SPEAKER
    assert space.level_wanted(BEN) == 60
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 60}))
    assert space.cohosts == (BEN, CAT)
    assert not space.appointments
    assert space.cohost_seniority == (CAT, BEN)


def test_naming_a_cohost_lowers_the_hand_and_ends_an_invitation_to_speak() -> None:
    space = after(with_cohost(), cmd.RequestToSpeak(EVE, 9), cmd.AppointCohost(HOST, EVE))
    assert not space.requests
    space = after(with_cohost(), cmd.BringSpeaker(CAT, EVE), cmd.AppointCohost(HOST, EVE))
    assert refused(space, cmd.AcceptInvitation(EVE)) == "not_invited"


def test_who_cannot_be_named_and_by_whom() -> None:
    space = after(with_cohost(), cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    assert refused(space, cmd.AppointCohost(CAT, EVE)) == "not_host"
    assert refused(space, cmd.AppointCohost(HOST, CAT)) == "already_cohost"
    assert refused(space, cmd.AppointCohost(HOST, HOST)) == "already_cohost"
    assert refused(space, cmd.AppointCohost(HOST, GUEST)) == "is_guest"
    assert refused(space, cmd.AppointCohost(HOST, UserId("@far:away"))) == "not_here"
    removed = after(space, cmd.RemovePerson(HOST, EVE))
    assert refused(removed, cmd.AppointCohost(HOST, EVE)) == "is_removed"
    closing = after(space, cmd.DemoteSpeaker(HOST, BEN))
    assert refused(closing, cmd.AppointCohost(HOST, BEN)) == "is_closing"
    coming = after(space, cmd.AppointCohost(HOST, EVE))
    assert refused(coming, cmd.AppointCohost(HOST, EVE)) == "is_changing"
    assert refused(coming, cmd.AppointCohost(HOST, BEN)) == "cohosts_full"


def test_a_dismissed_cohost_speaks_on_while_a_place_is_free() -> None:
    space = after(with_cohost(), cmd.DismissCohost(HOST, CAT))
    assert space.level_wanted(CAT) == 10
    assert refused(space, cmd.DismissCohost(HOST, CAT)) == "not_cohost"
    assert refused(space, cmd.DismissCohost(HOST, BEN)) == "not_cohost"
    full = replace(with_cohost(), max_speakers=1)
    assert after(full, cmd.DismissCohost(HOST, CAT)).closing == {CAT}


def test_a_cohost_who_has_left_needs_no_dismissal() -> None:
    gone = after(with_cohost(), cmd.ObserveMember(CAT, joined=False))
    assert refused(gone, cmd.DismissCohost(HOST, CAT)) == "not_cohost"


def test_a_cohost_who_was_only_named_is_dismissed_at_once() -> None:
    space = after(with_cohost(), cmd.AppointCohost(HOST, BEN), cmd.DismissCohost(HOST, BEN))
    assert not space.appointments
    assert space.level_wanted(BEN) == 10
    both = after(with_cohost(), cmd.HandOver(HOST, CAT), cmd.DismissCohost(HOST, CAT))
    assert both.appointments == {CAT: Role.SPEAKER}


def test_handing_over_ends_with_one_host_and_the_old_one_as_cohost() -> None:
    space = after(with_cohost(), cmd.HandOver(HOST, BEN))
    assert space.host == HOST
    assert refused(space, cmd.HandOver(HOST, EVE)) == "handing_over"
    space = after(space, cmd.ObserveLevels({HOST: 90, BEN: 90, CAT: 60}))
    assert space.host == BEN
    assert space.level_wanted(HOST) == 60
    assert refused(space, cmd.EndSpace(HOST, 9)) == "not_host"
    assert refused(space, cmd.HandOver(HOST, HOST)) == "not_host"
    assert after(space, cmd.DemoteSpeaker(BEN, HOST)).closing == {HOST}
    space = after(space, cmd.ObserveLevels({HOST: 60, BEN: 90, CAT: 60}))
    assert space.cohosts == (HOST, CAT)
    assert refused(space, cmd.HandOver(BEN, BEN)) == "is_host"


def test_who_just_steps_back_cannot_be_made_the_host_before_the_homeserver_says_so() -> None:
    space = after(with_cohost(), cmd.HandOver(HOST, BEN))
    space = after(space, cmd.ObserveLevels({HOST: 90, BEN: 90, CAT: 60}))
    assert refused(space, cmd.HandOver(BEN, HOST)) == "is_changing"
    space = after(space, cmd.ObserveLevels({HOST: 60, BEN: 90, CAT: 60}))
    space = after(space, cmd.HandOver(BEN, HOST))
    assert space.appointments == {HOST: Role.HOST}


def test_the_old_host_steps_back_after_the_end_too() -> None:
    space = after(with_cohost(), cmd.HandOver(HOST, BEN), cmd.AppointCohost(HOST, EVE))
    space = after(space, cmd.ObserveLevels({HOST: 90, BEN: 90, CAT: 60}))
    space = after(space, cmd.EndSpace(BEN, 9))
    assert space.appointments == {HOST: Role.SPEAKER}, "nobody gets a role any more"
    assert space.level_wanted(HOST) == 10
    assert not after(space, cmd.ObserveLevels({HOST: 10, BEN: 90, CAT: 60})).appointments


def test_a_seat_that_the_old_host_takes_is_not_free_for_the_next() -> None:
    space = replace(with_cohost(), max_cohosts=2)
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 60}))
    space = after(space, cmd.HandOver(HOST, BEN))
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 90, EVE: 60}))
    assert space.level_wanted(HOST) == 60
    assert space.role(EVE) is Role.LISTENER


@pytest.mark.parametrize(
    ("cohosts", "speakers", "wanted"), [(2, 10, 60), (1, 10, 10), (1, 0, None)]
)
def test_the_old_host_takes_the_best_seat_that_is_free(
    cohosts: int, speakers: int, wanted: int | None
) -> None:
    space = replace(with_cohost(), max_cohosts=cohosts, max_speakers=speakers)
    space = after(space, cmd.OpenMicrophone(HOST), cmd.HandOver(HOST, BEN))
    space = after(space, cmd.ObserveLevels({HOST: 90, BEN: 90, CAT: 60}))
    assert space.level_wanted(HOST) == wanted
    assert (HOST in space.on_air) is (wanted is not None)


def test_becoming_the_host_lifts_a_mute() -> None:
    space = after(with_cohost(), cmd.MuteSpeaker(HOST, BEN), cmd.HandOver(HOST, BEN))
    assert BEN in space.muted
    assert not after(space, cmd.ObserveLevels({HOST: 90, BEN: 90, CAT: 60})).muted


def test_who_gave_the_host_level_away_or_left_gets_no_seat_for_it() -> None:
    space = after(with_cohost(), cmd.HandOver(HOST, BEN))
    lowered = after(space, cmd.ObserveLevels({HOST: 5, BEN: 10, CAT: 60}))
    lowered = after(lowered, cmd.ObserveLevels({HOST: 5, BEN: 90, CAT: 60}))
    assert lowered.host == BEN
    assert not lowered.appointments
    left = after(space, cmd.ObserveMember(HOST, joined=False))
    events = decide(left, cmd.ObserveLevels({HOST: 90, BEN: 90, CAT: 60}))
    assert ev.LevelForfeited(HOST) in events
    gone = after(left, cmd.ObserveLevels({BEN: 10, CAT: 60}))
    events = decide(gone, cmd.ObserveLevels({BEN: 90, CAT: 60}))
    assert ev.LevelForfeited(HOST) not in events


def test_no_role_changes_in_an_ended_space() -> None:
    space = after(with_cohost(), cmd.EndSpace(HOST, 9))
    for command in (
        cmd.AppointCohost(HOST, BEN),
        cmd.DismissCohost(HOST, CAT),
        cmd.HandOver(HOST, BEN),
    ):
        assert refused(space, command) == "ended"


def test_roles_say_what_they_may() -> None:
    assert [RoleLevels().of(role) for role in Role] == [None, 10, 60, 90]
    assert [RoleLevels().role(level) for level in (9, 10, 60, 90)] == list(Role)
    assert Role.HOST.may_end
