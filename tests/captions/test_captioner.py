"""The control side and a worker without a model: started, fed, watched, restarted."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.captions.captioner import CaptionerOptions, WorkerCaptioner
from spaces_bridge.captions.models import CaptionsModelMissing
from spaces_bridge.web.http.metric_table import keys_of
from tests.support.captions import ADA, BEN, SPACE, Remembered, feed, until

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]


def options(tmp_path: Path, behaviour: str, room_ms: int = 120_000) -> CaptionerOptions:
    """A fake worker that behaves so, and a directory that looks like a model."""
    for name in ("model.bin", "config.json"):
        (tmp_path / name).touch()
    worker = "tests.support.fake_caption_worker"
    command = ("env", "-C", str(ROOT), sys.executable, "-m", worker, behaviour)
    return CaptionerOptions(str(tmp_path), "auto", tmp_path / "cache", room_ms, command)


@asynccontextmanager
async def captioning(
    options: CaptionerOptions,
) -> AsyncIterator[tuple[WorkerCaptioner, Remembered]]:
    """A captioner that runs, and its listener."""
    captioner, remembered = WorkerCaptioner(options), Remembered()
    captioner.listen(remembered)
    try:
        await captioner.start()
        yield captioner, remembered
    finally:
        await captioner.stop()


def workers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if "tests.support.fake_caption_worker" in child.cmdline()
    ]


def sound(ms: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.ones(ms * 16, np.int16)


async def test_what_the_worker_writes_reaches_the_listener(tmp_path: Path) -> None:
    async with captioning(options(tmp_path, "echo")) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(3000), start_ms=5000)
        captioner.close_track(SPACE, ADA)
        await until(lambda: bool(remembered.said))
    (said,) = remembered.said
    assert (said.speaker, said.start_ms, said.end_ms, said.text) == (ADA, 5000, 8000, "3000 ms")
    assert remembered.heard_ms == {ADA: 8000}
    assert remembered.pauses == []
    assert workers() == []


async def test_what_is_being_said_is_told_until_it_is_final(tmp_path: Path) -> None:
    async with captioning(options(tmp_path, "echo")) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(300), start_ms=5000)
        await until(lambda: len(remembered.drafts) == 3)
        captioner.close_track(SPACE, ADA)
        await until(lambda: bool(remembered.said))
        workers()[0].kill()
        await until(lambda: remembered.pauses == [True])
    assert [draft.text for draft in remembered.drafts] == ["100 ms", "200 ms", "300 ms"]
    assert {draft.utterance for draft in remembered.drafts} == {remembered.said[0].utterance}
    assert {(d.speaker, d.start_ms) for d in remembered.drafts} == {(ADA, 5000)}


async def test_without_partials_there_are_finals_only(tmp_path: Path) -> None:
    wanted = replace(options(tmp_path, "echo"), partials=False)
    async with captioning(wanted) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(300))
        captioner.close_track(SPACE, ADA)
        await until(lambda: bool(remembered.said))
    assert remembered.drafts == []


async def test_while_drafts_rest_there_are_finals_only_of_the_next_worker_too(
    tmp_path: Path,
) -> None:
    async with captioning(options(tmp_path, "echo")) as (captioner, remembered):
        captioner.rest_drafts(on=True)
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(300), start_ms=1000)
        captioner.close_track(SPACE, ADA)
        await until(lambda: len(remembered.said) == 1)
        workers()[0].kill()
        await until(lambda: remembered.pauses == [True, False])
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(300), start_ms=5000)
        captioner.close_track(SPACE, ADA)
        await until(lambda: len(remembered.said) == 2)
        assert remembered.drafts == []
        captioner.rest_drafts(on=False)
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(300), start_ms=9000)
        await until(lambda: bool(remembered.drafts))


async def test_a_worker_that_is_killed_leaves_no_draft_behind(tmp_path: Path) -> None:
    async with captioning(options(tmp_path, "echo")) as (captioner, remembered):
        for user in (ADA, BEN):
            captioner.open_track(SPACE, user, "en")
            feed(captioner, user, sound(100), start_ms=1000)
        await until(lambda: len(remembered.drafts) == 2)
        shown = {(draft.speaker, draft.utterance) for draft in remembered.drafts}
        workers()[0].kill()
        await until(lambda: remembered.pauses == [True])
        gone = remembered.drafts[2:]
    assert {(draft.speaker, draft.utterance) for draft in gone} == shown
    assert [(draft.text, draft.committed) for draft in gone] == [("", 0)] * 2


async def test_what_is_said_while_captions_start_is_asked_for_again(tmp_path: Path) -> None:
    captioner, remembered = WorkerCaptioner(options(tmp_path, "echo")), Remembered()
    captioner.listen(remembered)
    captioner.open_track(SPACE, ADA, "en")
    feed(captioner, ADA, sound(1000))
    try:
        await captioner.start()
        assert remembered.missed_from == [(ADA, 0)]
        feed(captioner, ADA, sound(1500))
        captioner.close_track(SPACE, ADA)
        await until(lambda: bool(remembered.said))
    finally:
        await captioner.stop()
    assert [said.text for said in remembered.said] == ["1500 ms"]
    assert remembered.pauses == []


async def test_sound_of_a_closed_microphone_is_not_written_down(tmp_path: Path) -> None:
    async with captioning(options(tmp_path, "echo")) as (captioner, remembered):
        feed(captioner, ADA, sound(1000))
        captioner.open_track(SPACE, BEN, "en")
        feed(captioner, BEN, sound(500))
        captioner.close_track(SPACE, BEN)
        captioner.close_track(SPACE, BEN)
        await until(lambda: bool(remembered.said))
    assert [said.speaker for said in remembered.said] == [BEN]


async def test_a_killed_worker_is_replaced_and_the_sound_asked_for_again(tmp_path: Path) -> None:
    async with captioning(options(tmp_path, "echo")) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(1000), start_ms=1000)
        captioner.open_track(SPACE, BEN, "en")
        workers()[0].kill()
        await until(lambda: remembered.pauses == [True])
        with pytest.raises(AdapterError, match="restarted"):
            await captioner.check()
        feed(captioner, ADA, sound(500), start_ms=2000)
        await until(lambda: remembered.pauses == [True, False])
        await captioner.check()
        assert remembered.missed_from == [(ADA, 0)]
        feed(captioner, ADA, sound(300), start_ms=2500)
        feed(captioner, ADA, sound(2000), start_ms=1000)
        captioner.close_track(SPACE, ADA)
        await until(lambda: bool(remembered.said))
        assert captioner.numbers().restarts == 1
        assert captioner.metrics().keys() == keys_of("captions")
        assert captioner.numbers().latency_s_count == len(remembered.said)
    assert [(said.start_ms, said.end_ms) for said in remembered.said] == [(1000, 3000)]


async def test_a_microphone_that_closed_meanwhile_still_gets_its_last_words(
    tmp_path: Path,
) -> None:
    async with captioning(options(tmp_path, "echo")) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        feed(captioner, ADA, sound(1000))
        workers()[0].kill()
        await until(lambda: remembered.pauses == [True])
        captioner.close_track(SPACE, ADA)
        await until(lambda: remembered.missed_from == [(ADA, 0)])
        feed(captioner, ADA, sound(1000))
        await until(lambda: bool(remembered.said))
    assert [said.text for said in remembered.said] == ["1000 ms"]


async def test_a_stuck_worker_costs_the_oldest_sound_and_nothing_else(tmp_path: Path) -> None:
    async with captioning(options(tmp_path, "stuck", room_ms=10_000)) as (captioner, remembered):
        captioner.open_track(SPACE, ADA, "en")
        for minute in range(5):
            feed(captioner, ADA, sound(60_000), start_ms=minute * 60_000)
            await asyncio.sleep(0)
        assert remembered.pauses == [True]
        assert captioner.numbers().dropped_ms >= 280_000


@pytest.mark.parametrize("behaviour", ["die", "babble"])
async def test_a_worker_that_ends_before_it_is_ready_is_replaced_and_captions_pause(
    tmp_path: Path, behaviour: str
) -> None:
    well = options(tmp_path, "echo")
    flag = tmp_path / "tried"
    choose = f'test -e {flag} && exec "$@" echo; touch {flag}; exec "$@" {behaviour}'
    command = ("sh", "-c", choose, "sh", *well.command[:-1])
    async with captioning(replace(well, command=command)) as (captioner, remembered):
        assert flag.exists()
        assert remembered.pauses == [True, False]
        assert captioner.numbers().restarts == 1
        await captioner.check()
    assert workers() == []


async def test_a_worker_that_never_gets_ready_is_tried_again_until_the_captioner_stops(
    tmp_path: Path,
) -> None:
    captioner = WorkerCaptioner(options(tmp_path, "die"))
    starting = asyncio.create_task(captioner.start())
    try:
        await until(lambda: captioner.numbers().restarts >= 2)
        assert not starting.done()
        with pytest.raises(AdapterError, match="restarted"):
            await captioner.check()
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await captioner.stop()
    assert workers() == []


async def test_a_worker_that_refuses_its_model_fails_the_start(tmp_path: Path) -> None:
    with pytest.raises(CaptionsModelMissing, match="teapot"):
        async with captioning(options(tmp_path, "refuse")):
            pass
    assert workers() == []


async def test_a_missing_model_fails_the_start(tmp_path: Path) -> None:
    with pytest.raises(CaptionsModelMissing, match="neither a known model"):
        async with captioning(CaptionerOptions("huge", "auto", tmp_path)):
            pass


async def test_the_worker_gets_none_of_the_bridges_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_APPSERVICE__AS_TOKEN", "secret")
    async with captioning(options(tmp_path, "echo")):
        (worker,) = workers()
        environment = worker.environ()
    assert "SPACES_APPSERVICE__AS_TOKEN" not in environment
    assert environment["OMP_NUM_THREADS"] == "1"
