"""Between stage, captioner and page."""

from dataclasses import replace

import pytest

from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import Draft, Overload
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UtteranceId
from tests.app.support import SPACE, seat, settled
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, HOST

pytestmark = pytest.mark.unit


async def test_captions_are_journalled_before_the_audio_is_forgotten(
    spaces: Spaces, recorder: Recorder
) -> None:
    media_events = MediaEvents(spaces)
    media_events.captioned(
        SPACE, cmd.CaptionUtterance(UtteranceId("u"), BEN, 100, 900, "hello", "en")
    )
    media_events.heard(SPACE, BEN, 1_500)
    await settled(spaces)
    names = [c[0] for c in recorder.calls]
    assert names.index("append") < names.index("audio_taken")
    assert recorder.called("audio_taken") == [(BEN, 900), (BEN, 1_500)]
    assert recorder.enqueued("caption.post")[0]["text"] == "hello"


async def test_sound_flows_between_stage_captioner_and_page(
    spaces: Spaces, recorder: Recorder
) -> None:
    media_events = MediaEvents(spaces)
    media_events.audio(SPACE, BEN, 100, b"\0" * 3200)
    assert recorder.called("hear") == [(BEN, 100)]
    media_events.audio(SpaceId("gone"), BEN, 100, b"\0" * 3200)
    assert recorder.called("audio_taken") == [(BEN, 200)]
    media_events.levels(SPACE, {BEN: 50})
    assert recorder.called("levels") == [(SPACE, {BEN: 50})]
    media_events.missed(SPACE, BEN, 700)
    assert recorder.called("replay_audio") == [(BEN, 700)]
    media_events.paused(paused=True)
    media_events.paused(paused=False)
    assert len(recorder.called("notice")) == 2
    media_events.listeners_changed(SPACE)
    media_events.listeners_changed(SpaceId("gone"))
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    media_events.microphone_lost(SPACE, BEN)
    await settled(spaces)
    view = spaces.view(SPACE)
    assert view is not None
    assert not view.on_air


async def test_drafts_rest_while_this_machine_has_too_much_to_do_and_pages_know_of_all(
    spaces: Spaces, recorder: Recorder
) -> None:
    media_events = MediaEvents(spaces)
    media_events.overloaded(Overload.LONG_FRAMES, Overload.CALM)
    media_events.overloaded(Overload.LONG_FRAMES, Overload.NO_DRAFTS)
    media_events.overloaded(Overload.CALM, Overload.CALM)
    assert recorder.called("rest_drafts") == [(False,), (True,), (False,)]
    assert recorder.called("overloaded") == [
        (Overload.LONG_FRAMES,),
        (Overload.LONG_FRAMES,),
        (Overload.CALM,),
    ]


DRAFT = Draft(UtteranceId("u"), BEN, "hello wor", 5, 100, 800, "en")
TAKEN_BACK = replace(DRAFT, text="", committed=0)


async def test_what_is_being_said_is_shown_and_kept_nowhere(
    spaces: Spaces, recorder: Recorder
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    recorder.calls.clear()
    tasks = len(recorder.effects)
    media_events = MediaEvents(spaces)
    media_events.drafted(SPACE, DRAFT)
    media_events.drafted(SPACE, TAKEN_BACK)
    await settled(spaces)
    assert recorder.calls == [("draft", SPACE, DRAFT), ("draft", SPACE, TAKEN_BACK)]
    assert len(recorder.effects) == tasks


@pytest.mark.parametrize(
    "ending",
    [
        cmd.MuteSpeaker(HOST, BEN),
        cmd.DemoteSpeaker(HOST, BEN),
        cmd.RemovePerson(HOST, BEN),
        cmd.CloseMicrophone(BEN),
        cmd.LeaveStage(BEN),
        cmd.SetCaptions(HOST, on=False),
        cmd.EndSpace(HOST, 20_000),
    ],
)
async def test_of_somebody_who_is_not_heard_any_more_nothing_is_shown(
    spaces: Spaces, recorder: Recorder, ending: cmd.Command
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    media_events = MediaEvents(spaces)
    await spaces.ask(SPACE, ending)
    media_events.drafted(SPACE, DRAFT)
    media_events.drafted(SpaceId("gone"), DRAFT)
    assert recorder.called("draft") == []
    media_events.drafted(SPACE, TAKEN_BACK)
    assert recorder.called("draft") == [(SPACE, TAKEN_BACK)]


async def test_a_final_that_is_refused_leaves_no_draft_behind(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.SetCaptions(HOST, on=False))
    recorder.calls.clear()
    MediaEvents(spaces).captioned(
        SPACE, cmd.CaptionUtterance(DRAFT.utterance, BEN, 100, 900, "hello", "en")
    )
    await settled(spaces)
    assert recorder.calls == [("draft", SPACE, replace(TAKEN_BACK, end_ms=900))]


async def test_a_new_media_worker_is_brought_to_where_the_space_is(
    spaces: Spaces, recorder: Recorder
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    recorder.now = 12_500
    recorder.calls.clear()
    media_events = MediaEvents(spaces)
    media_events.worker_restarted([SPACE, SpaceId("gone")])
    assert recorder.called("open_space") == [(SPACE, 2_500)]
    assert recorder.called("set_gates") == [(SPACE, frozenset({BEN}))]
    media_events.open_stage(SpaceId("gone"))
    assert len(recorder.called("open_space")) == 1


async def test_a_microphone_that_sends_too_much_is_told_on_its_own_pages(
    spaces: Spaces, recorder: Recorder
) -> None:
    MediaEvents(spaces).microphone_cut(SPACE, BEN)
    assert recorder.called("notice") == [(SPACE, "microphone_cut", BEN)]
