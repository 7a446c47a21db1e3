"""Plain calls: who may come in and stay, how often things count, and what is noted."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from spaces_bridge.app.notes.plain_calls import PlainCallsOn
from spaces_bridge.app.notes.record import Note
from spaces_bridge.app.plain_call_ports import PlainCallOffer
from spaces_bridge.app.tasks import CallPerson, TellCaller
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.events.call_signals import LIFETIME_MS
from spaces_bridge.matrix.events.translate import MemberChanged
from spaces_bridge.matrix.plain_calls import words
from spaces_bridge.matrix.plain_calls.book import CallBook, Ongoing
from spaces_bridge.matrix.plain_calls.call import CallPhase, PlainCall
from spaces_bridge.matrix.plain_calls.changes import CHANGES_BURST
from spaces_bridge.matrix.plain_calls.incoming import SERVER_BURST
from spaces_bridge.pacing.token_bucket import TokenBuckets
from tests.matrix.plain_call_setup import BOT, DM, SPACE, PlainCallSetup
from tests.support.notes import MemoryNotes
from tests.support.spaces import BEN, CREATE, EVE, HOST, ROOM

pytestmark = pytest.mark.unit

EVES_DM = RoomId("!eves")
HANGUP = {"call_id": "call1", "party_id": "BENDEV", "version": "1"}


@pytest.fixture
async def setup() -> AsyncIterator[PlainCallSetup]:
    async with PlainCallSetup() as setup:
        await setup.go_live()
        setup.bot.members[EVES_DM] = {BOT, EVE}
        yield setup


# --- who may come in, and who may stay ----------------------------------------------------------


async def test_a_lock_keeps_newcomers_out_and_sends_no_caller_away(setup: PlainCallSetup) -> None:
    await setup.call(sender=EVE, room_id=EVES_DM)
    ((session, _),) = setup.stage.did("answer")
    setup.listener.plain_call_connected(session)
    await setup.ask(cmd.LockSpace(HOST))
    assert not setup.recorder.hung_up
    await setup.signal("m.call.hangup", HANGUP, sender=EVE, room_id=EVES_DM)
    await setup.call("call2", sender=EVE, room_id=EVES_DM)
    assert len(setup.stage.did("answer")) == 1


async def test_who_is_removed_while_the_stage_makes_an_offer_is_not_rung(
    setup: PlainCallSetup,
) -> None:
    dial = setup.stage.dial

    async def slow(space: SpaceId, user: UserId) -> PlainCallOffer:
        await setup.spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN, ""))
        return await dial(space, user)

    setup.stage.dial = slow  # type: ignore[method-assign]
    await setup.tasks.run(CallPerson(SPACE, BEN, setup.recorder.now), "call")
    ((session,),) = setup.stage.did("dial")
    assert not setup.bot.sent
    assert setup.recorder.hung_up == [session]
    (told,) = setup.recorder.enqueued("person.tell")
    assert "removed you" in str(told["text"])


async def test_who_picks_up_after_it_was_locked_is_turned_out(setup: PlainCallSetup) -> None:
    await setup.tasks.run(CallPerson(SPACE, EVE, setup.recorder.now), "call")
    ((session,),) = setup.stage.did("dial")
    await setup.ask(cmd.LockSpace(HOST))
    assert not setup.recorder.hung_up
    setup.listener.plain_call_connected(session)
    await setup.done()
    assert session in setup.recorder.hung_up
    assert not setup.prompts
    assert "locked" in setup.written[-1]


async def test_who_is_barred_is_not_told_what_comes_next() -> None:
    async with PlainCallSetup() as setup:
        await setup.spaces.create(replace(CREATE, scheduled_at_ms=90_000_000))
        await setup.call("call1")
        setup.barred.add(BEN)
        setup.calling.lists_changed()
        await setup.call("call2")
        before, after = setup.written
        assert "First talk" in before
        assert "First talk" not in after


async def test_somebody_else_who_joins_the_chat_ends_the_call_with_a_word(
    setup: PlainCallSetup,
) -> None:
    session = await setup.answered()
    for user in (BEN, EVE):  # a name that changed, and an invitation
        await setup.calls.member_changed(MemberChanged(DM, user))
    assert not setup.recorder.hung_up
    setup.bot.members[DM].add(EVE)
    await setup.calls.member_changed(MemberChanged(DM, EVE))
    assert setup.recorder.hung_up == [session]
    assert setup.sent("m.call.hangup")
    assert setup.written[-1] == words.NOT_ALONE


async def test_in_a_live_spaces_own_room_no_call_is_taken(setup: PlainCallSetup) -> None:
    setup.bot.members[ROOM] = {BOT, HOST}
    await setup.call(sender=HOST, room_id=ROOM)
    assert not setup.stage.acts
    assert not setup.written


async def test_one_homeserver_makes_so_many_calls_whoever_makes_them(
    setup: PlainCallSetup,
) -> None:
    for number in range(SERVER_BURST + 30):
        user, room = UserId(f"@u{number}:many.example"), RoomId(f"!room{number}")
        setup.bot.members[room] = {BOT, user}
        await setup.call(sender=user, room_id=room)
    assert SERVER_BURST <= len(setup.stage.did("answer")) < SERVER_BURST + 30
    await setup.answered("call2")
    assert setup.prompts == ["welcome"]


# --- what clients change in a call --------------------------------------------------------------


async def mute(setup: PlainCallSetup, *, muted: bool) -> None:
    streams = {"s": {"purpose": "m.usermedia", "audio_muted": muted}}
    content = {**HANGUP, "sdp_stream_metadata": streams}
    await setup.signal("m.call.sdp_stream_metadata_changed", content)
    await setup.done()


async def test_a_client_that_mutes_and_unmutes_without_end_stays_muted(
    setup: PlainCallSetup,
) -> None:
    session = await setup.answered()
    await setup.floor(10)
    await setup.press(session)
    await setup.prompt_ends("floor_granted", session)
    for _ in range(CHANGES_BURST + 30):
        await mute(setup, muted=False)  # nothing changes, and it costs nothing
    setup.calls._changes._changes = TokenBuckets(CHANGES_BURST, 0)
    heard = 0
    for _ in range(CHANGES_BURST + 5):
        await mute(setup, muted=True)
        assert BEN not in setup.view.on_air
        await mute(setup, muted=False)
        heard += BEN in setup.view.on_air
    assert heard == CHANGES_BURST
    assert setup.written.count(words.STILL_MUTED) == 1


async def test_a_client_that_offers_without_end_is_hung_up(setup: PlainCallSetup) -> None:
    session = await setup.answered()
    setup.calls._changes._changes = TokenBuckets(CHANGES_BURST, 0)
    again = {**HANGUP, "description": {"type": "offer", "sdp": "again"}}
    for _ in range(CHANGES_BURST + 1):
        await setup.signal("m.call.negotiate", {**again, "party_id": "OTHER"})
    for _ in range(CHANGES_BURST):
        await setup.signal("m.call.negotiate", again)
    assert not setup.recorder.hung_up
    await setup.signal("m.call.negotiate", again)
    assert len(setup.sent("m.call.negotiate")) == CHANGES_BURST
    assert setup.recorder.hung_up == [session]
    assert setup.written[-1] == words.TOO_MANY_OFFERS


async def test_an_answer_to_an_offer_in_a_call_is_not_sent_late(setup: PlainCallSetup) -> None:
    await setup.answered()
    description = {"type": "offer", "sdp": "again"}
    await setup.signal("m.call.negotiate", {**HANGUP, "description": description})
    (answer,) = [
        body
        for body in setup.recorder.enqueued("call_signal.send")
        if body["type"] == "m.call.negotiate"
    ]
    assert answer["until_ms"] == setup.recorder.now + LIFETIME_MS


# --- who asks to be called, and is not ----------------------------------------------------------


async def test_who_is_in_a_call_is_told_so_before_and_after_the_command_is_answered(
    setup: PlainCallSetup,
) -> None:
    wanted = CallPerson(SPACE, BEN, setup.recorder.now)
    await setup.answered()
    with pytest.raises(Rejected, match="in a call with me already"):
        await setup.calling.call_me(setup.view, BEN, "$asked")
    await setup.tasks.run(wanted, "call:$asked")
    (told,) = setup.recorder.enqueued("person.tell")
    assert "in a call with me already" in str(told["text"])


async def test_a_call_of_ours_that_is_asked_for_again_is_that_call(setup: PlainCallSetup) -> None:
    wanted = CallPerson(SPACE, BEN, setup.recorder.now)
    for _ in range(2):
        await setup.tasks.run(wanted, "call:$asked")
    assert len(setup.stage.did("dial")) == 1
    assert len({invite["call_id"] for _, _, invite in setup.bot.sent}) == 1
    assert not setup.recorder.enqueued("person.tell")


async def test_who_cannot_be_rung_is_written_to(setup: PlainCallSetup) -> None:
    refusal = RequestRefused(403, "M_FORBIDDEN", "not in the room")
    await setup.tasks.refused(CallPerson(SPACE, BEN, setup.recorder.now), refusal)
    (told,) = setup.recorder.enqueued("person.tell")
    assert told["text"] == words.NOT_REACHED
    await setup.tasks.refused(TellCaller(DM, "A word."), refusal)
    assert len(setup.recorder.enqueued("person.tell")) == 1


# --- what is noted ------------------------------------------------------------------------------


async def test_what_is_noted_last_is_how_the_calls_are() -> None:
    class SlowNotes(MemoryNotes):
        """The first note waits before it is kept."""

        def __init__(self) -> None:
            super().__init__()
            self.began, self.gate = asyncio.Event(), asyncio.Event()

        async def put(self, note: Note) -> None:
            if not self.began.is_set():
                self.began.set()
                await self.gate.wait()
            await super().put(note)

    notes = SlowNotes()
    book = CallBook(notes)
    book.add(Ongoing(PlainCall(DM, "call1", BEN, CallPhase.ON, space=SPACE)))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(book.write())
        await notes.began.wait()
        book.add(Ongoing(PlainCall(EVES_DM, "call2", EVE, CallPhase.ON, space=SPACE)))
        group.create_task(book.write())
        await asyncio.sleep(0)
        notes.gate.set()
    noted = await notes.get(PlainCallsOn.key())
    assert noted is not None
    assert [call.call for call in noted.calls] == ["call1", "call2"]
