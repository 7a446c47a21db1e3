"""Plain calls: which are taken, for which live space, what keys do, and how calls end."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from spaces_bridge.app.errors import AdapterError, OfferRefused, StorageError
from spaces_bridge.app.notes.dms_and_reactions import Invitation
from spaces_bridge.app.notes.plain_calls import CallsWanted, NotedCall, PlainCallsOn
from spaces_bridge.app.records import OutboxEntry
from spaces_bridge.app.tasks import CallPerson, CallWaiting, SignalCall, TellCaller
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import Doubt
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.events.translate import MemberChanged
from spaces_bridge.matrix.plain_calls import words
from spaces_bridge.matrix.plain_calls.incoming import CALLS_BURST
from spaces_bridge.matrix.plain_calls.service import KEYS_BURST
from spaces_bridge.matrix.plain_calls.tasks import CALL_WITHIN_MS
from spaces_bridge.media.worker.edge import edge
from tests.matrix.plain_call_setup import BOT, DM, REFUSED, SPACE, PlainCallSetup
from tests.support.spaces import BEN, CREATE, EVE, HOST

pytestmark = pytest.mark.unit

EVES_DM, OTHER_DM = RoomId("!eves"), RoomId("!otherdm")
SECOND = replace(CREATE, space=SpaceId("space2"), slug="second-talk", title="Second", by=EVE)
HANGUP = {"call_id": "call1", "party_id": "BENDEV", "version": "1"}


@pytest.fixture
async def setup() -> AsyncIterator[PlainCallSetup]:
    async with PlainCallSetup() as setup:
        await setup.go_live()
        setup.bot.members[EVES_DM] = {BOT, EVE}
        setup.bot.members[OTHER_DM] = {BOT, BEN}
        yield setup


# --- which calls are taken ----------------------------------------------------------------------


async def test_a_call_is_answered_once_however_often_it_comes(setup: PlainCallSetup) -> None:
    await setup.call()
    await setup.call()
    assert [sdp for _, sdp in setup.stage.did("answer")] == ["offer of call1"]
    (answer,) = setup.sent("m.call.answer")
    assert answer["answer"]["sdp"] == "answer to offer of call1"
    await setup.signal("m.call.hangup", HANGUP)
    await setup.call()
    assert len(setup.stage.did("answer")) == 1


async def test_a_call_in_a_room_of_three_is_passed_over(setup: PlainCallSetup) -> None:
    setup.bot.members[DM].add(EVE)
    await setup.call()
    assert not setup.stage.acts
    assert not setup.recorder.enqueued("call_signal.send")


async def test_a_call_for_somebody_else_is_passed_over(setup: PlainCallSetup) -> None:
    await setup.call(invitee=EVE)
    assert not setup.stage.acts
    await setup.call("call2", invitee=BOT)
    assert setup.stage.did("answer")


async def test_an_old_invite_is_not_answered_and_a_word_says_so(setup: PlainCallSetup) -> None:
    await setup.call(at_ms=setup.recorder.now - 60_001)
    assert not setup.stage.acts
    assert setup.written == [words.MISSED]
    await setup.call("call2", at_ms=setup.recorder.now + 10**9)  # a clock that is fast
    assert setup.stage.did("answer")


async def test_who_calls_again_and_again_is_passed_over(setup: PlainCallSetup) -> None:
    for number in range(CALLS_BURST + 5):
        await setup.call(f"call{number}")
    assert len(setup.stage.did("answer")) == CALLS_BURST


async def test_of_two_calls_of_one_person_the_newer_wins(setup: PlainCallSetup) -> None:
    first = await setup.answered("call1")
    await setup.call("call2", room_id=OTHER_DM)
    assert setup.recorder.hung_up == [first]
    (hangup,) = setup.sent("m.call.hangup")
    assert hangup["call_id"] == "call1"
    assert len(setup.stage.did("answer")) == 2
    assert words.ELSEWHERE in setup.written


async def test_two_people_call_at_once(setup: PlainCallSetup) -> None:
    await setup.answered("call1")
    await setup.call("call2", sender=EVE, room_id=EVES_DM)
    assert len(setup.stage.did("answer")) == 2
    assert not setup.recorder.hung_up


async def test_a_hangup_of_another_person_or_device_is_ignored(setup: PlainCallSetup) -> None:
    await setup.answered()
    await setup.signal("m.call.hangup", HANGUP, sender=EVE)
    await setup.signal("m.call.hangup", {**HANGUP, "party_id": "OTHER"})
    assert not setup.recorder.hung_up
    await setup.signal("m.call.hangup", HANGUP)
    assert setup.recorder.hung_up


async def test_an_offer_that_is_refused_and_sound_that_is_away_are_answered_in_words(
    setup: PlainCallSetup,
) -> None:
    setup.stage.failure = REFUSED
    await setup.call("call1")
    setup.stage.failure = AdapterError("no worker")
    await setup.call("call2")
    assert setup.written == [words.not_taken(REFUSED), words.NO_SOUND]
    assert [sent["call_id"] for sent in setup.sent("m.call.reject")] == ["call1", "call2"]


async def test_an_invite_that_could_not_be_stored_begins_anew(setup: PlainCallSetup) -> None:
    enqueue, failures = setup.recorder.enqueue, [StorageError("locked")]

    async def failing(effects: Sequence[OutboxEntry]) -> None:
        if failures:
            raise failures.pop()
        await enqueue(effects)

    setup.recorder.enqueue = failing  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        await setup.call()
    ((first, _),) = setup.stage.did("answer")
    assert setup.recorder.hung_up == [first]
    await setup.call()
    assert len(setup.sent("m.call.answer")) == 1
    assert len(await noted(setup)) == 1


async def test_an_answer_to_our_call_that_is_refused_ends_it(setup: PlainCallSetup) -> None:
    call = await dial(setup)
    setup.stage.failure = REFUSED
    await setup.signal("m.call.answer", of(call, answer={"type": "answer", "sdp": "odd"}))
    assert setup.written == [words.NOT_TAKEN]
    assert setup.sent("m.call.hangup")


async def test_an_offer_in_a_call_that_is_refused_changes_nothing_and_lost_sound_ends_it(
    setup: PlainCallSetup,
) -> None:
    await setup.answered()
    again = {**HANGUP, "description": {"type": "offer", "sdp": "odd"}}
    setup.stage.failure = REFUSED
    await setup.signal("m.call.negotiate", again)
    assert len(await noted(setup)) == 1
    setup.stage.failure = AdapterError("no worker")
    await setup.signal("m.call.negotiate", again)
    assert not await noted(setup)
    assert setup.written[-1] == words.NO_SOUND


@pytest.mark.parametrize("code", ["other_client", "too_many_sources"])
async def test_a_client_whose_offers_are_taken_no_more_is_hung_up_with_a_word(
    setup: PlainCallSetup, code: str
) -> None:
    session = await setup.answered()
    setup.stage.failure = OfferRefused(code, "Call anew.")
    again = {**HANGUP, "description": {"type": "offer", "sdp": "odd"}}
    await setup.signal("m.call.negotiate", again)
    assert setup.written[-1] == "Your call has ended: Call anew."
    assert setup.sent("m.call.hangup")
    assert setup.recorder.hung_up == [session]
    assert not await noted(setup)


# --- which live space ---------------------------------------------------------------------------


async def test_with_nothing_live_the_call_is_declined_with_what_comes_next() -> None:
    async with PlainCallSetup() as setup:
        await setup.call("call1")
        soon = replace(CREATE, scheduled_at_ms=90_000_000)
        await setup.spaces.create(soon)
        await setup.call("call2")
        first, second = setup.written
        assert first.startswith(words.NOBODY_LIVE)
        assert "First talk" in second
        assert [sent["reason"] for sent in setup.sent("m.call.reject")] == ["user_busy"] * 2


async def test_of_several_the_one_that_the_chat_is_about_is_meant(setup: PlainCallSetup) -> None:
    await setup.go_live(replace(SECOND, by=EVE), RoomId("!room2"))
    await setup.store.note_last(Invitation(SECOND.space, BEN, EVE, EVE))
    await setup.call()
    (on,) = await noted(setup)
    assert on.space == SECOND.space


async def test_of_several_a_question_is_asked_and_answered_by_a_number(
    setup: PlainCallSetup,
) -> None:
    await setup.go_live(replace(SECOND, by=EVE), RoomId("!room2"))
    await setup.call()
    assert "1. “First talk”\n2. “Second”" in setup.written[0]
    assert not await setup.write("hello")
    assert not await setup.write("3")
    assert await setup.write(" 2. ")
    (on,) = await noted(setup)
    assert (on.space, on.answered) == (SECOND.space, True)
    assert setup.sent("m.call.answer")
    setup.timers.run_out()
    await setup.done()
    assert not setup.sent("m.call.hangup")


async def test_a_question_that_is_not_answered_ends_the_call(setup: PlainCallSetup) -> None:
    await setup.go_live(replace(SECOND, by=EVE), RoomId("!room2"))
    await setup.call()
    setup.timers.run_out()
    await setup.done()
    assert setup.written[-1] == words.NOT_CHOSEN
    assert setup.sent("m.call.reject")
    assert not await setup.write("1")


async def noted(setup: PlainCallSetup) -> tuple[NotedCall, ...]:
    note = await setup.recorder.notes.get(PlainCallsOn.key())
    return note.calls if note is not None else ()


# --- who may listen -----------------------------------------------------------------------------


async def test_who_was_removed_or_is_barred_hears_nothing(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    await setup.ask(cmd.RemovePerson(HOST, BEN, "shouts"))
    assert session in setup.recorder.hung_up
    assert "removed you" in setup.written[-1]
    assert [sent["reason"] for sent in setup.sent("m.call.hangup")] == ["user_hangup"]
    assert setup.calls.numbers() == {"on": 0.0, "ended": {"left": 1.0}}
    await setup.call("call2")
    assert len(setup.stage.did("answer")) == 1


async def test_a_list_that_bars_somebody_ends_their_call(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    setup.barred.add(BEN)
    setup.calling.lists_changed()
    await setup.done()
    assert session in setup.recorder.hung_up
    assert setup.sent("m.call.hangup")


async def test_a_private_space_is_for_members_alone() -> None:
    async with PlainCallSetup() as setup:
        await setup.go_live(replace(CREATE, private=True))
        setup.bot.members[EVES_DM] = {BOT, EVE}
        await setup.call("call2", sender=EVE, room_id=EVES_DM)
        assert not setup.stage.acts
        assert setup.written[0].startswith(words.NOBODY_LIVE)
        await setup.answered()
        await setup.ask(cmd.ObserveMember(BEN, joined=False))
        assert "private" in setup.written[-1]
        assert setup.recorder.hung_up


@pytest.mark.parametrize(
    "command", [cmd.LockSpace(HOST), cmd.SetGuests(HOST, GuestPolicy.OFF)], ids=["locked", "off"]
)
async def test_newcomers_stay_out_where_the_door_is_shut(
    setup: PlainCallSetup, command: cmd.Command
) -> None:
    await setup.ask(command)
    await setup.call("call2", sender=EVE, room_id=EVES_DM)
    assert not setup.stage.acts
    await setup.call()
    assert setup.stage.did("answer")


async def test_who_is_shut_out_while_the_stage_answers_does_not_stay(
    setup: PlainCallSetup,
) -> None:
    answer = setup.stage.answer

    async def slow(space: SpaceId, user: UserId, sdp: str) -> object:
        await setup.spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN, ""))
        return await answer(space, user, sdp)

    setup.stage.answer = slow  # type: ignore[method-assign, assignment]
    await setup.call()
    await setup.done()
    assert setup.recorder.hung_up
    assert not await noted(setup)


# --- the floor ----------------------------------------------------------------------------------


async def test_from_the_key_to_being_heard_and_demoted(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    assert setup.prompts == ["welcome"]
    await setup.press(session, "5")
    await setup.press(session, "*")
    assert BEN in setup.view.requests
    await setup.ask(cmd.ApproveSpeaker(HOST, BEN))
    await setup.floor(10)
    assert setup.prompts == ["welcome", "hand_raised", "floor_granted"]
    assert BEN not in setup.view.on_air
    await setup.prompt_ends("floor_granted", session)
    assert BEN in setup.view.on_air
    assert setup.stage.did("use_microphone") == [(session,)]
    await setup.floor(None)
    assert BEN not in setup.view.on_air
    assert setup.prompts[-1] == "floor_taken"
    await setup.floor(10)
    await setup.prompt_ends("floor_granted", session)
    assert BEN not in setup.view.on_air
    assert setup.prompts[-1] == "floor_offered"


async def test_each_prompt_is_written_in_the_chat_too(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    await setup.press(session)
    assert "First talk" in setup.written[0]
    assert setup.written[1] == "Your hand is up. Press 1 again to take it down."


async def test_prompts_are_in_the_language_of_the_live_space() -> None:
    async with PlainCallSetup() as setup:
        await setup.go_live(replace(CREATE, language="de"))
        await setup.answered()
        assert setup.stage.did("play") == [("welcome", "de")]
        assert "Du hörst zu" in setup.written[0]


async def test_a_hand_in_the_chat_counts_as_a_key_while_a_call_is_on(
    setup: PlainCallSetup,
) -> None:
    assert not await setup.write("✋")
    assert not setup.tap("✋")
    await setup.answered()
    assert not setup.tap("👏")
    assert setup.tap("✋🏽")
    await setup.done()
    assert BEN in setup.view.requests
    assert await setup.write("✋")
    await setup.done()
    assert BEN not in setup.view.requests
    assert setup.prompts[-1] == "hand_lowered"


async def test_who_is_not_in_the_room_is_told_the_way_there(setup: PlainCallSetup) -> None:
    await setup.ask(cmd.ObserveMember(BEN, joined=False))
    session = await setup.answered()
    await setup.press(session)
    assert setup.prompts[-1] == "refused"
    said = " ".join(setup.written)
    assert "Join the room first" in said
    assert "https://matrix.to/#/#spaces_first-talk:example.org" in said


async def test_an_invitation_to_speak_is_accepted_by_a_key(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    await setup.ask(cmd.BringSpeaker(HOST, BEN))
    await setup.press(session)
    await setup.floor(10)
    await setup.prompt_ends("floor_granted", session)
    assert BEN in setup.view.on_air


async def test_a_denied_hand_is_no_wish_to_be_heard_any_more(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    await setup.press(session)
    await setup.ask(cmd.DenySpeaker(HOST, BEN))
    await setup.floor(10)
    await setup.prompt_ends("floor_granted", session)
    assert BEN not in setup.view.on_air


async def heard(setup: PlainCallSetup) -> str:
    session = await setup.answered()
    await setup.floor(10)
    await setup.press(session)
    await setup.prompt_ends("floor_granted", session)
    assert BEN in setup.view.on_air
    return session


async def test_mute_at_the_client_is_mute_on_the_roster(setup: PlainCallSetup) -> None:
    await heard(setup)
    for muted in (True, False):
        streams = {"s": {"purpose": "m.usermedia", "audio_muted": muted}}
        content = {**HANGUP, "sdp_stream_metadata": streams}
        await setup.signal("m.call.sdp_stream_metadata_changed", content)
        await setup.done()
        assert (BEN in setup.view.on_air) is not muted


async def test_hold_is_silence_and_each_offer_is_answered(setup: PlainCallSetup) -> None:
    await heard(setup)
    for sdp, on_air in (("sendonly", False), ("sendrecv", True)):
        description = {"type": "offer", "sdp": sdp}
        await setup.signal("m.call.negotiate", {**HANGUP, "description": description})
        await setup.done()
        assert (BEN in setup.view.on_air) is on_air
    answers = [sent["description"]["sdp"] for sent in setup.sent("m.call.negotiate")]
    assert answers == ["answer to sendonly", "answer to sendrecv"]


async def test_a_hosts_mute_is_said_and_a_key_asks_for_the_microphone(
    setup: PlainCallSetup,
) -> None:
    session = await heard(setup)
    await setup.ask(cmd.MuteSpeaker(HOST, BEN))
    assert setup.prompts[-1] == "muted_by_host"
    await setup.press(session)
    await setup.ask(cmd.ApproveSpeaker(HOST, BEN))
    await setup.prompt_ends("floor_granted", session)
    assert BEN in setup.view.on_air


async def test_a_doubt_that_comes_to_nothing_is_silence_for_a_moment(
    setup: PlainCallSetup,
) -> None:
    await heard(setup)
    await setup.ask(cmd.SuspectLoss(BEN, Doubt.LEVEL))
    assert BEN not in setup.view.on_air
    await setup.floor(10)
    assert BEN in setup.view.on_air


async def doubt(setup: PlainCallSetup) -> None:
    """A doubt about Ben's floor comes, and is cleared."""
    await setup.ask(cmd.SuspectLoss(BEN, Doubt.LEVEL))
    await setup.floor(10)


async def test_a_doubt_takes_the_microphone_over_from_no_page(setup: PlainCallSetup) -> None:
    session = await heard(setup)
    await setup.moves_to_the_page(session)
    assert BEN in setup.view.on_air
    await doubt(setup)
    assert setup.stage.did("use_microphone") == [(session,)]


async def test_mute_at_the_telephone_mutes_no_page_and_its_end_takes_nothing_over(
    setup: PlainCallSetup,
) -> None:
    session = await heard(setup)
    await setup.moves_to_the_page(session)
    for muted in (True, False):
        streams = {"s": {"purpose": "m.usermedia", "audio_muted": muted}}
        content = {**HANGUP, "sdp_stream_metadata": streams}
        await setup.signal("m.call.sdp_stream_metadata_changed", content)
        await setup.done()
        assert BEN in setup.view.on_air
    assert setup.stage.did("use_microphone") == [(session,)]
    await setup.press(session)  # their own act
    await setup.prompt_ends("floor_granted", session)
    assert setup.stage.did("use_microphone") == [(session,), (session,)]


async def test_who_moves_to_the_page_while_the_telephone_opens_keeps_the_page(
    setup: PlainCallSetup,
) -> None:
    session = await setup.answered()
    await setup.floor(10)
    await setup.press(session)
    ask = setup.spaces.ask

    async def slow(space: SpaceId, command: cmd.Command) -> object:
        result = await ask(space, command)
        setup.stage.microphones.discard(session)
        setup.recorder.microphones.add(BEN)
        setup.listener.plain_call_silenced(session)
        return result

    setup.spaces.ask = slow  # type: ignore[method-assign, assignment]
    await setup.prompt_ends("floor_granted", session)
    assert BEN in setup.view.on_air


async def test_keys_beyond_what_a_person_presses_are_passed_over(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    for _ in range(KEYS_BURST + 20):
        await setup.press(session)
    assert len(setup.prompts) <= KEYS_BURST + 3


# --- how calls end ------------------------------------------------------------------------------


async def test_a_hangup_closes_the_microphone(setup: PlainCallSetup) -> None:
    session = await heard(setup)
    await setup.signal("m.call.hangup", HANGUP)
    await setup.done()
    assert BEN not in setup.view.on_air
    assert setup.recorder.hung_up == [session]
    assert not await noted(setup)
    assert not setup.sent("m.call.hangup")


@pytest.mark.parametrize("reason", ["the client left", "it was not heard any more"])
async def test_a_client_that_is_gone_is_sent_a_hangup(setup: PlainCallSetup, reason: str) -> None:
    session = await heard(setup)
    said = len(setup.written)
    setup.listener.plain_call_ended(session, reason)
    await setup.done()
    assert len(setup.written) == said
    assert [sent["reason"] for sent in setup.sent("m.call.hangup")] == ["ice_failed"]
    assert BEN not in setup.view.on_air
    assert setup.calls.numbers() == {"on": 0.0, "ended": {"gone": 1.0}}


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("it did not connect in time", words.NOT_CONNECTED),
        ("it could not be resumed", words.CUT_OFF),
        ("the sound was restarted", words.CUT_OFF),
        ("it was sent away", words.CUT_OFF),
    ],
)
async def test_who_is_cut_off_is_told_why(setup: PlainCallSetup, reason: str, text: str) -> None:
    session = await setup.answered()
    setup.listener.plain_call_ended(session, reason)
    await setup.done()
    assert setup.written[-1] == text
    assert setup.sent("m.call.hangup")


def test_the_ends_that_have_words_of_their_own_are_the_media_edges() -> None:
    source = inspect.getsource(edge)
    for reason in (words.LEFT, words.NOT_HEARD, words.NOT_IN_TIME):
        assert f'"{reason}"' in source


async def test_the_end_of_the_live_space_is_said_before_the_call_ends(
    setup: PlainCallSetup,
) -> None:
    session = await setup.answered()
    await setup.ask(cmd.EndSpace(HOST, setup.recorder.now))
    assert setup.prompts[-1] == "goodbye"
    assert not setup.sent("m.call.hangup")
    await setup.prompt_ends("goodbye", session)
    assert [sent["reason"] for sent in setup.sent("m.call.hangup")] == ["user_hangup"]
    assert setup.recorder.hung_up == [session]


async def test_a_goodbye_that_is_never_heard_holds_no_call(setup: PlainCallSetup) -> None:
    await setup.answered()
    await setup.ask(cmd.EndSpace(HOST, setup.recorder.now))
    setup.timers.run_out()
    await setup.done()
    assert setup.sent("m.call.hangup")


async def test_who_leaves_the_chat_has_hung_up(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    await setup.calls.member_changed(MemberChanged(DM, BEN, gone=True))
    assert setup.recorder.hung_up == [session]


async def test_callers_who_are_not_in_the_room_count_as_guests(setup: PlainCallSetup) -> None:
    await setup.answered()
    assert setup.calls.guests(SPACE) == 0
    await setup.ask(cmd.ObserveMember(BEN, joined=False))
    assert setup.calls.guests(SPACE) == 1


# --- restarts -----------------------------------------------------------------------------------


async def restarted(before: PlainCallSetup) -> PlainCallSetup:
    await before.calls.stop()
    after = PlainCallSetup(before.recorder)
    for what in ("on", "connected", "microphones"):
        setattr(after.stage, what, getattr(before.stage, what))
    after.recorder.now = before.recorder.now
    await after.spaces.resume()
    await after.calls.start()
    return after


async def test_a_call_goes_on_after_a_restart_and_its_caller_is_heard(
    setup: PlainCallSetup,
) -> None:
    session = await heard(setup)
    after = await restarted(setup)
    assert not after.sent("m.call.hangup")
    await after.press(session)
    assert BEN not in after.view.on_air
    assert after.prompts == ["microphone_off"]
    await after.signal("m.call.hangup", HANGUP)
    assert after.recorder.hung_up == [session]
    await after.spaces.stop()


async def test_who_speaks_on_the_page_is_not_heard_by_the_telephone_after_a_restart(
    setup: PlainCallSetup,
) -> None:
    session = await setup.answered()
    await setup.floor(10)
    await setup.moves_to_the_page(session)
    after = await restarted(setup)
    await doubt(after)
    assert not after.stage.did("use_microphone")
    await after.spaces.stop()


async def mute(setup: PlainCallSetup, *, muted: bool) -> None:
    streams = {"s": {"purpose": "m.usermedia", "audio_muted": muted}}
    content = {**HANGUP, "sdp_stream_metadata": streams}
    await setup.signal("m.call.sdp_stream_metadata_changed", content)
    await setup.done()


async def test_who_was_muted_at_the_client_is_heard_when_they_unmute_after_a_restart(
    setup: PlainCallSetup,
) -> None:
    await heard(setup)
    await mute(setup, muted=True)
    after = await restarted(setup)
    assert BEN not in after.view.on_air
    await mute(after, muted=False)
    assert BEN in after.view.on_air
    await after.spaces.stop()


async def test_who_has_asked_before_a_restart_is_heard_when_it_is_granted(
    setup: PlainCallSetup,
) -> None:
    session = await setup.answered()
    await setup.press(session)
    after = await restarted(setup)
    await after.floor(10)
    await after.prompt_ends("floor_granted", session)
    assert BEN in after.view.on_air
    await after.spaces.stop()


async def test_a_prompt_that_a_restart_has_cut_off_puts_nobody_on_air(
    setup: PlainCallSetup,
) -> None:
    session = await setup.answered()
    await setup.floor(10)
    await setup.press(session)
    after = await restarted(setup)
    assert after.prompts == ["floor_offered"]
    await after.prompt_ends("floor_granted", session)
    await mute(after, muted=True)
    await mute(after, muted=False)
    assert BEN not in after.view.on_air
    await after.spaces.stop()


async def test_who_got_the_floor_around_a_restart_presses_again(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    await setup.press(session)
    before = PlainCallsOn(await noted(setup))
    await setup.floor(10)
    await setup.recorder.notes.put(before)  # the bridge ended before it could note that
    after = await restarted(setup)
    await after.prompt_ends("floor_granted", session)
    assert BEN not in after.view.on_air
    assert after.prompts == ["floor_offered"]
    await after.spaces.stop()


async def test_a_standing_that_was_lost_around_a_restart_is_said_and_ends_the_wish(
    setup: PlainCallSetup,
) -> None:
    session = await heard(setup)
    await mute(setup, muted=True)
    before = PlainCallsOn(await noted(setup))
    await setup.floor(None)
    await setup.recorder.notes.put(before)  # the bridge ended before it could note that
    after = await restarted(setup)
    assert after.prompts == ["floor_taken"]
    await after.floor(10)
    await after.prompt_ends("floor_granted", session)
    await mute(after, muted=False)
    assert BEN not in after.view.on_air
    await after.spaces.stop()


async def test_a_note_of_an_older_version_is_read_and_who_speaks_goes_on(
    setup: PlainCallSetup,
) -> None:
    session = await heard(setup)
    (call,) = await noted(setup)
    old = replace(call, standing="", wanted=False, is_muted=False, is_held=False)
    await setup.calls.stop()
    await setup.recorder.notes.put(PlainCallsOn((old,)))
    after = await restarted(setup)
    assert not after.prompts
    await after.press(session)
    assert BEN not in after.view.on_air
    await after.spaces.stop()


async def test_who_connects_only_after_the_restart_is_welcomed(setup: PlainCallSetup) -> None:
    await setup.call()
    ((session, _),) = setup.stage.did("answer")
    after = await restarted(setup)
    assert not after.prompts
    await after.connects(session)
    assert after.prompts == ["welcome"]
    await after.spaces.stop()


def killed_at(setup: PlainCallSetup, kind: str) -> None:
    """Have the bridge end before a task of this kind is stored."""
    enqueue = setup.recorder.enqueue

    async def killed(effects: Sequence[OutboxEntry]) -> None:
        if any(effect.kind == kind for effect in effects):
            raise asyncio.CancelledError
        await enqueue(effects)

    setup.recorder.enqueue = killed  # type: ignore[method-assign]


async def test_killed_before_its_answer_a_call_is_answered_by_the_session_that_is_there(
    setup: PlainCallSetup,
) -> None:
    enqueue = setup.recorder.enqueue
    killed_at(setup, "call_signal.send")
    with pytest.raises(asyncio.CancelledError):
        await setup.call()
    ((session, _),) = setup.stage.did("answer")
    setup.recorder.enqueue = enqueue  # type: ignore[method-assign]
    after = await restarted(setup)
    await after.call()  # its event comes again
    (answer,) = after.sent("m.call.answer")
    assert answer["answer"]["sdp"] == "answer to offer of call1"
    assert not after.stage.did("answer")
    await after.connects(session)
    assert after.prompts == ["welcome"]
    again = await restarted(after)
    assert len(again.sent("m.call.answer")) == 1
    await after.spaces.stop()
    await again.spaces.stop()


@pytest.mark.parametrize("arrived", [False, True])
async def test_killed_while_it_calls_the_bot_sends_the_call_that_it_noted(
    setup: PlainCallSetup, arrived: bool
) -> None:
    send = setup.bot.send

    async def killed(*args: object) -> object:
        if arrived:
            await send(*args)  # type: ignore[arg-type]
        raise asyncio.CancelledError

    setup.bot.send = killed  # type: ignore[method-assign, assignment]
    wanted = CallPerson(SPACE, BEN, setup.recorder.now)
    with pytest.raises(asyncio.CancelledError):
        await setup.tasks.run(wanted, "call:$asked")
    after = await restarted(setup)
    await after.tasks.run(wanted, "call:$asked")  # the outbox has it still
    ((_, type_, invite),) = after.bot.sent
    assert (type_, invite["offer"]["sdp"]) == ("m.call.invite", "our offer")
    assert not after.stage.did("dial")
    answer = of(invite["call_id"], answer={"type": "answer", "sdp": "theirs"})
    await after.signal("m.call.answer", answer)
    assert after.stage.did("accept") == [(setup.stage.did("dial")[0][0], "theirs")]
    await after.spaces.stop()


async def test_a_call_that_the_worker_lost_is_hung_up_with_a_word(setup: PlainCallSetup) -> None:
    await setup.answered()
    setup.stage.on.clear()
    after = await restarted(setup)
    assert [sent["call_id"] for sent in after.sent("m.call.hangup")] == ["call1"]
    assert after.written[-1] == words.LOST
    await after.call()
    assert not after.stage.did("answer")
    await after.spaces.stop()


# --- the bot calls ------------------------------------------------------------------------------


async def dial(setup: PlainCallSetup) -> str:
    await setup.tasks.run(CallPerson(SPACE, BEN, setup.recorder.now), "call:$asked")
    (room, type_, invite) = setup.bot.sent[-1]
    assert (room, type_, invite["invitee"]) == (DM, "m.call.invite", BEN)
    assert invite["offer"]["sdp"] == "our offer"
    return str(invite["call_id"])


def of(call: str, party: str = "BENDEV", **more: object) -> dict[str, object]:
    return {"call_id": call, "party_id": party, "version": "1", **more}


async def test_the_bot_calls_and_of_two_devices_one_is_taken(setup: PlainCallSetup) -> None:
    call = await dial(setup)
    for device in ("PHONE", "TABLET"):
        answer = {"type": "answer", "sdp": f"answer of {device}"}
        await setup.signal("m.call.answer", of(call, device, answer=answer))
    assert [sdp for _, sdp in setup.stage.did("accept")] == ["answer of PHONE"]
    (selected,) = setup.sent("m.call.select_answer")
    assert selected["selected_party_id"] == "PHONE"
    setup.timers.run_out()
    await setup.done()
    assert not setup.sent("m.call.hangup")


async def test_nobody_picks_up(setup: PlainCallSetup) -> None:
    await dial(setup)
    setup.timers.run_out()
    await setup.done()
    assert [sent["reason"] for sent in setup.sent("m.call.hangup")] == ["invite_timeout"]
    assert setup.written == [words.NOT_PICKED_UP]
    assert setup.recorder.hung_up


async def test_nobody_has_picked_up_when_the_stage_gives_up(setup: PlainCallSetup) -> None:
    await dial(setup)
    ((session,),) = setup.stage.did("dial")
    setup.listener.plain_call_ended(session, words.NOT_IN_TIME)
    await setup.done()
    assert setup.written == [words.NOT_PICKED_UP]


async def test_the_person_declines(setup: PlainCallSetup) -> None:
    call = await dial(setup)
    await setup.signal("m.call.reject", of(call))
    assert setup.written == [words.DECLINED]
    assert setup.recorder.hung_up
    assert not setup.sent("m.call.hangup")


async def test_who_calls_the_bot_while_it_rings_has_one_call(setup: PlainCallSetup) -> None:
    await dial(setup)
    await setup.call("!first")  # sorts before any id of ours
    assert len(setup.recorder.hung_up) == 1
    assert setup.stage.did("answer")
    assert len(await noted(setup)) == 1


async def test_nobody_is_called_late_or_into_what_they_may_not_hear(
    setup: PlainCallSetup,
) -> None:
    late = CallPerson(SPACE, BEN, setup.recorder.now - CALL_WITHIN_MS - 1)
    await setup.tasks.run(late, "late")
    await setup.ask(cmd.RemovePerson(HOST, BEN, ""))
    await setup.tasks.run(CallPerson(SPACE, BEN, setup.recorder.now), "removed")
    assert not setup.bot.sent
    assert not setup.stage.acts
    told = [str(body["text"]) for body in setup.recorder.enqueued("person.tell")]
    assert words.TOO_LATE in told
    assert any("removed you" in text for text in told)


async def test_who_is_in_a_call_is_not_called(setup: PlainCallSetup) -> None:
    await setup.answered()
    await setup.tasks.run(CallPerson(SPACE, BEN, setup.recorder.now), "call")
    assert not setup.bot.sent


async def test_an_invite_that_cannot_be_sent_leaves_no_call(setup: PlainCallSetup) -> None:
    setup.bot.failure = RequestRefused(403, "M_FORBIDDEN", "not in the room")
    with pytest.raises(RequestRefused):
        await setup.tasks.run(CallPerson(SPACE, BEN, setup.recorder.now), "call")
    assert setup.recorder.hung_up
    assert not await noted(setup)
    setup.bot.failure = None
    await dial(setup)


async def test_people_who_asked_are_called_when_it_goes_live() -> None:
    async with PlainCallSetup() as setup:
        await setup.spaces.create(replace(CREATE, scheduled_at_ms=90_000_000))
        space = setup.view
        assert not await setup.calling.call_me(space, BEN, "$a")
        assert not await setup.calling.call_me(space, BEN, "$b")
        assert not await setup.calling.call_me(space, EVE, "$c")
        await setup.calling.do_not_call(SPACE, EVE)
        await setup.ask(cmd.AttachRoom(RoomId("!room")))
        await setup.ask(cmd.ObserveRoom({HOST: 90}, {HOST: "Ada"}))
        await setup.ask(cmd.StartSpace(HOST, setup.recorder.now))
        assert setup.recorder.enqueued("callers.call")
        await setup.tasks.run(CallWaiting(SPACE, setup.recorder.now), "waiting")
        assert [body["user"] for body in setup.recorder.enqueued("person.call")] == [BEN]
        assert await setup.recorder.notes.get(CallsWanted.key(SPACE)) is None


# --- what is sent -------------------------------------------------------------------------------


async def test_an_answer_that_comes_too_late_is_not_sent(setup: PlainCallSetup) -> None:
    now = setup.recorder.now
    await setup.tasks.run(SignalCall(DM, "m.call.answer", "{}", now - 1), "late")
    await setup.tasks.run(SignalCall(DM, "m.call.answer", '{"call_id": "c"}', now), "answer")
    await setup.tasks.run(TellCaller(DM, "A word."), "word")
    assert [(type_, dict(content)) for _, type_, content in setup.bot.sent] == [
        ("m.call.answer", {"call_id": "c"}),
        ("m.room.message", {"msgtype": "m.notice", "m.mentions": {}, "body": "A word."}),
    ]
