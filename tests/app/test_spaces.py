"""The door to live spaces, their actors, and what follows from events."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from spaces_bridge.app import actor as actor_module
from spaces_bridge.app import registry
from spaces_bridge.app.errors import AdapterError, JournalConflict, StorageError
from spaces_bridge.app.ports import RoomSnapshot, Utterance
from spaces_bridge.app.reconcile import Reconciler
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.sound_desk import SoundDesk
from spaces_bridge.app.wishes import TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.door import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, GUEST, HOST, ROOM

pytestmark = pytest.mark.unit
SPACE = CREATE.space


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def spaces(recorder: Recorder) -> AsyncIterator[Spaces]:
    door = Spaces(recorder.world())
    await door.create(CREATE, source="$create")
    await door.ask(SPACE, cmd.AttachRoom(ROOM))
    await door.ask(SPACE, cmd.ObserveRoom({HOST: 90}, {HOST: "Ada", BEN: "Ben"}))
    await door.ask(SPACE, cmd.StartSpace(HOST, 10_000))
    yield door
    await door.stop()


async def settled(door: Spaces) -> None:
    """Everything told so far is done."""
    reached = asyncio.Event()
    door.then(SPACE, reached.set)
    async with asyncio.timeout(5):
        await reached.wait()


async def seat(door: Spaces, user: UserId = BEN) -> None:
    await door.ask(SPACE, cmd.RequestToSpeak(user, 1))
    await door.ask(SPACE, cmd.ApproveSpeaker(HOST, user))
    await door.ask(SPACE, cmd.ObserveLevels({HOST: 90, user: 10}))


async def test_creating_wishes_a_room_and_twice_is_once(
    spaces: Spaces, recorder: Recorder
) -> None:
    again = await spaces.create(CREATE, source="$create")
    assert again.space == SPACE
    assert recorder.kinds().count("MakeRoom") == 1
    assert [s.space for s in spaces.open()] == [SPACE]


async def test_a_source_takes_effect_once_even_after_a_restart(
    spaces: Spaces, recorder: Recorder
) -> None:
    assert await spaces.ask(SPACE, cmd.React(BEN, "👏"), source="$1")
    assert await spaces.ask(SPACE, cmd.React(BEN, "👏"), source="$1") == []
    await spaces.stop()
    restarted = Spaces(recorder.world())
    await restarted.resume()
    assert await restarted.ask(SPACE, cmd.React(BEN, "👏"), source="$1") == []
    view = restarted.view(SPACE)
    assert view is not None
    assert view.reactions == {"👏": 1}
    await restarted.stop()


async def test_a_restart_replays_to_the_same_state(spaces: Spaces, recorder: Recorder) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    await spaces.ask(SPACE, cmd.CaptionUtterance(UtteranceId("u"), BEN, 1, 2, "hi", "en"))
    restarted = Spaces(recorder.world())
    await restarted.resume()
    assert restarted.view(SPACE) == spaces.view(SPACE)
    await restarted.stop()


async def test_the_hand_reaches_host_card_and_homeserver(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 1, reaction=EventId("$hand")))
    prompt = recorder.wished("PromptModerator")[0]
    assert (prompt["moderator"], prompt["user"]) == (HOST, BEN)
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, BEN))
    assert recorder.wished("WriteLevel")[0]["level"] == 10
    assert recorder.wished("RedactEvent")[0]["event"] == "$hand"
    assert not recorder.called("open_microphone")
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10}))
    assert recorder.wished("OfferFloor") == [{"space": SPACE, "user": BEN}]
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    assert recorder.called("open_track") == [(BEN, "auto")]
    assert recorder.called("open_microphone") == [(SPACE, BEN)]


async def test_guests_are_seated_as_ghosts_and_leave_with_the_floor(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, GUEST))
    assert recorder.kinds().index("SeatGuest") < recorder.kinds().index("WriteLevel")
    await spaces.ask(SPACE, cmd.ObserveMember(GUEST, joined=True, name="Zoe (guest)"))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, GUEST: 10}))
    assert not recorder.wished("OfferFloor")
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    assert recorder.wished("UnseatGuest") == [{"space": SPACE, "user": GUEST}]
    assert recorder.called("close_space") == [(SPACE,)]


async def approve_guest(door: Spaces) -> None:
    await door.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    await door.ask(SPACE, cmd.ApproveSpeaker(HOST, GUEST))


@pytest.mark.parametrize(
    "ways",
    [
        [cmd.ObserveLevels({HOST: 90, GUEST: 10}), cmd.ObserveLevels({HOST: 90, GUEST: 0})],
        [cmd.ObserveRefusedGrant(GUEST, "no")],
        [cmd.EndSpace(HOST, 20_000)],
        [cmd.CancelRequest(GUEST)],
    ],
)
async def test_a_ghost_leaves_whichever_way_its_floor_goes(
    spaces: Spaces, recorder: Recorder, ways: list[cmd.Command]
) -> None:
    await approve_guest(spaces)
    await spaces.ask(SPACE, cmd.ObserveMember(GUEST, joined=True, name="Zoe (guest)"))
    for way in ways:
        await spaces.ask(SPACE, way)
    assert {"space": SPACE, "user": GUEST} in recorder.wished("UnseatGuest")


async def test_a_guest_approved_as_the_space_ends_does_not_stay(
    spaces: Spaces, recorder: Recorder
) -> None:
    await approve_guest(spaces)
    await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 2))
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    assert recorder.wished("UnseatGuest") == [{"space": SPACE, "user": GUEST}]


async def test_one_room_that_cannot_be_read_does_not_keep_the_others_from_it(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.01)
    second = SpaceId("second")
    await spaces.create(cmd.CreateSpace(second, "second", "Second", BEN, "Ben", 11_000))
    await spaces.ask(second, cmd.AttachRoom(RoomId("!second")))
    recorder.rooms[RoomId("!second")] = RoomSnapshot({BEN: 90}, {BEN: "Ben"})
    reconciler = Reconciler(spaces, SoundDesk(spaces), recorder)
    reconciler.start()
    async with asyncio.timeout(5):
        while not (view := spaces.view(second)) or not view.person(BEN).joined:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await reconciler.stop()


async def test_refusals_and_denials_are_told(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 1))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, BEN))
    await spaces.ask(SPACE, cmd.ObserveRefusedGrant(BEN, "M_FORBIDDEN"))
    assert recorder.wished("TellUser")[0]["user"] == HOST
    await spaces.ask(SPACE, cmd.DenySpeaker(HOST, BEN))
    assert recorder.wished("TellUser")[1]["user"] == BEN
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Z", guest=True))
    await spaces.ask(SPACE, cmd.DenySpeaker(HOST, GUEST))
    assert len(recorder.wished("TellUser")) == 2


async def test_silence_comes_before_the_journal(spaces: Spaces, recorder: Recorder) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    recorder.calls.clear()
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90}))
    names = [call[0] for call in recorder.calls]
    assert names.index("close_microphone") < names.index("append")
    assert names.index("end_microphone_session") < names.index("append")
    assert recorder.called("close_track") == [(BEN,)]


async def test_a_hint_shuts_the_gate_even_while_the_database_is_away(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    recorder.calls.clear()
    recorder.failures = [StorageError("away")]
    spaces.tell(SPACE, cmd.SuspectLoss(BEN))
    assert recorder.called("close_microphone") == [(SPACE, BEN)]
    await settled(spaces)
    view = spaces.view(SPACE)
    assert view is not None
    assert not view.on_air
    monkeypatch.setattr(actor_module, "STORAGE_PATIENCE_S", -1.0)
    recorder.failures = [StorageError("away")]
    spaces.tell(SPACE, cmd.React(BEN, "👏"))
    await settled(spaces)
    assert view.reactions == {}


async def test_who_asks_is_told_of_a_failing_database_and_nothing_changed(
    spaces: Spaces, recorder: Recorder
) -> None:
    recorder.failures = [StorageError("away")]
    before = spaces.view(SPACE)
    with pytest.raises(StorageError):
        await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 1))
    assert spaces.view(SPACE) == before


async def test_refusals_reach_the_asker_and_tellers_go_on(spaces: Spaces) -> None:
    with pytest.raises(Rejected):
        await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    spaces.tell(SPACE, cmd.OpenMicrophone(BEN))
    await settled(spaces)
    with pytest.raises(Rejected):
        await spaces.ask(SpaceId("unknown"), cmd.OpenMicrophone(BEN))
    spaces.tell(SpaceId("unknown"), cmd.OpenMicrophone(BEN))
    spaces.then(SpaceId("unknown"), lambda: None)


async def test_an_asker_who_gives_up_harms_nobody(spaces: Spaces, recorder: Recorder) -> None:
    asking = asyncio.create_task(spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 1)))
    await asyncio.sleep(0)
    asking.cancel()
    refused = asyncio.create_task(spaces.ask(SPACE, cmd.OpenMicrophone(BEN)))
    await asyncio.sleep(0)
    refused.cancel()
    await settled(spaces)
    assert recorder.wished("PromptModerator")


async def test_a_bug_ends_the_actor_and_the_journal_gives_its_state_back(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "RESTART_PAUSE_S", 0.01)
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    for failure in (RuntimeError("a bug"), JournalConflict("another writer")):
        recorder.failures = [failure]
        with pytest.raises(AdapterError):
            await spaces.ask(SPACE, cmd.React(BEN, "👏"))
    assert await spaces.ask(SPACE, cmd.React(BEN, "👏"))
    assert recorder.called("set_gates") == [(SPACE, frozenset({BEN}))] * 2


async def test_what_waits_while_an_actor_restarts_is_not_lost(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "RESTART_PAUSE_S", 0.01)
    recorder.failures = [RuntimeError("a bug"), StorageError("not yet")]
    spaces.tell(SPACE, cmd.React(BEN, "👏"))
    spaces.tell(SPACE, cmd.CountReactions({"❤️": 1}))
    await settled(spaces)
    view = spaces.view(SPACE)
    assert view is not None
    assert view.reactions == {"❤️": 1}


async def test_who_waits_while_the_bridge_stops_is_told(
    spaces: Spaces, recorder: Recorder
) -> None:
    asking = asyncio.create_task(spaces.ask(SPACE, cmd.React(BEN, "👏")))
    spaces.tell(SPACE, cmd.React(BEN, "👏"))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(spaces.stop())
    outcome = await asyncio.gather(asking, stopping, return_exceptions=True)
    assert isinstance(outcome[0], AdapterError | list)
    late = asyncio.create_task(spaces.ask(SPACE, cmd.React(BEN, "👏")))
    await asyncio.sleep(0)
    await spaces.stop()
    with pytest.raises(AdapterError, match="stopping"):
        await late


async def test_too_many_waiting_commands_are_refused_but_never_what_the_homeserver_holds(
    spaces: Spaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor_module, "BUSY", 0)
    with pytest.raises(Rejected) as refusal:
        await spaces.ask(SPACE, cmd.React(BEN, "👏"))
    assert refusal.value.code == "busy"
    assert await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10}))


async def test_a_host_has_one_live_space_at_a_time(spaces: Spaces) -> None:
    identity, slug = Spaces.new_identity("Zweiter Abend – größer!", "$second")
    assert (identity, slug) == Spaces.new_identity("Zweiter Abend – größer!", "$second")
    assert slug.startswith("zweiter-abend-groer-")
    assert Spaces.new_identity("日本語", "$x")[1].startswith("space-")
    second = cmd.CreateSpace(identity, slug, "Two", HOST, "Ada", 1)
    await spaces.create(second)
    with pytest.raises(Rejected) as refusal:
        await spaces.ask(identity, cmd.StartSpace(HOST, 2))
    assert refusal.value.code == "host_is_live"


async def test_spaces_are_found_by_room_slug_and_after_their_end(
    spaces: Spaces, recorder: Recorder
) -> None:
    assert spaces.by_room(ROOM) == spaces.by_slug(CREATE.slug) == spaces.view(SPACE)
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    assert spaces.open() == []
    later = Spaces(recorder.world())
    await later.resume()
    assert later.view(SPACE) is None
    found = await later.find_by_slug(CREATE.slug)
    assert found is not None
    assert found.ended_at_ms == 20_000
    assert await later.find_by_slug("nothing") is None
    assert await later.find(SpaceId("nothing")) is None
    assert await spaces.find_by_slug(CREATE.slug) == found
    assert later.audience_size(SPACE) == 0


async def test_ended_spaces_are_let_go_after_a_while_and_still_found(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.EndSpace(HOST, recorder.now))
    recorder.now += registry.LAST_WORDS_MS + 1
    await spaces.create(
        cmd.CreateSpace(SpaceId("next"), "next", "Next", HOST, "Ada", recorder.now)
    )
    assert spaces.view(SPACE) is None
    found = await spaces.find_by_slug(CREATE.slug)
    assert found is not None
    assert found.space == SPACE


async def test_listeners_are_members_without_the_floor_and_guests(spaces: Spaces) -> None:
    assert spaces.audience_size(SPACE) == 1 + 3
    await seat(spaces)
    assert spaces.audience_size(SPACE) == 0 + 3


async def test_a_journal_that_does_not_begin_or_is_missing_is_refused(
    recorder: Recorder,
) -> None:
    door = Spaces(recorder.world())
    await door.create(CREATE)
    await door.ask(SPACE, cmd.AttachRoom(ROOM))
    await door.stop()
    for rows in (recorder.rows[SPACE][1:], []):
        recorder.rows[SPACE] = rows
        with pytest.raises(AdapterError):
            await Spaces(recorder.world()).resume()


async def test_wishes_go_straight_into_the_outbox(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.wish(TellUser(BEN, "hello"), "k1")
    assert recorder.effects["k1"].queue == f"dm|{BEN}"


async def test_captions_are_journalled_before_the_audio_is_forgotten(
    spaces: Spaces, recorder: Recorder
) -> None:
    desk = SoundDesk(spaces)
    desk.captioned(SPACE, Utterance(UtteranceId("u"), BEN, 100, 900, "hello", "en"))
    desk.heard(SPACE, BEN, 1_500)
    await settled(spaces)
    names = [c[0] for c in recorder.calls]
    assert names.index("append") < names.index("audio_taken")
    assert recorder.called("audio_taken") == [(BEN, 900), (BEN, 1_500)]
    assert recorder.wished("PostCaption")[0]["text"] == "hello"


async def test_sound_flows_between_stage_captioner_and_page(
    spaces: Spaces, recorder: Recorder
) -> None:
    desk = SoundDesk(spaces)
    desk.audio(SPACE, BEN, 100, b"\0" * 3200)
    assert recorder.called("hear") == [(BEN, 100)]
    desk.audio(SpaceId("gone"), BEN, 100, b"\0" * 3200)
    assert recorder.called("audio_taken") == [(BEN, 200)]
    desk.levels(SPACE, {BEN: 50})
    assert recorder.called("levels") == [(SPACE, {BEN: 50})]
    desk.missed(SPACE, BEN, 700)
    assert recorder.called("replay_audio") == [(BEN, 700)]
    desk.paused(paused=True)
    desk.paused(paused=False)
    assert len(recorder.called("notice")) == 2
    desk.listeners_changed(SPACE)
    desk.listeners_changed(SpaceId("gone"))
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    desk.microphone_lost(SPACE, BEN)
    await settled(spaces)
    view = spaces.view(SPACE)
    assert view is not None
    assert not view.on_air


async def test_a_new_media_worker_is_brought_to_where_the_space_is(
    spaces: Spaces, recorder: Recorder
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    recorder.now = 12_500
    recorder.calls.clear()
    desk = SoundDesk(spaces)
    desk.worker_restarted([SPACE, SpaceId("gone")])
    assert recorder.called("open_space") == [(SPACE, 2_500)]
    assert recorder.called("set_gates") == [(SPACE, frozenset({BEN}))]
    desk.open_stage(SpaceId("gone"))
    assert len(recorder.called("open_space")) == 1


async def test_after_a_start_room_sound_and_wishes_are_made_true(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, GUEST))
    await spaces.ask(SPACE, cmd.ObserveMember(EVE, joined=True, name="Eve"))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10, EVE: 10}))
    await spaces.ask(SPACE, cmd.OpenMicrophone(EVE))
    await spaces.ask(SPACE, cmd.CaptionUtterance(UtteranceId("u"), BEN, 100, 900, "hi", "en"))
    await spaces.ask(SPACE, cmd.ObserveMember(UserId("@moe:x.y"), joined=True, name="Moe"))
    await spaces.ask(SPACE, cmd.RequestToSpeak(UserId("@moe:x.y"), 3))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, UserId("@moe:x.y")))
    await spaces.ask(SPACE, cmd.DemoteSpeaker(HOST, UserId("@moe:x.y")))
    await spaces.stop()
    recorder.effects.clear()
    recorder.microphones = {BEN}
    started = len(recorder.calls)
    restarted = Spaces(recorder.world())
    await restarted.resume()
    reconciler = Reconciler(restarted, SoundDesk(restarted), recorder)
    monkeypatch.setattr("spaces_bridge.app.reconcile.RETRY_S", 0.01)
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.01)
    reconciler.start()
    await asyncio.sleep(0.03)
    everybody = {HOST: "Ada", BEN: "Ben", EVE: "Eve", UserId("@moe:x.y"): "Moe"}
    recorder.rooms[ROOM] = RoomSnapshot({HOST: 90, EVE: 10}, everybody)
    async with asyncio.timeout(5):
        await recorder.wished_for("SeatGuest")
    await reconciler.stop()
    view = restarted.view(SPACE)
    assert view is not None
    assert view.on_air == set()
    assert recorder.called("open_track")[-1] == (BEN, "auto")
    assert recorder.called("audio_taken")[-1] == (BEN, 900)
    names = [call[0] for call in recorder.calls]
    assert names.index("open_track", started) < names.index("open_space", started)
    assert [w["level"] for w in recorder.wished("WriteLevel")] == [None, 10]
    assert recorder.wished("SeatGuest")[0]["user"] == GUEST
    await restarted.stop()


async def test_reconciling_passes_over_what_has_no_room_or_has_ended(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Spaces(recorder.world())
    await door.create(CREATE)
    reconciler = Reconciler(door, SoundDesk(door), recorder)
    await reconciler.stop()
    monkeypatch.setattr("spaces_bridge.app.reconcile.REREAD_EVERY_S", 0.01)
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.01)
    reconciler.start()
    await asyncio.sleep(0.05)
    await reconciler.stop()
    assert recorder.kinds() == ["MakeRoom"]
    await door.stop()


async def test_who_was_shown_out_a_moment_before_a_crash_is_cut_after_it(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN))
    await spaces.ask(SPACE, cmd.SetGuests(HOST, GuestPolicy.OFF))
    await spaces.stop()
    recorder.calls.clear()
    restarted = Spaces(recorder.world())
    await restarted.resume()
    reconciler = Reconciler(restarted, SoundDesk(restarted), recorder)
    reconciler.start()
    await reconciler.stop()
    assert recorder.called("end_listening") == [(SPACE, BEN)]
    assert recorder.called("end_microphone_session") == [(SPACE, BEN)]
    assert recorder.called("end_guests") == [(SPACE,)]
    await restarted.stop()


async def test_secrets_are_stored_hashed_and_can_be_revoked(recorder: Recorder) -> None:
    sessions = Sessions(recorder, recorder, "example.org")
    secret = await sessions.mint(SPACE, BEN, "Ben", guest=False)
    assert secret not in str(recorder.tokens)
    token = await sessions.identify(secret)
    assert token is not None
    assert token.user == BEN
    assert await sessions.identify("\ud800 wrong") is None
    await sessions.revoke(SPACE, BEN)
    assert await sessions.identify(secret) is None
    assert sessions.guest_id() != sessions.guest_id()
    assert registry.is_ghost(sessions.guest_id())
    assert not registry.is_ghost(BEN)


async def test_reactions_with_an_annotation_are_redacted_in_time(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.React(BEN, "👏", annotation=EventId("$r")))
    redaction = next(e for e in recorder.effects.values() if e.kind == "RedactEvent")
    assert redaction.due_at_ms == recorder.now + 15_000


async def test_invitations_become_messages(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.InvitePerson(BEN, EVE))
    wished = {"space": SPACE, "user": EVE, "by": BEN, "announcement": False}
    assert recorder.wished("InviteByMessage") == [wished]


async def test_who_leaves_loses_level_and_connection(spaces: Spaces, recorder: Recorder) -> None:
    await seat(spaces)
    events = await spaces.ask(SPACE, cmd.ObserveMember(BEN, joined=False))
    assert ev.LevelForfeited(BEN) in events
    assert recorder.wished("WriteLevel")[-1]["level"] is None
    assert recorder.called("end_microphone_session") == [(SPACE, BEN)]
