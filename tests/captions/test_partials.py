"""The real worker with a real model, on a live space: words shown while they are said."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import Draft
from spaces_bridge.app.registry import Spaces
from spaces_bridge.captions.captioner import CaptionerOptions, WorkerCaptioner
from spaces_bridge.captions.messages import DraftMessage as WorkerDraft
from spaces_bridge.captions.messages import FromCaptionWorker, OpenTrack, Speech, Utterance
from spaces_bridge.captions.models import model_directory
from spaces_bridge.captions.worker.scheduler import Scheduler
from spaces_bridge.captions.worker.speech_track import SpeechPcm
from spaces_bridge.captions.worker.transcriber import Transcriber
from spaces_bridge.captions.worker.vad import VoiceDetector, load_vad
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UtteranceId
from spaces_bridge_demo.wer import word_error_rate, words_of
from tests.app.support import SPACE, now, seat
from tests.support.captions import PATIENT, conversation, in_a_row, until, worker_of_this_test
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, HOST, ROOM

pytestmark = pytest.mark.peers


@dataclass
class CaptionSetup:
    """Ben is on air in a live space that is captioned."""

    spaces: Spaces
    recorder: Recorder
    captioner: WorkerCaptioner
    media_events: MediaEvents
    at_ms: int = 0
    heard: list[tuple[int, bytes]] = field(default_factory=list)

    async def talk(self, pcm: SpeechPcm, enough: Callable[[], bool]) -> None:
        """Say this over and over, as fast as people speak, until it is enough."""
        async with asyncio.timeout(240):
            for piece in itertools.cycle(range(len(pcm) // 1600)):
                if enough():
                    return
                sound = pcm[piece * 1600 : (piece + 1) * 1600].tobytes()
                self.heard.append((self.at_ms, sound))
                self.media_events.audio(SPACE, BEN, self.at_ms, sound)
                self.at_ms += 100
                await asyncio.sleep(0.1)

    async def quiet(self, enough: Callable[[], bool]) -> None:
        await self.talk(np.zeros(1600, np.int16), enough)

    @property
    def drafts(self) -> list[Draft]:
        return [d for _, d in self.recorder.called("draft") if isinstance(d, Draft)]

    @property
    def shown(self) -> list[Draft]:
        """Drafts of words."""
        return [draft for draft in self.drafts if draft.text]

    @property
    def finals(self) -> dict[UtteranceId, str]:
        return {line.utterance: line.text for line in now(self.spaces).caption_lines}

    def of_latest(self) -> int:
        """How many drafts the latest utterance has."""
        return sum(d.utterance == self.shown[-1].utterance for d in self.shown if self.shown)


@pytest.fixture
async def setup(model_cache: Path) -> AsyncIterator[CaptionSetup]:
    recorder = Recorder()
    captioner = WorkerCaptioner(CaptionerOptions("tiny.en", "en", model_cache, command=PATIENT))
    spaces = Spaces(replace(recorder.context(), captioner=captioner))
    media_events = MediaEvents(spaces)
    captioner.listen(media_events)
    try:
        await captioner.start()
        await spaces.create(CREATE, source="$create")
        await spaces.ask(SPACE, cmd.AttachRoom(ROOM))
        await spaces.ask(SPACE, cmd.ObserveRoom({HOST: 90}, {HOST: "Ada", BEN: "Ben"}))
        await spaces.ask(SPACE, cmd.StartSpace(HOST, 10_000))
        await seat(spaces)
        await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
        yield CaptionSetup(spaces, recorder, captioner, media_events)
    finally:
        await captioner.stop()
        await spaces.stop()


def solid_only_grows(drafts: list[Draft] | list[WorkerDraft]) -> bool:
    """Whether what was committed of each utterance stayed as it was."""
    solid: dict[UtteranceId, str] = {}
    for draft in drafts:
        before = solid.get(draft.utterance, "")
        solid[draft.utterance] = draft.text[: draft.committed]
        if not draft.text.startswith(before) or draft.committed < len(before):
            return False
    return any(solid.values())


async def test_words_are_shown_while_they_are_said_and_the_final_takes_their_place(
    setup: CaptionSetup,
) -> None:
    speech = in_a_row(conversation()[:4], pause_s=0.0)
    await setup.talk(speech.pcm, lambda: bool(setup.shown) and setup.of_latest() >= 3)
    assert setup.shown[-1].utterance not in setup.finals
    await setup.quiet(lambda: setup.shown[-1].utterance in setup.finals)
    first = setup.shown[0]
    assert {draft.utterance for draft in setup.shown} <= setup.finals.keys()
    assert solid_only_grows(setup.shown)
    assert words_of(setup.finals[first.utterance])[0] == words_of(speech.text)[0]
    assert words_of(first.text)[0] == words_of(speech.text)[0]
    kept = [body["utterance"] for body in setup.recorder.enqueued("caption.post")]
    assert kept == list(setup.finals)


async def test_of_a_demoted_speaker_nothing_more_is_shown_in_the_middle_of_a_word(
    setup: CaptionSetup,
) -> None:
    speech = in_a_row(conversation()[:4], pause_s=0.0)
    await setup.talk(speech.pcm, lambda: bool(setup.shown) and setup.of_latest() >= 2)
    shown = setup.shown
    asked = asyncio.create_task(setup.spaces.ask(SPACE, cmd.DemoteSpeaker(HOST, BEN)))
    # what the media worker had on the way
    await setup.talk(speech.pcm, asked.done)
    after = len(setup.shown)
    await setup.talk(speech.pcm, lambda: not setup.captioner.open_tracks)
    await until(lambda: shown[-1].utterance in setup.finals)
    assert BEN not in now(setup.spaces).on_air
    assert setup.shown[after:] == []


async def test_a_worker_killed_in_mid_sentence_leaves_no_draft_and_says_all_once(
    setup: CaptionSetup,
) -> None:
    speech = in_a_row(conversation()[:2], pause_s=0.0)
    await setup.talk(speech.pcm, lambda: bool(setup.shown) and setup.of_latest() >= 2)
    lost = setup.shown[-1].utterance
    worker_of_this_test().send_signal(signal.SIGKILL)
    await until(lambda: lost in {d.utterance for d in setup.drafts if not d.text})
    await until(lambda: bool(setup.recorder.called("replay_audio")))
    ((_, from_ms),) = setup.recorder.called("replay_audio")
    assert isinstance(from_ms, int)
    for at_ms, sound in setup.heard[from_ms // 100 :]:
        setup.media_events.audio(SPACE, BEN, at_ms, sound)
    await setup.spaces.ask(SPACE, cmd.CloseMicrophone(BEN))
    await until(lambda: not setup.captioner.open_tracks)
    await until(lambda: bool(setup.finals))
    last = {draft.utterance: draft for draft in setup.drafts}
    assert all(not draft.text for name, draft in last.items() if name not in setup.finals)
    lines = now(setup.spaces).caption_lines
    assert [b.start_ms >= a.end_ms for a, b in itertools.pairwise(lines)] == [True] * (
        len(lines) - 1
    )


def test_what_is_committed_is_what_was_said(model_cache: Path) -> None:
    passed = 0.0
    writer, vad = Transcriber(str(model_directory("tiny.en", model_cache))), load_vad()
    scheduler = Scheduler(writer, lambda: VoiceDetector(vad), "en", clock=lambda: passed)
    speech, said = in_a_row(conversation()[:6]), list[FromCaptionWorker]()
    said += scheduler.take(OpenTrack(SPACE, BEN, "en"))
    for at_ms in range(0, len(speech.pcm) // 16, 100):
        passed += 0.1
        sound = speech.pcm[at_ms * 16 : (at_ms + 100) * 16].tobytes()
        said += scheduler.take(Speech(SPACE, BEN, at_ms, sound))
        while scheduler.has_work:
            said += scheduler.work()
    drafts = [message for message in said if isinstance(message, WorkerDraft)]
    finals = [message for message in said if isinstance(message, Utterance)]
    assert {draft.utterance for draft in drafts} <= {final.utterance for final in finals}
    assert solid_only_grows(drafts)
    latest = {draft.utterance: draft for draft in drafts}
    pairs = [(f.text, latest[f.utterance]) for f in finals if f.utterance in latest]
    assert len(pairs) >= 0.8 * len(finals)
    wrong = right = 0.0
    for text, draft in pairs:
        solid = words_of(draft.text[: draft.committed])
        right += len(solid)
        wrong += word_error_rate(" ".join(words_of(text)[: len(solid)]), " ".join(solid)) * len(
            solid
        )
    assert right > 20
    assert wrong / right < 0.2
