"""Between stage, captioner and page."""

import pytest

from spaces_bridge.app.ports import Utterance
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sound_desk import SoundDesk
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UtteranceId
from tests.app.support import SPACE, seat, settled
from tests.support.recorder import Recorder
from tests.support.spaces import BEN

pytestmark = pytest.mark.unit


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
