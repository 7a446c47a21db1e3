"""What the homeserver holds, and what follows from it."""

from dataclasses import replace

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.floor import Doubt, RequestState
from spaces_bridge.core.ids import EventId, UserId
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules import decide
from spaces_bridge.core.rules.observed import ONE_HOST
from tests.core.support import CAT, on_stage, refused, with_cohost
from tests.support.spaces import BEN, EVE, HOST, after, live_space

pytestmark = pytest.mark.unit


def test_a_level_raised_in_any_client_offers_the_floor() -> None:
    space = after(live_space(), cmd.ObserveLevels({HOST: 90, BEN: 10}))
    assert space.may_speak(BEN)
    assert not space.on_air


def test_a_level_without_membership_opens_nothing() -> None:
    space = after(live_space(), cmd.ObserveLevels({HOST: 90, EVE: 10}))
    assert not space.may_speak(EVE)
    assert refused(space, cmd.OpenMicrophone(EVE)) == "no_floor"


@pytest.mark.parametrize(
    "loss",
    [
        cmd.ObserveLevels({HOST: 90}),
        cmd.ObserveLevels({HOST: 90, BEN: 9}),
        cmd.ObserveMember(BEN, joined=False),
        cmd.ObserveRoom({HOST: 90, BEN: 10}, {HOST: "Ada"}),
        cmd.DemoteSpeaker(HOST, BEN),
        cmd.LeaveStage(BEN),
        cmd.EndSpace(HOST, 99),
        cmd.SuspectLoss(BEN),
        cmd.CloseMicrophone(BEN),
    ],
)
def test_every_way_of_losing_the_floor_closes_the_microphone(loss: cmd.Command) -> None:
    space = after(on_stage(), cmd.OpenMicrophone(BEN))
    closed = [e for e in decide(space, loss) if isinstance(e, ev.MicrophoneClosed)]
    assert [e.user for e in closed] == [BEN]
    assert not after(space, loss).on_air


@pytest.mark.parametrize(
    ("doubt", "elsewhere", "looked"),
    [
        (Doubt.LEVEL, cmd.ObserveMember(BEN, joined=True), cmd.ObserveLevels({HOST: 90, BEN: 10})),
        (
            Doubt.MEMBERSHIP,
            cmd.ObserveLevels({HOST: 90, BEN: 10}),
            cmd.ObserveMember(BEN, joined=True),
        ),
    ],
)
def test_what_may_be_lost_is_not_opened_again_before_somebody_looked(
    doubt: Doubt, elsewhere: cmd.Command, looked: cmd.Command
) -> None:
    for before in (on_stage(), after(on_stage(), cmd.OpenMicrophone(BEN))):
        space = after(before, cmd.SuspectLoss(BEN, doubt))
        assert refused(space, cmd.OpenMicrophone(BEN)) == "checking"
        assert decide(space, cmd.SuspectLoss(BEN, doubt)) == []
        space = after(space, elsewhere)
        assert refused(space, cmd.OpenMicrophone(BEN)) == "checking"
        for look in (looked, cmd.ObserveRoom({HOST: 90, BEN: 10}, {HOST: "Ada", BEN: "Ben"})):
            assert after(space, look, cmd.OpenMicrophone(BEN)).on_air == {BEN}
        lost = after(space, cmd.ObserveRoom({HOST: 90}, {HOST: "Ada", BEN: "Ben"}))
        assert refused(lost, cmd.OpenMicrophone(BEN)) == "no_floor"


def test_a_regrant_starts_muted() -> None:
    space = after(on_stage(), cmd.OpenMicrophone(BEN), cmd.ObserveLevels({HOST: 90}))
    space = after(space, cmd.ObserveLevels({HOST: 90, BEN: 10}))
    assert space.may_speak(BEN)
    assert not space.on_air


def test_a_stale_level_reopens_nothing_while_we_take_the_floor() -> None:
    space = after(on_stage(), cmd.DemoteSpeaker(HOST, BEN))
    space = after(space, cmd.ObserveLevels({HOST: 90, BEN: 10}))
    assert not space.may_speak(BEN)
    assert refused(space, cmd.OpenMicrophone(BEN)) == "no_floor"
    assert refused(space, cmd.RequestToSpeak(BEN, 9)) == "closing"
    assert refused(space, cmd.LeaveStage(BEN)) == "not_on_stage"
    space = after(space, cmd.ObserveLevels({HOST: 90}))
    assert not space.closing
    assert after(space, cmd.RequestToSpeak(BEN, 10)).hands[0].user == BEN


def test_taking_back_a_grant_that_was_never_written_ends_when_that_is_settled() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    space = after(space, cmd.DemoteSpeaker(HOST, BEN))
    assert after(space, cmd.ObserveLevels({HOST: 90})).closing == {BEN}
    assert not after(space, cmd.ObserveLevels({HOST: 90}, settled=BEN)).closing
    assert after(space, cmd.ObserveLevels({HOST: 90, BEN: 10}, settled=BEN)).closing == {BEN}


def test_who_leaves_forfeits_level_and_hand() -> None:
    asked = after(live_space(), cmd.RequestToSpeak(BEN, 1, reaction=EventId("$hand")))
    events = decide(asked, cmd.ObserveMember(BEN, joined=False))
    assert ev.SpeakRequestWithdrawn(BEN, EventId("$hand")) in events
    events = decide(on_stage(), cmd.ObserveMember(BEN, joined=False))
    assert ev.LevelForfeited(BEN) in events
    assert decide(live_space(), cmd.ObserveMember(EVE, joined=False)) == []


def test_who_left_before_the_grant_was_seen_forfeits_it_too() -> None:
    asked = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    seen = cmd.ObserveRoom({HOST: 90, BEN: 10}, {HOST: "Ada"})
    assert ev.LevelForfeited(BEN) in decide(asked, seen)


def test_the_host_who_leaves_keeps_the_level() -> None:
    events = decide(live_space(), cmd.ObserveMember(HOST, joined=False))
    assert events == [ev.PersonLeft(HOST)]


def test_names_follow_the_room() -> None:
    space = after(live_space(), cmd.ObserveMember(BEN, joined=True, name="Benjamin"))
    assert space.person(BEN).name == "Benjamin"
    space = after(space, cmd.ObserveMember(EVE, joined=True, name="Eve"))
    assert decide(space, cmd.ObserveMember(BEN, joined=True)) == []


def test_a_refused_level_puts_the_hand_up_again() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    space = after(space, cmd.ObserveRefusedGrant(BEN, "forbidden"))
    assert space.requests[BEN].state is RequestState.PENDING
    assert decide(space, cmd.ObserveRefusedGrant(BEN, "forbidden")) == []
    assert decide(space, cmd.ObserveRefusedGrant(EVE, "forbidden")) == []


def test_a_rise_that_live_roles_do_not_allow_is_put_back_with_a_word() -> None:
    space = with_cohost()
    seen = cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 90}, by=HOST)
    assert decide(space, seen) == [ev.LevelOverruled(BEN, 90, 10, HOST, ONE_HOST)]
    space = after(space, seen)
    assert space.role(BEN) is Role.SPEAKER
    assert decide(space, seen) == []
    back = cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 10})
    assert decide(space, back) == [ev.LevelChanged(BEN, 10, Role.SPEAKER)]
    assert not after(space, back).overruled
    assert decide(after(space, back), seen)


def test_seats_bound_what_any_client_gives() -> None:
    space = replace(with_cohost(), max_cohosts=1, max_speakers=1)
    third = decide(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 60}, by=HOST))
    assert third == [ev.LevelOverruled(BEN, 60, 10, HOST, "there can be 1 co-hosts")]
    fourth = decide(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 10, EVE: 50}, by=HOST))
    assert fourth == [ev.LevelOverruled(EVE, 50, None, HOST, "the stage is full (1 speakers)")]


def test_a_seat_kept_for_somebody_may_be_given_by_any_client() -> None:
    space = replace(with_cohost(), max_speakers=2)
    space = after(space, cmd.RequestToSpeak(EVE, 1), cmd.ApproveSpeaker(HOST, EVE))
    given = cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 10, EVE: 25}, by=HOST)
    assert after(space, given).may_speak(EVE)


def test_a_lowering_is_always_followed() -> None:
    space = after(with_cohost(), cmd.OpenMicrophone(CAT))
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 10, BEN: 10}))
    assert CAT in space.on_air
    assert space.cohost_seniority == ()
    assert not after(space, cmd.ObserveLevels({HOST: 90, BEN: 10})).on_air


def test_no_level_helps_who_was_removed_or_is_being_demoted() -> None:
    space = after(with_cohost(), cmd.RemovePerson(HOST, BEN))
    raised = decide(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 60}, by=HOST))
    assert raised == [ev.LevelOverruled(BEN, 60, None, HOST, "that person is removed")]
    space = after(with_cohost(), cmd.DemoteSpeaker(HOST, BEN))
    raised = decide(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 90}, by=HOST))
    assert raised == [ev.LevelOverruled(BEN, 90, None, HOST, ONE_HOST)]


def test_our_own_new_task_takes_the_place_of_putting_back() -> None:
    space = replace(with_cohost(), max_cohosts=1)
    over = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 60}, by=HOST))
    assert over.level_wanted(BEN) == 10
    over = replace(over, max_cohosts=2)
    named = after(over, cmd.AppointCohost(HOST, BEN))
    assert named.level_wanted(BEN) == 60
    assert after(named, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 60})).role(BEN) is Role.COHOST
    assert after(over, cmd.DemoteSpeaker(HOST, BEN)).level_wanted(BEN) is None


def test_a_kick_from_any_client_holds_until_the_end_and_an_unban_lifts_it() -> None:
    space = with_cohost()
    kick = cmd.ObserveMember(BEN, joined=False, kicked=True, by=CAT)
    assert ev.PersonRemoved(BEN, CAT, "", blocked=False) in decide(space, kick)
    space = after(space, kick)
    assert decide(space, kick) == []
    assert decide(space, cmd.ObserveMember(BEN, joined=False, banned=True)) == [
        ev.RemovalInForce(BEN)
    ]
    space = after(space, cmd.ObserveMember(BEN, joined=False, banned=True))
    assert decide(space, cmd.ObserveMember(BEN, joined=False, banned=True)) == []
    lifted = cmd.ObserveMember(BEN, joined=False, unbanned=True, by=HOST)
    assert decide(space, lifted) == [ev.PersonReadmitted(BEN, HOST)]
    space = after(space, lifted, cmd.ObserveLevels({HOST: 90, CAT: 60}))
    assert decide(space, lifted) == []
    space = after(space, cmd.ObserveMember(BEN, joined=True, name="Ben"))
    assert not space.may_speak(BEN)
    assert after(space, cmd.RequestToSpeak(BEN, 5)).hands


def test_who_comes_back_before_the_ban_stays_removed_and_after_an_unseen_unban_does_not() -> None:
    space = after(with_cohost(), cmd.RemovePerson(HOST, EVE))
    here = cmd.ObserveMember(EVE, joined=True, name="Eve")
    assert EVE in after(space, here).removed
    space = after(space, cmd.ObserveMember(EVE, joined=False, banned=True))
    assert ev.PersonReadmitted(EVE, None) in decide(space, here)


def test_a_ban_from_any_client_is_a_removal_already_in_force() -> None:
    space = after(with_cohost(), cmd.ObserveMember(BEN, joined=False, banned=True, by=CAT))
    assert space.removed[BEN].in_force
    assert space.removed[BEN].by == CAT
    at_start = after(with_cohost(), cmd.ObserveRoom({}, {}, frozenset({EVE, UserId("@far:away")})))
    assert at_start.removed.keys() == {EVE, UserId("@far:away")}


def test_after_the_end_a_kick_is_a_kick() -> None:
    space = after(with_cohost(), cmd.EndSpace(HOST, 9))
    kick = cmd.ObserveMember(BEN, joined=False, kicked=True, by=HOST)
    assert not after(space, kick).removed


def test_who_leaves_forfeits_invitation_and_coming_role() -> None:
    space = after(with_cohost(), cmd.BringSpeaker(CAT, EVE))
    assert ev.SpeakInvitationDeclined(EVE, CAT) in decide(
        space, cmd.ObserveMember(EVE, joined=False)
    )
    space = after(with_cohost(), cmd.HandOver(HOST, BEN))
    events = decide(space, cmd.ObserveMember(BEN, joined=False))
    assert ev.AppointmentEnded(BEN, "left") in events
    space = after(space, cmd.ObserveMember(BEN, joined=False))
    late = decide(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 90}))
    assert late == [ev.LevelOverruled(BEN, 90, None, None, ONE_HOST)]


def test_a_refused_rise_ends_the_appointment_and_a_refused_fall_stays_to_be_done() -> None:
    rise = after(with_cohost(), cmd.HandOver(HOST, BEN))
    assert decide(rise, cmd.ObserveRefusedGrant(BEN, "M_FORBIDDEN")) == [
        ev.AppointmentEnded(BEN, "M_FORBIDDEN")
    ]
    fall = after(with_cohost(), cmd.DismissCohost(HOST, CAT))
    assert decide(fall, cmd.ObserveRefusedGrant(CAT, "M_FORBIDDEN")) == []
