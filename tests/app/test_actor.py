"""Actors: one writer, one cause once, silence first, nobody left without an answer."""

import asyncio

import pytest

from spaces_bridge.app import actor as actor_module
from spaces_bridge.app import registry
from spaces_bridge.app.errors import AdapterError, JournalConflict, StorageError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UtteranceId
from tests.app.support import SPACE, enter, now, seat, settled
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, EVE, HOST

pytestmark = pytest.mark.unit


async def test_a_source_takes_effect_once_even_after_a_restart(
    spaces: Spaces, recorder: Recorder
) -> None:
    assert await spaces.ask(SPACE, cmd.React(BEN, "👏"), source="$1")
    assert await spaces.ask(SPACE, cmd.React(BEN, "👏"), source="$1") == []
    await spaces.stop()
    restarted = Spaces(recorder.context())
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
    restarted = Spaces(recorder.context())
    await restarted.resume()
    assert restarted.view(SPACE) == spaces.view(SPACE)
    await restarted.stop()


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
    assert recorder.enqueued("hand.prompt")


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


@pytest.mark.parametrize(
    "command",
    [
        cmd.MuteSpeaker(HOST, BEN),
        cmd.MuteAll(HOST),
        cmd.DemoteSpeaker(HOST, BEN),
        cmd.RemovePerson(HOST, BEN),
        cmd.RemovePerson(None, BEN, "a list", blocked=True),
        cmd.EndSpace(HOST, 20_000),
    ],
)
async def test_a_hosts_word_shuts_the_gate_before_the_crowd_has_had_its_turn(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, command: cmd.Command
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    monkeypatch.setattr(actor_module, "BUSY", 3)
    recorder.calls.clear()
    asked = asyncio.ensure_future(spaces.ask(SPACE, command))
    for _ in range(3):
        spaces.tell(SPACE, cmd.React(HOST, "👏"))
    await asked
    assert recorder.calls[0] == ("close_microphone", SPACE, BEN)
    assert recorder.calls[1] == ("append", SPACE, 3)
    assert not now(spaces).on_air


async def test_a_word_that_counts_no_more_when_its_turn_comes_leaves_no_gate_in_between(
    spaces: Spaces, recorder: Recorder
) -> None:
    """The dismissed co-host's mute is refused: the microphone is shut for real, and may open."""
    await seat(spaces)
    await enter(spaces, EVE)
    await spaces.ask(SPACE, cmd.AppointCohost(HOST, EVE))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10, EVE: 60}))
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    spaces.tell(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10}))
    with pytest.raises(Rejected):
        await spaces.ask(SPACE, cmd.MuteSpeaker(EVE, BEN))
    await settled(spaces)
    assert recorder.called("close_microphone")
    assert BEN not in now(spaces).microphones
    assert await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))


async def test_a_refused_word_of_nobody_shuts_nothing(spaces: Spaces, recorder: Recorder) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    with pytest.raises(Rejected):
        await spaces.ask(SPACE, cmd.MuteAll(EVE))
    assert recorder.called("close_microphone") == []
    assert now(spaces).on_air == {BEN}


async def test_too_many_waiting_commands_are_refused_but_never_what_the_homeserver_holds(
    spaces: Spaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor_module, "BUSY", 0)
    with pytest.raises(Rejected) as refusal:
        await spaces.ask(SPACE, cmd.React(BEN, "👏"))
    assert refusal.value.code == "overloaded"
    assert await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10}))


async def test_reactions_that_wait_together_are_journalled_together_and_answered_one_by_one(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, EVE))
    recorder.calls.clear()
    asked = [
        spaces.ask(SPACE, cmd.React(BEN, "👏"), source="$1"),
        spaces.ask(SPACE, cmd.React(EVE, "👏"), source="$2"),
        spaces.ask(SPACE, cmd.React(BEN, "👏"), source="$1"),
        spaces.ask(SPACE, cmd.React(HOST, "❤️"), source="$3"),
        spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 5), source="$4"),
        spaces.ask(SPACE, cmd.React(BEN, "❤️")),
    ]
    outcome = await asyncio.gather(*asked, return_exceptions=True)
    assert outcome[0] == [ev.Reacted(BEN, "👏", None)]
    assert isinstance(outcome[1], Rejected)
    assert outcome[2] == []
    assert outcome[3] == [ev.Reacted(HOST, "❤️", None)]
    assert recorder.called("append") == [(SPACE, 2), (SPACE, 1), (SPACE, 1)]
    assert [row.source for row in recorder.rows[SPACE][-4:]] == ["$1", "$3", "$4", None]
    view = spaces.view(SPACE)
    assert view is not None
    assert view.reactions == {"👏": 1, "❤️": 2}


async def test_a_failing_database_is_told_to_those_who_ask_and_what_was_told_waits(
    spaces: Spaces, recorder: Recorder
) -> None:
    recorder.failures = [StorageError("away")]
    spaces.tell(SPACE, cmd.React(BEN, "👏"))
    assert await spaces.ask(SPACE, cmd.React(BEN, "❤️")) == [ev.Reacted(BEN, "❤️", None)]
    recorder.failures = [StorageError("away")]
    asked = asyncio.create_task(spaces.ask(SPACE, cmd.React(BEN, "❤️")))
    await asyncio.sleep(0)
    spaces.tell(SPACE, cmd.React(BEN, "👏"))
    with pytest.raises(StorageError):
        await asked
    await settled(spaces)
    view = spaces.view(SPACE)
    assert view is not None
    assert view.reactions == {"👏": 2, "❤️": 1}


async def test_another_writer_of_the_journal_is_found_out_and_nothing_is_lost(
    spaces: Spaces, recorder: Recorder
) -> None:
    recorder.failures = [JournalConflict("taken")]
    first, second = await asyncio.gather(
        spaces.ask(SPACE, cmd.React(BEN, "👏")),
        spaces.ask(SPACE, cmd.React(BEN, "❤️")),
        return_exceptions=True,
    )
    assert isinstance(first, AdapterError)
    assert isinstance(second, AdapterError)
    assert await spaces.ask(SPACE, cmd.React(BEN, "😂"))
    view = spaces.view(SPACE)
    assert view is not None
    assert view.reactions == {"😂": 1}


async def test_whoever_is_in_the_middle_of_it_when_the_bridge_stops_is_told(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def stuck(*_: object) -> None:
        reached.set()
        await never.wait()

    monkeypatch.setattr(recorder, "append", stuck)
    group = [asyncio.create_task(spaces.ask(SPACE, cmd.React(BEN, "👏"))) for _ in range(2)]
    group.append(asyncio.create_task(spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 2))))
    async with asyncio.timeout(60):
        await reached.wait()
        await spaces.stop()
        outcome = await asyncio.gather(*group, return_exceptions=True)
    assert [str(o) for o in outcome] == ["The bridge is stopping. Try again in a moment."] * 3
