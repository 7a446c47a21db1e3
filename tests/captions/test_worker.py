"""The real worker with the real models: speech in, words out."""

import asyncio
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from spaces_bridge.captions.captioner import CaptionerOptions, WorkerCaptioner
from spaces_bridge.captions.messages import CODEC, Load
from spaces_bridge.captions.models import CaptionsModelMissing, model_directory
from spaces_bridge.captions.process import COMMAND
from spaces_bridge.captions.worker.ids import utterance_id
from spaces_bridge.core.ids import UserId
from spaces_bridge_demo.wer import word_error_rate
from tests.support.captions import (
    ADA,
    BEN,
    PATIENT,
    SPACE,
    Remembered,
    conversation,
    feed,
    human_speech,
    in_a_row,
    until,
    worker_of_this_test,
)
from tests.support.voices import wordless

pytestmark = pytest.mark.peers

MAX_RSS = 450 * 2**20


def _captioner(model: str, language: str, cache: Path) -> WorkerCaptioner:
    return WorkerCaptioner(CaptionerOptions(model, language, cache, command=PATIENT))


@asynccontextmanager
async def captioning(
    cache: Path, model: str = "base", language: str = "auto"
) -> AsyncIterator[tuple[WorkerCaptioner, Remembered]]:
    """A captioner with a real model, and its listener."""
    captioner, remembered = _captioner(model, language, cache), Remembered()
    captioner.listen(remembered)
    try:
        await captioner.start()
        yield captioner, remembered
    finally:
        await captioner.stop()


async def finished(captioner: WorkerCaptioner, remembered: Remembered, *users: UserId) -> None:
    """Close the tracks and wait for their last words, which a silent track marks the end of."""
    for user in users:
        captioner.close_track(SPACE, user)
    last = UserId("@last:example.org")
    captioner.open_track(SPACE, last, "en")
    captioner.hear(SPACE, last, 1_000_000, bytes(3200))
    captioner.close_track(SPACE, last)
    await until(lambda: last in remembered.heard_ms)
    await until(lambda: not captioner.open_tracks)


@pytest.mark.parametrize("model", ["base", "tiny.en"])
async def test_people_are_understood_within_the_memory_allowed(
    model: str, model_cache: Path
) -> None:
    human, script = in_a_row(human_speech()), in_a_row(conversation())
    async with captioning(model_cache, model) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "auto")
        captioner.open_track(SPACE, BEN, "en")
        feed(captioner, ADA, human.pcm, start_ms=10_000)
        feed(captioner, BEN, script.pcm, start_ms=20_000)
        await finished(captioner, remembered, ADA, BEN)
        memory = worker_of_this_test().memory_info().rss
    assert word_error_rate(human.text, remembered.text_of(ADA)) <= 0.15
    assert word_error_rate(script.text, remembered.text_of(BEN)) <= 0.15
    assert {said.language for said in remembered.said} == {"en"}
    assert all(
        said.utterance == utterance_id(SPACE, said.speaker, said.start_ms)
        for said in remembered.said
    )
    assert memory < MAX_RSS


async def test_silence_noise_and_tones_are_not_taken_for_words(model_cache: Path) -> None:
    rng = np.random.default_rng(2)
    seconds = np.arange(20 * 16_000) / 16_000
    beeps = np.sin(2 * np.pi * 440 * seconds) * (seconds % 2 < 1)
    sounds = {
        "silence": np.zeros(len(seconds)),
        "noise": rng.normal(0, 0.05, len(seconds)),
        "loud noise": rng.normal(0, 0.3, len(seconds)).clip(-1, 1),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * seconds),
        "beeps": 0.5 * beeps,
        "hum": 0.3 * np.sin(2 * np.pi * 50 * seconds) + 0.1 * np.sin(2 * np.pi * 150 * seconds),
    }
    users = {name: UserId(f"@{name.replace(' ', '-')}:example.org") for name in sounds}
    async with captioning(model_cache) as (captioner, remembered):
        for name, sound in sounds.items():
            captioner.open_track(SPACE, users[name], "auto")
            feed(captioner, users[name], (sound * 32767).astype(np.int16))
        await finished(captioner, remembered, *users.values())
    assert remembered.said == []
    assert all(remembered.heard_ms[user] >= 19_000 for user in users.values())


async def test_hums_laughter_and_melodies_are_not_taken_for_sentences(model_cache: Path) -> None:
    sounds = wordless()
    users = {name: UserId(f"@{name}:example.org") for name in sounds}
    async with captioning(model_cache) as (captioner, remembered):
        for name, pcm in sounds.items():
            captioner.open_track(SPACE, users[name], "en")
            feed(captioner, users[name], pcm)
        await finished(captioner, remembered, *users.values())
    # a voice that says "mmm" may be written down so: nothing else was said
    said = {word.strip(".,!?…").casefold() for u in remembered.said for word in u.text.split()}
    assert all(set(word) <= set("aeumho") and len(word) <= 4 for word in said), said
    assert all(len(u.text.split()) <= 3 for u in remembered.said)


async def test_a_killed_worker_costs_no_word_and_says_none_twice(model_cache: Path) -> None:
    script = in_a_row(conversation())
    length_ms = len(script.pcm) // 16
    async with captioning(model_cache) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, script.pcm[: length_ms // 2 * 16])
        await until(lambda: len(remembered.said) >= 3)
        worker_of_this_test().send_signal(signal.SIGKILL)
        await until(lambda: bool(remembered.missed_from))
        ((user, from_ms),) = remembered.missed_from
        assert from_ms == remembered.heard_ms[user] >= remembered.said[2].end_ms
        feed(captioner, user, script.pcm, from_ms=from_ms)
        await finished(captioner, remembered, ADA)
    assert word_error_rate(script.text, remembered.text_of(ADA)) <= 0.15
    starts = [said.start_ms for said in remembered.said]
    assert starts == sorted(set(starts))
    assert remembered.pauses == [True, False]


async def test_the_same_sound_gives_the_same_captions_again(model_cache: Path) -> None:
    speech = in_a_row(conversation()[:4])
    runs = []
    for _ in range(2):
        async with captioning(model_cache) as (captioner, remembered):
            captioner.open_track(SPACE, ADA, "en")
            feed(captioner, ADA, speech.pcm)
            await finished(captioner, remembered, ADA)
        runs.append(remembered.said)
    assert runs[0] == runs[1] != []


async def test_closing_the_microphone_in_the_middle_of_a_word_gives_the_last_words(
    model_cache: Path,
) -> None:
    speech = conversation()[3]
    async with captioning(model_cache) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, speech.pcm[: len(speech.pcm) * 9 // 10])
        await finished(captioner, remembered, ADA)
    (said,) = remembered.said
    assert said.text.startswith("What is the most common mistake")


async def test_a_hole_in_the_sound_is_the_end_of_an_utterance(model_cache: Path) -> None:
    first, second = conversation()[7], conversation()[4]
    async with captioning(model_cache) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, first.pcm)
        feed(captioner, ADA, second.pcm, start_ms=60_000)
        await finished(captioner, remembered, ADA)
    late = [said for said in remembered.said if said.start_ms >= 60_000]
    assert all(said.end_ms < 10_000 for said in remembered.said if said not in late)
    assert word_error_rate(second.text, " ".join(said.text for said in late)) <= 0.15


async def test_a_language_the_model_cannot_write_fails_the_start(model_cache: Path) -> None:
    with pytest.raises(CaptionsModelMissing, match=r"captions\.language is 'de'"):
        async with captioning(model_cache, "tiny.en", "de"):
            pass


async def test_a_directory_with_a_broken_model_fails_the_start(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"nonsense")
    (tmp_path / "config.json").write_bytes(b"{}")
    with pytest.raises(CaptionsModelMissing, match="cannot be loaded"):
        async with captioning(tmp_path, str(tmp_path)):
            pass


async def test_the_worker_ends_with_the_control_process_whatever_it_does(
    model_cache: Path,
) -> None:
    model = str(model_directory("base", model_cache))
    worker = await asyncio.create_subprocess_exec(*COMMAND, stdin=PIPE, stdout=DEVNULL)
    assert worker.stdin is not None
    worker.stdin.write(CODEC.encode(Load(model, "auto")))
    worker.stdin.close()
    async with asyncio.timeout(120):
        assert await worker.wait() == 0


async def test_no_worker_outlives_its_captioner(model_cache: Path) -> None:
    async with captioning(model_cache):
        worker = worker_of_this_test()
    assert not psutil.pid_exists(worker.pid)
