"""Wanted against observed."""

import asyncio
from dataclasses import replace

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.app.codec import task_from
from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import RoomSnapshot
from spaces_bridge.app.reconcile import Reconciler, missing
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.pacing.backoff import Backoff
from tests.app.support import SPACE, now, seat, settled
from tests.support.kept import kept
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, GUEST, HOST, ROOM, after, live_space

pytestmark = pytest.mark.unit


async def test_one_room_that_cannot_be_read_does_not_keep_the_others_from_it(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.01)
    second = SpaceId("second")
    await spaces.create(cmd.CreateSpace(second, "second", "Second", BEN, "Ben", 11_000))
    await spaces.ask(second, cmd.AttachRoom(RoomId("!second")))
    recorder.rooms[RoomId("!second")] = RoomSnapshot({BEN: 90}, {BEN: "Ben"})
    reconciler = Reconciler(spaces, MediaEvents(spaces), recorder)
    reconciler.start()
    async with asyncio.timeout(60):
        while not (view := spaces.view(second)) or not view.person(BEN).joined:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await reconciler.stop()


async def test_after_a_start_room_sound_and_tasks_are_made_true(
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
    restarted = Spaces(recorder.context())
    await restarted.resume()
    reconciler = Reconciler(restarted, MediaEvents(restarted), recorder)
    monkeypatch.setattr("spaces_bridge.app.reconcile.REREAD_BACKOFF", Backoff(0.01, 30.0))
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.01)
    reconciler.start()
    await asyncio.sleep(0.03)
    everybody = {HOST: "Ada", BEN: "Ben", EVE: "Eve", UserId("@moe:x.y"): "Moe"}
    recorder.rooms[ROOM] = RoomSnapshot({HOST: 90, EVE: 10}, everybody)
    async with asyncio.timeout(60):
        await recorder.wait_for_task("guest.join")
    await reconciler.stop()
    view = restarted.view(SPACE)
    assert view is not None
    assert view.on_air == set()
    assert recorder.called("open_track")[-1] == (BEN, "auto")
    assert recorder.called("audio_taken")[-1] == (BEN, 900)
    names = [call[0] for call in recorder.calls]
    assert names.index("open_track", started) < names.index("open_space", started)
    assert [w["level"] for w in recorder.enqueued("level.write")] == [None, 10]
    assert recorder.enqueued("guest.join")[0]["user"] == GUEST
    await restarted.stop()


async def test_reconciling_passes_over_what_has_no_room_or_has_ended(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = Spaces(recorder.context())
    await spaces.create(CREATE)
    reconciler = Reconciler(spaces, MediaEvents(spaces), recorder)
    await reconciler.stop()
    monkeypatch.setattr("spaces_bridge.app.reconcile.REREAD_EVERY_S", 0.01)
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.01)
    reconciler.start()
    await asyncio.sleep(0.05)
    await reconciler.stop()
    assert recorder.kinds() == ["room.make"]
    await spaces.stop()


def wanted_again(space: LiveSpace) -> list[tasks.OutboxTask]:
    return [task_from(effect) for effect in missing(space, 7)]


def test_what_the_room_does_not_show_is_enqueued_once_and_without_contradiction() -> None:
    cat, dan = UserId("@cat:example.org"), UserId("@dan:example.org")
    space = live_space()
    for user in (EVE, cat, dan):
        space = after(space, cmd.ObserveMember(user, joined=True, name="N"))
    space = after(
        space,
        cmd.AppointCohost(HOST, cat),
        cmd.ObserveLevels({HOST: 90, BEN: 10, EVE: 90}, by=HOST),
        cmd.ObserveLevels({HOST: 90, BEN: 90, EVE: 90}, by=HOST),
        cmd.DemoteSpeaker(HOST, BEN),
        cmd.RemovePerson(HOST, dan, "out"),
        cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True),
        cmd.ApproveSpeaker(HOST, GUEST),
    )
    again = wanted_again(space)
    assert again[:6] == [
        tasks.SeatGuest(space.space, GUEST, "Zoe"),
        tasks.WriteLevel(space.space, BEN, None),
        tasks.WriteLevel(space.space, cat, 60),
        tasks.WriteLevel(space.space, EVE, None),
        tasks.WriteLevel(space.space, GUEST, 10),
        tasks.BanPerson(space.space, dan, "out"),
    ]
    banned = after(space, cmd.ObserveMember(dan, joined=False, banned=True))
    assert not [w for w in wanted_again(banned) if isinstance(w, tasks.BanPerson)]


def test_a_private_space_is_neither_listed_nor_shown_in_the_community() -> None:
    public = replace(live_space(), community=RoomId("!town"))
    kinds = [type(w) for w in wanted_again(public)]
    made_true = [tasks.ArrangeRoom, tasks.PublishState, tasks.RefreshCard]
    assert kinds == [*made_true, tasks.ListSpace, tasks.RefreshBubble]
    private = replace(public, private=True)
    assert [type(w) for w in wanted_again(private)] == made_true


async def test_a_kicked_host_of_the_room_read_anew_is_seen(
    spaces: Spaces, recorder: Recorder
) -> None:
    recorder.rooms[ROOM] = RoomSnapshot({BEN: 10}, {BEN: "Ben"}, frozenset({EVE}))
    await Reconciler(spaces, MediaEvents(spaces), recorder).observe(SPACE, ROOM)
    view = spaces.view(SPACE)
    assert view is not None
    assert not view.host_present
    assert view.removed[EVE].in_force


async def test_who_was_shown_out_a_moment_before_a_crash_is_cut_after_it(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN))
    await spaces.ask(SPACE, cmd.SetGuests(HOST, GuestPolicy.OFF))
    await spaces.stop()
    recorder.calls.clear()
    restarted = Spaces(recorder.context())
    await restarted.resume()
    reconciler = Reconciler(restarted, MediaEvents(restarted), recorder)
    reconciler.start()
    await reconciler.stop()
    assert recorder.called("end_listening") == [(SPACE, BEN)]
    assert recorder.called("end_microphone_session") == [(SPACE, BEN)]
    assert recorder.called("end_guests") == [(SPACE,)]
    await restarted.stop()


async def test_a_doubt_that_nobody_looked_into_is_looked_into_in_the_end(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event may be one that was handled before, or one that could not be handled."""
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("spaces_bridge.app.reconcile.DOUBT_S", 0.05)
    await seat(spaces)
    recorder.rooms[ROOM] = RoomSnapshot({HOST: 90, BEN: 10}, {HOST: "Ada", BEN: "Ben"})
    reconciler = Reconciler(spaces, MediaEvents(spaces), recorder)
    reconciler.start()
    async with asyncio.timeout(60):
        await recorder.wait_for_task("card.refresh")
        await settled(spaces)
        await spaces.ask(SPACE, cmd.SuspectLoss(BEN))
        assert now(spaces).doubts
        while now(spaces).doubts:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert now(spaces).may_speak(BEN)
    await reconciler.stop()


async def test_nothing_is_kept_of_live_spaces_that_are_over(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spaces_bridge.app.reconcile.LOOK_EVERY_S", 0.0)
    await seat(spaces)
    await spaces.ask(SPACE, cmd.SuspectLoss(BEN))
    recorder.rooms.clear()  # it cannot be read, so the doubt stays
    reconciler = Reconciler(spaces, MediaEvents(spaces), recorder)
    reconciler.start()
    async with asyncio.timeout(60):
        while kept(reconciler) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await spaces.ask(SPACE, cmd.EndSpace(HOST, recorder.now))
        while kept(reconciler):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await reconciler.stop()
