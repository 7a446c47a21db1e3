"""Hands, invitations to speak, and who gets and loses the floor."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import QueueOrder, RequestState, SpeakPolicy
from spaces_bridge.core.ids import EventId, UserId, UtteranceId
from spaces_bridge.core.limits import GRANTS, GRANTS_WITHIN_MS
from spaces_bridge.core.rules import decide
from tests.core.support import CAT, on_stage, refused, with_cohost
from tests.support.spaces import BEN, EVE, GUEST, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit


def test_approving_alone_opens_nothing() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    assert space.requests[BEN].state is RequestState.ACCEPTED
    assert not space.may_speak(BEN)
    assert refused(space, cmd.OpenMicrophone(BEN)) == "no_floor"


def test_hands_are_refused_with_a_reason() -> None:
    waiting = after(scheduled(), cmd.AttachRoom(ROOM))
    assert refused(waiting, cmd.RequestToSpeak(BEN, 1)) == "not_live"
    assert refused(live_space(), cmd.RequestToSpeak(EVE, 1)) == "not_joined"
    assert refused(live_space(), cmd.CancelRequest(BEN)) == "no_hand"
    assert refused(on_stage(), cmd.RequestToSpeak(BEN, 1)) == "has_floor"
    asked = after(live_space(), cmd.RequestToSpeak(BEN, 1))
    assert refused(asked, cmd.RequestToSpeak(BEN, 2)) == "already_asked"
    invited = live_space(speak_policy=SpeakPolicy.INVITED)
    assert refused(invited, cmd.RequestToSpeak(BEN, 1)) == "by_invitation"


def test_hands_wait_first_come_first_and_can_be_lowered() -> None:
    space = after(
        live_space(),
        cmd.RequestToSpeak(GUEST, 2, name="Zoe", guest=True),
        cmd.RequestToSpeak(BEN, 1),
    )
    assert [r.user for r in space.hands] == [BEN, GUEST]
    assert space.person(GUEST).guest
    assert [r.user for r in after(space, cmd.CancelRequest(BEN)).hands] == [GUEST]


def test_lowering_an_accepted_hand_takes_the_level_back() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    events = decide(space, cmd.CancelRequest(BEN))
    assert ev.FloorClosing(BEN, BEN, ev.FloorEnd.RELEASED) in events


def test_the_admin_takes_a_floor_but_not_the_hosts() -> None:
    events = decide(on_stage(), cmd.DemoteSpeaker(None, BEN))
    assert ev.FloorClosing(BEN, HOST, ev.FloorEnd.REVOKED) in events
    assert decide(on_stage(), cmd.DemoteSpeaker(None, HOST)) == []
    assert refused(live_space(), cmd.DemoteSpeaker(None, BEN)) == "not_speaker"


def test_everyone_policy_grants_while_places_are_free() -> None:
    space = live_space(speak_policy=SpeakPolicy.EVERYONE, max_speakers=1)
    space = after(space, cmd.RequestToSpeak(BEN, 1))
    assert space.requests[BEN].state is RequestState.ACCEPTED
    space = after(space, cmd.RequestToSpeak(GUEST, 2, name="Zoe", guest=True))
    assert space.requests[GUEST].state is RequestState.PENDING
    assert refused(space, cmd.ApproveSpeaker(HOST, GUEST)) == "stage_full"


def test_only_moderators_in_the_room_grant_deny_and_take_the_floor() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1))
    for command in (
        cmd.ApproveSpeaker(BEN, BEN),
        cmd.DenySpeaker(BEN, BEN),
        cmd.DemoteSpeaker(BEN, HOST),
    ):
        assert refused(space, command) == "not_moderator"
    gone = after(space, cmd.ObserveMember(HOST, joined=False))
    assert refused(gone, cmd.ApproveSpeaker(HOST, BEN)) == "not_moderator"


def test_only_hands_that_are_up_are_answered() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1, reaction=EventId("$h")))
    assert refused(space, cmd.ApproveSpeaker(HOST, EVE)) == "not_asked"
    assert refused(space, cmd.DenySpeaker(HOST, EVE)) == "not_asked"
    denied = decide(space, cmd.DenySpeaker(HOST, BEN))
    assert denied == [ev.SpeakerDenied(BEN, HOST, EventId("$h"))]
    assert not after(space, cmd.DenySpeaker(HOST, BEN)).requests
    accepted = after(space, cmd.ApproveSpeaker(HOST, BEN))
    assert refused(accepted, cmd.ApproveSpeaker(HOST, BEN)) == "already_approved"
    assert refused(accepted, cmd.DenySpeaker(HOST, BEN)) == "not_asked"


def test_a_reaction_that_its_owner_took_back_is_not_to_be_redacted_again() -> None:
    asked = after(live_space(), cmd.RequestToSpeak(BEN, 1, reaction=EventId("$hand")))
    lowered = decide(asked, cmd.CancelRequest(BEN))
    assert lowered == [ev.SpeakRequestWithdrawn(BEN, EventId("$hand"))]
    taken_back = decide(asked, cmd.CancelRequest(BEN, reaction_gone=True))
    assert taken_back == [ev.SpeakRequestWithdrawn(BEN, None)]


def test_demotion_reaches_speakers_and_the_accepted_but_not_equals() -> None:
    space = after(live_space(), cmd.ObserveMember(EVE, joined=True, name="Eve"))
    space = after(space, cmd.ObserveLevels({HOST: 90, EVE: 60, BEN: 60}))
    assert refused(space, cmd.DemoteSpeaker(HOST, UserId("@x:y"))) == "not_speaker"
    assert refused(space, cmd.DemoteSpeaker(EVE, BEN)) == "too_high"
    assert refused(space, cmd.DemoteSpeaker(EVE, HOST)) == "too_high"
    assert space.cohosts == (BEN, EVE)
    accepted = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    demoted = after(accepted, cmd.DemoteSpeaker(HOST, BEN))
    assert demoted.closing == {BEN}
    assert not demoted.requests


def test_hosts_keep_the_floor_and_listeners_have_none_to_leave() -> None:
    assert refused(live_space(), cmd.LeaveStage(HOST)) == "host_stays"
    assert refused(live_space(), cmd.LeaveStage(BEN)) == "not_on_stage"


def test_the_muted_ask_for_their_microphone_and_a_host_gives_it_back() -> None:
    space = after(on_stage(), cmd.MuteSpeaker(HOST, BEN), cmd.RequestToSpeak(BEN, 9))
    space = after(space, cmd.ApproveNext(HOST))
    assert not space.muted
    assert not space.requests
    assert space.may_speak(BEN)


def test_nobody_approves_their_own_way_out_of_a_mute() -> None:
    space = after(with_cohost(), cmd.MuteSpeaker(HOST, CAT), cmd.RequestToSpeak(CAT, 9))
    assert refused(space, cmd.ApproveSpeaker(CAT, CAT)) == "too_high"
    assert refused(space, cmd.ApproveNext(CAT)) == "too_high"
    assert after(space, cmd.ApproveNext(HOST)).may_speak(CAT)


def test_the_muted_get_no_floor_by_policy_alone() -> None:
    space = after(on_stage(), cmd.MuteSpeaker(HOST, BEN), cmd.LeaveStage(BEN))
    space = after(space, cmd.ObserveLevels({HOST: 90}))
    space = after(space, cmd.SetSpeakPolicy(HOST, SpeakPolicy.EVERYONE))
    space = after(space, cmd.RequestToSpeak(BEN, 9))
    assert space.hands[0].user == BEN
    space = after(space, cmd.ApproveSpeaker(HOST, BEN))
    assert not space.muted
    assert space.is_accepted(BEN)


def test_followed_people_are_granted_on_asking_and_others_wait() -> None:
    space = live_space(speak_policy=SpeakPolicy.FOLLOWED)
    assert after(space, cmd.RequestToSpeak(BEN, 1)).hands
    assert after(space, cmd.RequestToSpeak(BEN, 1, followed=True)).is_accepted(BEN)


def test_hands_raised_too_often_or_by_too_many_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = live_space()
    for n in range(6):
        space = after(space, cmd.RequestToSpeak(BEN, n), cmd.CancelRequest(BEN))
    assert refused(space, cmd.RequestToSpeak(BEN, 59_999)) == "too_often"
    assert after(space, cmd.RequestToSpeak(BEN, 60_000)).hands
    monkeypatch.setattr("spaces_bridge.core.rules.floor.HANDS_MAX", 0)
    assert refused(live_space(), cmd.RequestToSpeak(BEN, 1)) == "queue_full"


def test_the_queue_is_cleared_ordered_and_taken_from_the_front() -> None:
    space = after(with_cohost(), cmd.RequestToSpeak(EVE, 5, reaction=EventId("$eve")))
    space = after(space, cmd.RequestToSpeak(GUEST, 6, name="Zoe", guest=True))
    assert decide(space, cmd.ClearQueue(CAT)) == [
        ev.QueueCleared(CAT, (EVE, GUEST), (EventId("$eve"),))
    ]
    cleared = after(space, cmd.ClearQueue(CAT))
    assert not cleared.hands
    assert refused(cleared, cmd.ClearQueue(CAT)) == "no_hands"
    assert refused(cleared, cmd.ApproveNext(CAT)) == "no_hands"
    words = cmd.CaptionUtterance(UtteranceId("u"), EVE, 0, 900, "well", "en")
    by_airtime = after(space, words, cmd.OrderQueue(CAT, QueueOrder.AIRTIME))
    assert [hand.user for hand in by_airtime.hands] == [GUEST, EVE]
    assert decide(by_airtime, cmd.OrderQueue(CAT, QueueOrder.AIRTIME)) == []
    assert after(by_airtime, cmd.ApproveNext(CAT)).is_accepted(GUEST)


def test_who_is_invited_to_speak_says_yes_or_no_themselves() -> None:
    space = after(with_cohost(), cmd.BringSpeaker(CAT, EVE))
    assert space.offers == {EVE: CAT}
    assert not space.is_accepted(EVE)
    assert refused(space, cmd.BringSpeaker(HOST, EVE)) == "already_invited"
    accepted = after(space, cmd.AcceptInvitation(EVE))
    assert accepted.is_accepted(EVE)
    assert not accepted.offers
    assert not after(space, cmd.DeclineInvitation(EVE)).offers
    assert refused(accepted, cmd.DeclineInvitation(EVE)) == "not_invited"
    assert refused(accepted, cmd.AcceptInvitation(EVE)) == "not_invited"


def test_inviting_who_has_asked_is_approving_them() -> None:
    space = after(with_cohost(), cmd.RequestToSpeak(GUEST, 6, name="Zoe", guest=True))
    assert after(space, cmd.BringSpeaker(CAT, GUEST)).is_accepted(GUEST)


def test_an_invitation_holds_only_as_long_as_the_inviter_moderates() -> None:
    space = after(with_cohost(), cmd.BringSpeaker(CAT, EVE))
    demoted = after(space, cmd.ObserveLevels({HOST: 90, BEN: 10}))
    assert refused(demoted, cmd.AcceptInvitation(EVE)) == "invitation_over"
    removed = after(space, cmd.RemovePerson(HOST, CAT))
    assert refused(removed, cmd.AcceptInvitation(EVE)) == "invitation_over"


def test_nobody_is_invited_or_seated_beyond_the_places() -> None:
    space = after(live_space(max_speakers=1), cmd.ObserveMember(EVE, joined=True, name="Eve"))
    space = after(space, cmd.BringSpeaker(HOST, EVE), cmd.BringSpeaker(HOST, BEN))
    space = after(space, cmd.AcceptInvitation(EVE))
    assert refused(space, cmd.AcceptInvitation(BEN)) == "stage_filled"
    assert refused(after(space, cmd.DeclineInvitation(BEN)), cmd.BringSpeaker(HOST, BEN)) == (
        "stage_full"
    )
    one_away = after(space, cmd.ObserveLevels({HOST: 90, EVE: 10}))
    one_away = after(one_away, cmd.ObserveMember(EVE, joined=False))
    assert refused(one_away, cmd.AcceptInvitation(BEN)) == "stage_filled"


def test_who_cannot_be_invited_to_speak() -> None:
    space = with_cohost()
    assert refused(space, cmd.BringSpeaker(CAT, BEN)) == "is_speaker"
    assert refused(space, cmd.BringSpeaker(CAT, UserId("@far:away"))) == "not_here"
    assert refused(space, cmd.BringSpeaker(BEN, EVE)) == "not_moderator"
    assert refused(after(space, cmd.RemovePerson(CAT, EVE)), cmd.BringSpeaker(CAT, EVE)) == (
        "is_removed"
    )
    coming = after(space, cmd.DismissCohost(HOST, CAT), cmd.AppointCohost(HOST, EVE))
    assert refused(coming, cmd.BringSpeaker(HOST, EVE)) == "is_changing"
    assert refused(coming, cmd.RequestToSpeak(EVE, 9)) == "role_coming"


def test_inviting_the_muted_lifts_the_mute() -> None:
    space = after(with_cohost(), cmd.MuteSpeaker(CAT, BEN), cmd.DemoteSpeaker(CAT, BEN))
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60}))
    assert space.muted == {BEN}
    assert not after(space, cmd.BringSpeaker(CAT, BEN)).muted


def test_an_invitation_waits_until_a_floor_is_taken_back() -> None:
    space = after(with_cohost(), cmd.BringSpeaker(CAT, EVE))
    space = after(space, cmd.RequestToSpeak(EVE, 9))
    space = after(space, cmd.ApproveSpeaker(HOST, EVE), cmd.CancelRequest(EVE))
    assert EVE in space.closing
    again = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 10}, settled=EVE))
    assert after(again, cmd.BringSpeaker(CAT, EVE), cmd.AcceptInvitation(EVE)).is_accepted(EVE)
    assert refused(space, cmd.BringSpeaker(CAT, EVE)) == "is_changing"


def test_a_locked_room_takes_no_hands_but_a_host_may_invite_to_speak() -> None:
    space = after(with_cohost(), cmd.LockSpace(CAT))
    assert refused(space, cmd.RequestToSpeak(EVE, 9)) == "locked_hands"
    space = after(space, cmd.BringSpeaker(CAT, EVE), cmd.AcceptInvitation(EVE))
    assert space.is_accepted(EVE)


def test_what_is_offered_can_be_declined_and_what_is_taken_cannot_be_kept() -> None:
    coming = after(with_cohost(), cmd.HandOver(HOST, EVE))
    assert decide(coming, cmd.CancelRequest(EVE)) == [ev.AppointmentEnded(EVE, "cancelled")]
    dismissed = after(with_cohost(), cmd.DismissCohost(HOST, CAT))
    assert decide(dismissed, cmd.CancelRequest(CAT)) == []


def test_leaving_the_stage_lowers_the_hand_for_the_microphone() -> None:
    space = after(on_stage(), cmd.MuteSpeaker(HOST, BEN), cmd.RequestToSpeak(BEN, 9))
    space = after(space, cmd.LeaveStage(BEN))
    assert not space.requests
    assert space.closing == {BEN}


def test_demoting_the_accepted_or_muted_lowers_their_hand() -> None:
    space = after(on_stage(), cmd.MuteSpeaker(HOST, BEN), cmd.RequestToSpeak(BEN, 9))
    assert not after(space, cmd.DemoteSpeaker(HOST, BEN)).requests


def test_a_removed_person_asks_in_vain() -> None:
    space = after(live_space(), cmd.RemovePerson(HOST, BEN))
    assert refused(space, cmd.RequestToSpeak(BEN, 9)) == "removed"


def test_guests_ask_only_where_guests_may_speak() -> None:
    space = after(live_space(), cmd.SetGuests(HOST, GuestPolicy.LISTEN))
    asked = cmd.RequestToSpeak(GUEST, 9, name="Zoe", guest=True)
    assert refused(space, asked) == "guests_listen"


def test_a_crowd_that_comes_and_goes_is_given_few_floors_a_minute() -> None:
    """Every grant costs the room events, and who leaves the stage may ask again at once."""
    space = live_space(speak_policy=SpeakPolicy.EVERYONE)
    crowd = [UserId(f"@troll{number}:evil") for number in range(30)]
    for user in crowd:
        space = after(space, cmd.ObserveMember(user, joined=True))
    given = 0
    for second in range(60):
        for user in crowd:
            try:
                space = after(space, cmd.RequestToSpeak(user, 1_000 * second))
            except Rejected:
                continue
        space = after(space, cmd.PassTime(1_000 * second, 60_000))
        coming = [user for user in crowd if space.is_accepted(user)]
        given += len(coming)
        space = after(space, cmd.ObserveLevels({HOST: 90, **dict.fromkeys(coming, 10)}))
        for user in coming:
            space = after(space, cmd.LeaveStage(user))
        space = after(space, cmd.ObserveLevels({HOST: 90}))
    assert given == GRANTS


def test_who_had_to_wait_a_little_gets_the_floor_in_turn() -> None:
    space = live_space(speak_policy=SpeakPolicy.EVERYONE, max_speakers=10)
    crowd = [UserId(f"@fan{number}:x") for number in range(11)]
    for place, user in enumerate(crowd):
        space = after(space, cmd.ObserveMember(user, joined=True))
        space = after(space, cmd.RequestToSpeak(user, place))
    assert [user for user in crowd if space.is_accepted(user)] == crowd[:GRANTS]
    assert decide(space, cmd.PassTime(50_000, 1)) == []
    later = after(space, cmd.PassTime(GRANTS_WITHIN_MS + 10, 1))
    assert [user for user in crowd if later.is_accepted(user)] == crowd[: 2 * GRANTS]
    closed = after(space, cmd.SetSpeakPolicy(HOST, SpeakPolicy.REQUEST))
    assert decide(closed, cmd.PassTime(GRANTS_WITHIN_MS + 10, 1)) == []
    assert [hand.user for hand in closed.hands] == crowd[GRANTS:]


def test_a_promise_that_the_homeserver_refused_is_a_hosts_to_renew() -> None:
    space = live_space(speak_policy=SpeakPolicy.EVERYONE)
    space = after(space, cmd.RequestToSpeak(BEN, 1), cmd.ObserveRefusedGrant(BEN, "M_TOO_LARGE"))
    assert space.hands[0].user == BEN
    assert decide(space, cmd.PassTime(200_000, 1)) == []


def test_a_guest_who_is_given_the_floor_counts_twice() -> None:
    """The ghost comes into the room and leaves it, besides its level."""
    space = live_space(speak_policy=SpeakPolicy.EVERYONE)
    guests = [UserId(f"@spaces_{number}:example.org") for number in range(GRANTS)]
    for user in guests:
        space = after(space, cmd.RequestToSpeak(user, 1, "Gil", guest=True))
    assert [user for user in guests if space.is_accepted(user)] == guests[: GRANTS // 2]
    space = after(space, cmd.PassTime(GRANTS_WITHIN_MS + 1, 1))
    assert all(space.is_accepted(user) for user in guests)
