"""Who is kept out, and who is let in again."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.rules import decide
from tests.core.support import CAT, on_stage, refused, with_cohost
from tests.support.spaces import BEN, EVE, GUEST, HOST, after, live_space

pytestmark = pytest.mark.unit


def test_removing_shuts_the_microphone_lowers_the_hand_and_means_a_ban() -> None:
    space = after(on_stage(), cmd.OpenMicrophone(BEN))
    events = decide(space, cmd.RemovePerson(HOST, BEN, " out \n now "))
    assert events == [
        ev.MicrophoneClosed(BEN, ev.MicrophoneEnd.LOST_FLOOR),
        ev.FloorClosing(BEN, HOST, ev.FloorEnd.REVOKED),
        ev.PersonRemoved(BEN, HOST, "out now", blocked=False),
    ]
    space = after(space, cmd.RemovePerson(HOST, BEN))
    assert not space.may_speak(BEN)
    asked = after(with_cohost(), cmd.RequestToSpeak(EVE, 9))
    assert not after(asked, cmd.RemovePerson(CAT, EVE)).requests


def test_only_those_above_remove_and_nobody_themselves() -> None:
    space = with_cohost()
    assert refused(space, cmd.RemovePerson(BEN, EVE)) == "not_moderator"
    assert refused(space, cmd.RemovePerson(CAT, HOST)) == "too_high"
    assert refused(space, cmd.RemovePerson(CAT, CAT)) == "own_removal"
    assert refused(space, cmd.RemovePerson(HOST, HOST)) == "own_removal"
    assert after(space, cmd.RemovePerson(HOST, CAT)).removed.keys() == {CAT}
    assert refused(after(space, cmd.EndSpace(HOST, 9)), cmd.RemovePerson(HOST, BEN)) == "ended"


def test_the_host_cannot_be_removed_even_while_away_or_without_the_level() -> None:
    away = after(with_cohost(), cmd.ObserveMember(HOST, joined=False))
    powerless = after(with_cohost(), cmd.ObserveLevels({CAT: 60, BEN: 10}))
    for space in (away, powerless):
        assert refused(space, cmd.RemovePerson(CAT, HOST)) == "too_high"
        assert decide(space, cmd.RemovePerson(None, HOST, blocked=True)) == []


def test_a_cohost_who_is_being_made_host_is_above_the_others() -> None:
    space = after(with_cohost(), cmd.HandOver(HOST, BEN))
    assert refused(space, cmd.RemovePerson(CAT, BEN)) == "too_high"
    assert refused(space, cmd.DemoteSpeaker(CAT, BEN)) == "too_high"


def test_who_was_removed_can_be_blocked_and_not_the_other_way_round() -> None:
    space = after(live_space(), cmd.RemovePerson(HOST, EVE))
    assert refused(space, cmd.RemovePerson(HOST, EVE)) == "already_removed"
    space = after(space, cmd.RemovePerson(HOST, EVE, blocked=True))
    assert space.removed[EVE].blocked
    assert refused(space, cmd.RemovePerson(HOST, EVE)) == "already_removed"
    assert decide(space, cmd.RemovePerson(None, EVE, blocked=True)) == []


def test_moderators_let_people_in_again() -> None:
    space = after(with_cohost(), cmd.RemovePerson(HOST, EVE))
    assert refused(space, cmd.ReadmitPerson(BEN, EVE)) == "not_moderator"
    assert refused(space, cmd.ReadmitPerson(CAT, BEN)) == "not_removed"
    assert decide(space, cmd.ReadmitPerson(None, BEN)) == []
    assert not after(space, cmd.ReadmitPerson(CAT, EVE)).removed


def test_a_role_that_was_coming_goes_with_the_removal() -> None:
    space = after(with_cohost(), cmd.HandOver(HOST, EVE))
    events = decide(space, cmd.RemovePerson(HOST, EVE))
    assert ev.FloorClosing(EVE, HOST, ev.FloorEnd.REVOKED) in events
    space = after(space, cmd.RemovePerson(HOST, EVE))
    assert not space.appointments
    assert space.level_wanted(EVE) is None


def test_locking_lowers_hands_and_unlocking_opens_again() -> None:
    space = after(with_cohost(), cmd.RequestToSpeak(EVE, 9))
    space = after(space, cmd.LockSpace(CAT))
    assert not space.hands
    assert not space.listeners_may_write
    assert refused(space, cmd.LockSpace(CAT)) == "already_locked"
    assert refused(space, cmd.InvitePerson(HOST, UserId("@far:away"))) == "locked"
    space = after(space, cmd.UnlockSpace(CAT))
    assert space.listeners_may_write
    assert refused(space, cmd.UnlockSpace(CAT)) == "not_locked"


def test_chat_and_guests_are_switched_once() -> None:
    space = after(with_cohost(), cmd.SetChat(CAT, on=False))
    assert not space.listeners_may_write
    assert decide(space, cmd.SetChat(CAT, on=False)) == []
    assert decide(space, cmd.SetGuests(CAT, GuestPolicy.SPEAK)) == []
    assert refused(space, cmd.SetGuests(BEN, GuestPolicy.OFF)) == "not_moderator"


@pytest.mark.parametrize("policy", [GuestPolicy.LISTEN, GuestPolicy.OFF])
def test_guests_who_speak_lose_the_floor_when_guests_no_longer_may(policy: GuestPolicy) -> None:
    space = after(
        live_space(),
        cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True),
        cmd.ApproveSpeaker(HOST, GUEST),
        cmd.ObserveMember(GUEST, joined=True, name="Zoe (guest)"),
        cmd.ObserveLevels({HOST: 90, GUEST: 10}),
        cmd.OpenMicrophone(GUEST),
    )
    space = after(space, cmd.SetGuests(HOST, policy))
    assert not space.on_air
    assert space.closing == {GUEST}
    assert decide(after(space, cmd.SetGuests(HOST, GuestPolicy.SPEAK)), cmd.OpenMicrophone(HOST))
