"""The machines of one plain call: its signalling, and its floor."""

import json
from dataclasses import replace
from typing import Any

import pytest

from spaces_bridge.core.events import MicrophoneEnd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.matrix.events import call_signals as signals
from spaces_bridge.matrix.plain_calls import call as calls
from spaces_bridge.matrix.plain_calls import floor as floors
from spaces_bridge.matrix.plain_calls.call import CallPhase, HangupReason, PlainCall, step
from spaces_bridge.matrix.plain_calls.floor import Do, Floor, FloorStanding, Say
from spaces_bridge.prompts import Prompt

pytestmark = pytest.mark.unit

BEN, EVE = UserId("@ben:x"), UserId("@eve:x")
ROOM, SPACE = RoomId("!dm"), SpaceId("space")
HEAD = signals.CallHead(ROOM, EventId("$event"), BEN, 1, "call", "DEV", "1")
V0_HEAD = replace(HEAD, party="", version=0)
THEIRS = PlainCall(ROOM, "call", BEN, CallPhase.ANSWERING, "1", "DEV", SPACE, until_ms=9)
ON = replace(THEIRS, phase=CallPhase.ON, session="s")
OURS = PlainCall(ROOM, "call", BEN, CallPhase.RINGING, space=SPACE, session="s", ours=True)
HUNG_UP = signals.CallHungUp(HEAD, "user_hangup")


def body(act: Any) -> dict[str, Any]:  # noqa: ANN401 - a Send, or the test fails
    return dict(json.loads(act.body))


# --- signalling ---------------------------------------------------------------------------------


def test_a_call_is_answered_once_the_stage_has_and_only_while_it_rings() -> None:
    on, (answer,) = step(THEIRS, calls.MediaAnswered("s", "v=0"))
    assert (on.phase, on.session) == (CallPhase.ON, "s")
    assert isinstance(answer, calls.Send)
    assert (answer.type, answer.until_ms) == ("m.call.answer", 9)
    assert body(answer)["answer"] == {"type": "answer", "sdp": "v=0"}
    assert body(answer)["party_id"] == on.party


def test_a_call_that_ended_while_the_stage_was_asked_leaves_no_peer_behind() -> None:
    over, _ = step(THEIRS, HUNG_UP)
    assert step(over, calls.MediaAnswered("late", "v=0")) == (over, (calls.EndMedia("late"),))


def test_our_party_id_is_one_for_the_call_and_another_in_each() -> None:
    assert ON.party == calls.party_of(ROOM, "call") == replace(ON, session="other").party
    assert len({ON.party, replace(ON, call="other").party}) == 2


def test_the_caller_hangs_up() -> None:
    assert step(ON, HUNG_UP) == (replace(ON, phase=CallPhase.OVER), (calls.EndMedia("s"),))


@pytest.mark.parametrize(
    "head",
    [
        replace(HEAD, sender=EVE),
        replace(HEAD, party="OTHERDEV"),
        replace(HEAD, party=""),
        replace(HEAD, call="other"),
        replace(HEAD, room=RoomId("!other")),
    ],
)
@pytest.mark.parametrize(
    "said",
    [
        HUNG_UP,
        signals.CallRenegotiated(HEAD, "v=0", None),
        signals.AnswerSelected(HEAD, "OTHER"),
        signals.CallMuted(HEAD, is_muted=True),
    ],
)
def test_events_of_others_and_of_other_devices_change_nothing(
    head: signals.CallHead, said: signals.CallSignal
) -> None:
    assert step(ON, replace(said, head=head)) == (ON, ())


def test_in_version_0_the_sender_alone_counts() -> None:
    on = replace(ON, version=0, peer="")
    over, _ = step(on, signals.CallHungUp(V0_HEAD, ""))
    assert over.phase is CallPhase.OVER
    assert step(on, signals.CallHungUp(replace(V0_HEAD, sender=EVE), "")) == (on, ())


def test_each_offer_in_a_call_is_answered_at_once_under_its_own_event() -> None:
    _, (ask,) = step(ON, signals.CallRenegotiated(HEAD, "v=0 sendonly", None))
    assert ask == calls.RenegotiateMedia("v=0 sendonly", EventId("$event"))
    _, (answer,) = step(ON, calls.MediaRenegotiated("v=0", EventId("$event")))
    assert isinstance(answer, calls.Send)
    assert (answer.type, answer.cause) == ("m.call.negotiate", "$event")
    assert body(answer)["description"] == {"type": "answer", "sdp": "v=0"}


def test_an_offer_before_the_answer_is_passed_over() -> None:
    assert step(THEIRS, signals.CallRenegotiated(HEAD, "v=0", None)) == (THEIRS, ())


def test_a_caller_who_took_another_answer_is_let_go_without_a_word() -> None:
    same, nothing = step(ON, signals.AnswerSelected(HEAD, ON.party))
    assert (same, nothing) == (ON, ())
    over, acts = step(ON, signals.AnswerSelected(HEAD, "ANOTHER"))
    assert (over.phase, acts) == (CallPhase.OVER, (calls.EndMedia("s"),))


@pytest.mark.parametrize("phase", [CallPhase.CHOOSING, CallPhase.ANSWERING])
@pytest.mark.parametrize(("version", "type_"), [("1", "m.call.reject"), (0, "m.call.hangup")])
def test_before_the_answer_a_call_is_rejected_and_in_version_0_hung_up(
    phase: CallPhase, version: str | int, type_: str
) -> None:
    ringing = replace(THEIRS, phase=phase, version=version)
    over, (sent,) = step(ringing, calls.Leave(HangupReason.USER_BUSY))
    assert isinstance(sent, calls.Send)
    assert (over.phase, sent.type) == (CallPhase.OVER, type_)
    assert (body(sent)["reason"], body(sent)["version"]) == ("user_busy", version)


def test_we_hang_up_with_the_party_id_of_our_answer() -> None:
    over, acts = step(ON, calls.Leave(HangupReason.USER_HANGUP))
    end, sent = acts
    assert (over.phase, end) == (CallPhase.OVER, calls.EndMedia("s"))
    assert isinstance(sent, calls.Send)
    assert (sent.type, body(sent)["party_id"]) == ("m.call.hangup", ON.party)


def test_a_peer_that_is_gone_ends_the_call() -> None:
    over, (sent,) = step(ON, calls.MediaEnded())
    assert isinstance(sent, calls.Send)
    assert (over.phase, sent.type) == (CallPhase.OVER, "m.call.hangup")
    assert body(sent)["reason"] == "ice_failed"


def test_of_two_devices_that_answer_ours_the_first_is_the_one() -> None:
    accepting, acts = step(OURS, signals.CallAnswered(HEAD, "v=0 first", is_muted=True))
    assert acts == (calls.AcceptMedia("v=0 first"), calls.TakeMuted(is_muted=True))
    other = replace(HEAD, party="TABLET")
    assert step(accepting, signals.CallAnswered(other, "v=0", None)) == (accepting, ())
    on, (selected,) = step(accepting, calls.MediaAccepted())
    assert isinstance(selected, calls.Send)
    assert selected.type == "m.call.select_answer"
    assert body(selected)["selected_party_id"] == "DEV"
    assert step(on, signals.CallAnswered(other, "v=0", None)) == (on, ())
    assert step(on, signals.CallHungUp(other, "")) == (on, ())


def test_a_client_of_version_0_answers_ours_and_is_not_selected() -> None:
    accepting, _ = step(OURS, signals.CallAnswered(V0_HEAD, "v=0", None))
    on, nothing = step(accepting, calls.MediaAccepted())
    assert (on.phase, on.version, nothing) == (CallPhase.ON, 0, ())


@pytest.mark.parametrize("said", [signals.CallRejected(HEAD), HUNG_UP])
def test_the_person_declines_ours(said: signals.CallSignal) -> None:
    over, acts = step(OURS, said)
    assert (over.phase, acts) == (CallPhase.OVER, (calls.EndMedia("s"),))


def test_a_rejection_by_a_second_device_ends_no_call_that_is_on() -> None:
    on = replace(ON, ours=True)
    assert step(on, signals.CallRejected(replace(HEAD, party="TABLET"))) == (on, ())
    assert step(on, signals.CallRejected(HEAD)) == (on, ())


def test_nothing_follows_on_a_call_that_is_over() -> None:
    over = replace(ON, phase=CallPhase.OVER)
    for said in (HUNG_UP, calls.Leave(HangupReason.USER_HANGUP), calls.MediaEnded()):
        assert step(over, said) == (over, ())


def test_the_newer_call_wins_and_of_two_at_once_the_one_that_comes_first_in_order() -> None:
    invited = signals.CallInvited(replace(HEAD, call="m"), 60_000, "v=0", "", None)
    assert calls.yields(ON, invited)
    assert calls.yields(replace(OURS, call="z"), invited)
    assert not calls.yields(replace(OURS, call="a"), invited)
    assert calls.yields(replace(OURS, call="a", room=RoomId("!other")), invited)
    assert calls.yields(replace(OURS, call="a", phase=CallPhase.ON), invited)


# --- the floor ----------------------------------------------------------------------------------

LISTENER = Floor()
GRANTED = Floor(FloorStanding.FLOOR)
HEARD = Floor(FloorStanding.FLOOR, wanted=True, is_open=True)
SPOKEN = floors.PromptOver(Prompt.FLOOR_GRANTED)


def feel(floor: Floor, *said: floors.Input) -> tuple[Floor, list[floors.Act]]:
    acts: list[floors.Act] = []
    for each in said:
        floor, more = floors.step(floor, each)
        acts += more
    return floor, acts


def test_who_asked_in_this_call_is_heard_when_it_is_granted_and_was_said() -> None:
    asked, acts = feel(LISTENER, floors.Pressed(), floors.HandTaken())
    assert acts == [Do.ASK, Say(Prompt.HAND_RAISED)]
    granted, acts = feel(asked, floors.Seen(FloorStanding.FLOOR))
    assert acts == [Say(Prompt.FLOOR_GRANTED)]
    assert not granted.is_open
    heard, acts = feel(granted, SPOKEN)
    assert (heard.is_open, acts) == (True, [Do.OPEN])


def test_who_was_only_offered_the_floor_has_to_press() -> None:
    offered, acts = feel(LISTENER, floors.Seen(FloorStanding.FLOOR))
    assert acts == [Say(Prompt.FLOOR_OFFERED)]
    assert feel(offered, SPOKEN, floors.PromptOver(Prompt.FLOOR_OFFERED))[1] == []
    assert feel(offered, floors.Pressed(), SPOKEN)[1] == [Say(Prompt.FLOOR_GRANTED), Do.OPEN]


def test_pressing_again_takes_the_hand_down() -> None:
    asked, _ = feel(LISTENER, floors.Pressed())
    lowered, acts = feel(asked, floors.Pressed(hand=True))
    assert (lowered.wanted, acts) == (False, [Do.LOWER, Say(Prompt.HAND_LOWERED)])
    assert feel(lowered, floors.Seen(FloorStanding.FLOOR))[1] == [Say(Prompt.FLOOR_OFFERED)]


def test_who_is_invited_to_speak_accepts_by_pressing() -> None:
    invited, acts = feel(LISTENER, floors.Pressed(offered=True))
    assert acts == [Do.ACCEPT]
    assert feel(invited, floors.Seen(FloorStanding.FLOOR), SPOKEN)[0].is_open


def test_a_demotion_ends_it_and_a_new_grant_needs_a_new_press() -> None:
    demoted, acts = feel(HEARD, floors.Seen(FloorStanding.LISTENER))
    assert (demoted.wanted, demoted.is_open) == (False, False)
    assert acts == [Say(Prompt.FLOOR_TAKEN)]
    again, acts = feel(demoted, floors.Seen(FloorStanding.FLOOR), SPOKEN)
    assert (again.is_open, acts) == (False, [Say(Prompt.FLOOR_OFFERED)])


def test_who_is_demoted_while_the_prompt_plays_is_not_heard_after_it() -> None:
    asked, _ = feel(LISTENER, floors.Pressed(), floors.Seen(FloorStanding.FLOOR))
    assert feel(asked, floors.Seen(FloorStanding.LISTENER), SPOKEN)[1] == [Say(Prompt.FLOOR_TAKEN)]


def test_a_refusal_or_a_denied_hand_is_no_wish_any_more() -> None:
    for said in (floors.Refused(), floors.Declined()):
        asked, _ = feel(LISTENER, floors.Pressed(), said)
        assert not asked.wanted


def test_pressing_on_the_air_mutes_and_pressing_again_is_heard_again() -> None:
    quiet, acts = feel(HEARD, floors.Pressed(on_air=True))
    assert acts == [Do.CLOSE, Say(Prompt.MICROPHONE_OFF)]
    assert feel(quiet, floors.Pressed(), SPOKEN)[1] == [Say(Prompt.FLOOR_GRANTED), Do.OPEN]


def test_pressing_after_another_device_closed_the_microphone_opens_it_here() -> None:
    assert feel(HEARD, floors.Pressed(on_air=False), SPOKEN)[1] == [
        Say(Prompt.FLOOR_GRANTED),
        Do.OPEN,
    ]


def test_a_hosts_mute_ends_it_and_asking_in_the_call_is_heard_when_it_is_lifted() -> None:
    muted, acts = feel(HEARD, floors.Seen(FloorStanding.MUTED))
    assert acts == [Say(Prompt.MUTED_BY_HOST)]
    assert feel(muted, floors.Seen(FloorStanding.FLOOR))[1] == [Say(Prompt.FLOOR_OFFERED)]
    asked, acts = feel(muted, floors.Pressed())
    assert acts == [Do.ASK]
    assert feel(asked, floors.Seen(FloorStanding.FLOOR), SPOKEN)[1][-1] is Do.OPEN


def test_another_microphone_ends_it_and_neither_doubts_nor_mute_bring_it_back() -> None:
    quiet, acts = feel(HEARD, floors.Silenced())
    assert (quiet, acts) == (GRANTED, [])
    for said in (
        floors.Closed(MicrophoneEnd.SUSPECTED),
        floors.Seen(FloorStanding.FLOOR, is_doubted=True),
        floors.Seen(FloorStanding.FLOOR),
        floors.AtClient(is_muted=True),
        floors.AtClient(is_muted=False),
    ):
        quiet, acts = feel(quiet, said)
        assert (quiet.is_open, acts) == (False, [])
    assert feel(quiet, floors.Pressed(on_air=True), SPOKEN)[1][-1] is Do.OPEN
    opening, _ = feel(GRANTED, floors.Pressed())
    assert feel(opening, floors.Silenced(), SPOKEN)[1] == []


@pytest.mark.parametrize("field", ["is_muted", "is_held"])
def test_mute_and_hold_at_the_client_close_and_their_end_opens(field: str) -> None:
    shut, acts = feel(HEARD, floors.AtClient(**{field: True}))
    assert acts == [Do.CLOSE]
    assert feel(shut, floors.AtClient(**{field: True}))[1] == []
    assert feel(shut, floors.AtClient(**{field: False}))[1] == [Do.OPEN]


def test_unmuting_opens_nothing_for_who_did_not_ask() -> None:
    assert feel(GRANTED, floors.AtClient(is_muted=True), floors.AtClient(is_muted=False))[1] == []


def test_who_is_muted_at_the_client_is_told_to_unmute_and_then_heard() -> None:
    muted = replace(LISTENER, is_muted=True)
    granted, acts = feel(muted, floors.Pressed(), floors.Seen(FloorStanding.FLOOR))
    assert acts == [Do.ASK, Say(Prompt.UNMUTE)]
    assert feel(granted, floors.AtClient(is_muted=False))[1] == [Do.OPEN]


def test_a_held_caller_is_not_heard_when_the_prompt_ends() -> None:
    asked, _ = feel(LISTENER, floors.Pressed(), floors.Seen(FloorStanding.FLOOR))
    held, acts = feel(asked, floors.AtClient(is_held=True), SPOKEN)
    assert acts == []
    assert feel(held, floors.AtClient(is_held=False))[1] == [Do.OPEN]


def test_a_doubt_closes_and_its_end_opens_again() -> None:
    doubted, acts = feel(
        HEARD,
        floors.Closed(MicrophoneEnd.SUSPECTED),
        floors.Seen(FloorStanding.FLOOR, is_doubted=True),
    )
    assert (doubted.is_open, acts) == (False, [])
    assert feel(doubted, floors.Seen(FloorStanding.FLOOR))[1] == [Do.OPEN]
    assert feel(doubted, floors.Seen(FloorStanding.LISTENER))[1] == [Say(Prompt.FLOOR_TAKEN)]


def test_a_microphone_that_the_live_space_did_not_open_is_opened_by_the_next_press() -> None:
    shut, _ = feel(HEARD, floors.NotOpened())
    assert feel(shut, floors.Pressed(), SPOKEN)[1][-1] is Do.OPEN
