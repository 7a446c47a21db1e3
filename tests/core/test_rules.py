"""The rules: refusals, and what each command leads to."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState, SpeakPolicy
from spaces_bridge.core.ids import EventId, RoomId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Levels, Role
from spaces_bridge.core.rules import create, decide
from tests.support.spaces import BEN, CREATE, EVE, GUEST, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit


def refused(space: LiveSpace, command: cmd.Command) -> str:
    with pytest.raises(Rejected) as refusal:
        decide(space, command)
    assert refusal.value.text.endswith(".")
    return refusal.value.code


def on_stage() -> LiveSpace:
    return after(
        live_space(),
        cmd.RequestToSpeak(BEN, 1),
        cmd.ApproveSpeaker(HOST, BEN),
        cmd.ObserveLevels({HOST: 90, BEN: 10}),
    )


def test_a_live_space_needs_a_title_of_sane_length() -> None:
    for title, code in (("  \n", "no_title"), ("x" * 201, "title_too_long")):
        with pytest.raises(Rejected) as refusal:
            create(cmd.CreateSpace(CREATE.space, "s", title, HOST, "Ada", 1))
        assert refusal.value.code == code
    assert create(cmd.CreateSpace(CREATE.space, "s", " a \n b ", HOST, "Ada", 1)).title == "a b"


def test_a_live_space_is_not_scheduled_in_the_past() -> None:
    with pytest.raises(Rejected) as refusal:
        create(cmd.CreateSpace(CREATE.space, "s", "t", HOST, "Ada", 10, scheduled_at_ms=9))
    assert refusal.value.code == "in_the_past"


def test_only_the_host_starts_and_ends_and_only_once() -> None:
    space = after(scheduled(), cmd.AttachRoom(ROOM))
    assert refused(scheduled(), cmd.StartSpace(HOST, 5)) == "no_room_yet"
    assert refused(space, cmd.StartSpace(BEN, 5)) == "not_host"
    space = after(space, cmd.StartSpace(HOST, 5))
    assert space.phase is Phase.LIVE
    assert space.started_at_ms == 5
    assert refused(space, cmd.StartSpace(HOST, 6)) == "already_live"
    assert refused(space, cmd.EndSpace(BEN, 7)) == "not_host"
    space = after(space, cmd.EndSpace(HOST, 8, "done"))
    assert space.phase is Phase.ENDED
    assert space.ended_at_ms == 8
    assert refused(space, cmd.EndSpace(HOST, 9)) == "ended"
    assert refused(space, cmd.StartSpace(HOST, 9)) == "ended"


def test_a_room_is_attached_once() -> None:
    space = after(scheduled(), cmd.AttachRoom(ROOM))
    assert decide(space, cmd.AttachRoom(RoomId("!other"))) == []
    assert space.room == ROOM


def test_approving_alone_opens_nothing() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    assert space.requests[BEN].state is RequestState.ACCEPTED
    assert not space.may_speak(BEN)
    assert refused(space, cmd.OpenMicrophone(BEN)) == "no_floor"


def test_the_level_of_the_homeserver_grants_and_the_own_act_opens() -> None:
    space = on_stage()
    assert space.role(BEN) is Role.SPEAKER
    assert BEN not in space.requests
    assert not space.on_air
    space = after(space, cmd.OpenMicrophone(BEN))
    assert space.on_air == {BEN}
    assert decide(space, cmd.OpenMicrophone(BEN)) == []


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
    assert refused(space, cmd.LeaveStage(BEN)) == "not_speaker"
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


def test_a_reaction_that_its_owner_took_back_is_not_to_be_redacted_again() -> None:
    asked = after(live_space(), cmd.RequestToSpeak(BEN, 1, reaction=EventId("$hand")))
    lowered = decide(asked, cmd.CancelRequest(BEN))
    assert lowered == [ev.SpeakRequestWithdrawn(BEN, EventId("$hand"))]
    taken_back = decide(asked, cmd.CancelRequest(BEN, reaction_gone=True))
    assert taken_back == [ev.SpeakRequestWithdrawn(BEN, None)]


def test_lowering_an_accepted_hand_takes_the_level_back() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    events = decide(space, cmd.CancelRequest(BEN))
    assert ev.FloorClosing(BEN, BEN, ev.FloorEnd.RELEASED) in events


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
    assert refused(space, cmd.ApproveSpeaker(HOST, EVE)) == "no_hand"
    assert refused(space, cmd.DenySpeaker(HOST, EVE)) == "no_hand"
    denied = decide(space, cmd.DenySpeaker(HOST, BEN))
    assert denied == [ev.SpeakerDenied(BEN, HOST, EventId("$h"))]
    assert not after(space, cmd.DenySpeaker(HOST, BEN)).requests
    accepted = after(space, cmd.ApproveSpeaker(HOST, BEN))
    assert refused(accepted, cmd.ApproveSpeaker(HOST, BEN)) == "already_approved"
    assert refused(accepted, cmd.DenySpeaker(HOST, BEN)) == "no_hand"


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
    assert refused(live_space(), cmd.LeaveStage(HOST)) == "is_host"
    assert refused(live_space(), cmd.LeaveStage(BEN)) == "not_speaker"


def test_a_refused_level_puts_the_hand_up_again() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1), cmd.ApproveSpeaker(HOST, BEN))
    space = after(space, cmd.ObserveRefusedGrant(BEN, "forbidden"))
    assert space.requests[BEN].state is RequestState.PENDING
    assert decide(space, cmd.ObserveRefusedGrant(BEN, "forbidden")) == []
    assert decide(space, cmd.ObserveRefusedGrant(EVE, "forbidden")) == []


def test_an_utterance_is_captioned_once_and_in_order() -> None:
    space = live_space()
    line = cmd.CaptionUtterance(UtteranceId("u1"), HOST, 100, 900, "hello", "en")
    space = after(space, line)
    assert space.caption_lines[0].name == "Ada"
    assert decide(space, line) == []
    cut_otherwise = cmd.CaptionUtterance(UtteranceId("u2"), HOST, 120, 950, "hello", "en")
    assert decide(space, cut_otherwise) == []
    next_line = cmd.CaptionUtterance(UtteranceId("u3"), HOST, 700, 2_000, "world", "en")
    assert decide(space, next_line)
    off = live_space(captions=False)
    assert decide(off, line) == []
    assert decide(after(scheduled(), cmd.AttachRoom(ROOM)), line) == []


def test_the_last_words_are_captioned_after_the_end() -> None:
    space = after(live_space(), cmd.EndSpace(None, 50))
    line = cmd.CaptionUtterance(UtteranceId("u1"), EVE, 100, 900, "bye", "en")
    assert after(space, line).caption_lines[0].name == EVE


def test_only_the_last_captions_are_kept_for_newcomers() -> None:
    space = live_space()
    for n in range(60):
        words = cmd.CaptionUtterance(UtteranceId(f"u{n}"), HOST, n * 10, n * 10 + 9, "x", "en")
        space = after(space, words)
    assert len(space.caption_lines) == 50
    assert space.caption_lines[-1].utterance == "u59"


def test_reactions_are_counted_while_live() -> None:
    space = after(live_space(), cmd.React(BEN, "👏"), cmd.React(EVE, "👏"), cmd.React(BEN, "❤️"))
    assert space.reactions == {"👏": 2, "❤️": 1}
    assert refused(after(space, cmd.EndSpace(HOST, 9)), cmd.React(BEN, "👏")) == "ended"


def test_only_so_many_kinds_of_reactions_are_counted() -> None:
    space = after(live_space(), *(cmd.React(BEN, chr(0x1F600 + n)) for n in range(50)))
    assert refused(space, cmd.React(BEN, "👏")) == "too_many_kinds"
    assert after(space, cmd.React(BEN, chr(0x1F600))).reactions[chr(0x1F600)] == 2


def test_members_invite_and_in_private_only_moderators() -> None:
    assert decide(live_space(), cmd.InvitePerson(BEN, EVE)) == [ev.PersonInvited(EVE, BEN)]
    assert refused(live_space(), cmd.InvitePerson(EVE, BEN)) == "not_joined"
    assert refused(live_space(), cmd.InvitePerson(HOST, BEN)) == "already_here"
    private = live_space(private=True)
    assert refused(private, cmd.InvitePerson(BEN, EVE)) == "not_moderator"
    assert decide(private, cmd.InvitePerson(HOST, EVE))
    assert after(private, cmd.InvitePerson(HOST, EVE)) == private


def test_levels_must_be_ordered() -> None:
    with pytest.raises(ValueError, match="levels"):
        Levels(host=10, cohost=60)
    assert Levels().role(None) is Role.LISTENER
    assert not Role.COHOST.may_end
