"""Two workers of one machine, real ones: one mixes a live space, both send it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media import local_placement
from spaces_bridge.media.local_stage import LocalStage
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.web.http.metric_table import keys_of
from tests.support.sound import RATE, Pcm, decibels, tone
from tests.support.stage import (
    EAR,
    GUEST,
    HOST,
    SPACE,
    Noted,
    comes,
    falls_silent,
    hears,
    listening,
    options,
    speaking,
    until,
)

pytestmark = pytest.mark.peers

OTHER = SpaceId("space0000000000b")


class Workers:
    """The stage of two workers, and each one's own, to choose who serves whom."""

    def __init__(self, directory: Path) -> None:
        at = options(directory)
        self.tasks = TaskSupervisor()
        self.each = [WorkerStage(at.of_worker(place), tasks=self.tasks) for place in range(2)]
        self.stage = LocalStage(self.each, at)
        self.noted = Noted()
        self.stage.listen(self.noted)

    @property
    def home(self) -> WorkerStage:
        return self.each[self.stage._homes[SPACE]]

    @property
    def away(self) -> WorkerStage:
        return self.each[1 - self.stage._homes[SPACE]]


@contextlib.asynccontextmanager
async def workers(directory: Path) -> AsyncIterator[Workers]:
    """Two workers, started; the live space is open, and the host's gate."""
    two = Workers(directory)
    try:
        await two.stage.start()
        two.stage.open_space(SPACE, 0)
        two.stage.set_gates(SPACE, [HOST])
        yield two
    finally:
        await two.stage.stop()


def kill(stage: WorkerStage) -> None:
    assert stage.worker_pid is not None
    os.kill(stage.worker_pid, signal.SIGKILL)


async def replaced(stage: WorkerStage) -> None:
    """Until a killed worker has another in its place."""
    await until(lambda: stage.worker_pid is None)
    await until(lambda: stage.worker_pid is not None)


def likeness(one: Pcm, other: Pcm) -> float:
    """How like the middle of `one` is to what `other` has somewhere; 1: the same.

    The end is left out: who hears by another worker may not have it yet.
    """
    third = len(one) // 3
    part = one[third : 2 * third].astype(np.float64)
    where = other.astype(np.float64)
    size = len(part) + len(where) - 1
    found = np.fft.irfft(np.fft.rfft(where, size) * np.conj(np.fft.rfft(part, size)), size)
    at = int(np.argmax(found[: len(where) - len(part) + 1]))
    there = where[at : at + len(part)]
    lengths = float(np.linalg.norm(part)) * float(np.linalg.norm(there))
    return float(part @ there) / max(1.0, lengths)


async def test_listeners_at_both_workers_hear_the_same(tmp_path: Path) -> None:
    noise = np.random.default_rng(13).normal(0, 4000, (60 * RATE) // 48)
    rough = np.interp(np.arange(60 * RATE) / 48, np.arange(len(noise)), noise).astype(np.int16)
    async with (
        workers(tmp_path) as two,
        speaking(two.stage, HOST) as host,
        listening(two.home) as here,
        listening(two.away) as there,
    ):
        assert two.home.port != two.away.port
        assert two.home.has_microphone(SPACE, HOST)
        host.say(rough)

        async def are_alike() -> None:
            while True:
                await asyncio.gather(here.wait_packets(25), there.wait_packets(25))
                one, other = here.pcm()[-RATE:], there.pcm()[-2 * RATE :]
                if len(one) == RATE and np.abs(one).max() > 1000 and likeness(one, other) > 0.98:
                    return

        await asyncio.wait_for(are_alike(), 60)
        assert two.stage.listeners(SPACE) == 2
        two.stage.close_microphone(SPACE, HOST)
        await asyncio.gather(falls_silent(here), falls_silent(there))


async def test_who_is_on_air_and_listens_elsewhere_hears_all_but_themselves(
    tmp_path: Path,
) -> None:
    async with (
        workers(tmp_path) as two,
        speaking(two.stage, HOST) as host,
        speaking(two.stage, GUEST) as guest,
        listening(two.away, GUEST) as own,
        listening(two.away, EAR) as ear,
    ):
        host.say(tone(440, 120))
        guest.say(tone(1000, 120))
        await hears(own, 440)
        two.stage.open_microphone(SPACE, GUEST)
        await hears(ear, 1000)
        await comes(own, lambda pcm: decibels(pcm, 440) > -20)
        assert decibels(own.pcm()[-RATE:], 1000) < -30
        two.stage.close_microphone(SPACE, HOST)
        await falls_silent(own)
        await hears(ear, 1000)
        two.stage.close_microphone(SPACE, GUEST)
        two.stage.open_microphone(SPACE, HOST)
        await hears(own, 440)  # the shared mix again


async def test_each_worker_may_die_and_the_same_peers_hear_again(tmp_path: Path) -> None:
    async with (
        workers(tmp_path) as two,
        speaking(two.stage, HOST) as host,
        listening(two.home) as here,
        listening(two.away) as there,
    ):
        host.say(tone(440, 120))
        await asyncio.gather(hears(here), hears(there))
        for dies in (two.away, two.home):
            kill(dies)
            await replaced(dies)
            await asyncio.gather(hears(here), hears(there))
            assert (here.state, there.state) == ("connected", "connected")
        assert two.noted.restarted == [SPACE]  # of the home alone: only there sound was lost
        assert two.noted.lost == []
        assert two.stage.listeners(SPACE) == 2
        assert two.stage.restarts == 2


async def test_who_listens_stays_while_the_home_is_away_for_long(tmp_path: Path) -> None:
    async with (
        workers(tmp_path) as two,
        speaking(two.stage, HOST) as host,
        listening(two.away) as there,
    ):
        host.say(tone(440, 120))
        await hears(there)
        pid = two.home.worker_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # it hangs, so another takes its place after two seconds
        await until(lambda: two.home.worker_pid != pid)
        with pytest.raises(AdapterError, match="restarted"):
            await two.stage.check()
        assert two.stage.is_attached
        await until(lambda: two.home.worker_pid is not None)
        await hears(there)
        await two.stage.check()
        assert there.state == "connected"


async def test_a_restarted_bridge_finds_both_and_the_home_again(tmp_path: Path) -> None:
    first = Workers(tmp_path)
    await first.stage.start()
    first.stage.open_space(OTHER, 0)
    first.stage.open_space(SPACE, 0)
    first.stage.set_gates(SPACE, [HOST])
    assert first.home is first.each[1]
    async with (
        speaking(first.stage, HOST) as host,
        listening(first.home) as here,
        listening(first.away) as there,
    ):
        host.say(tone(440, 120))
        await asyncio.gather(hears(here), hears(there))
        pids = first.stage.worker_pids
        async with workers(tmp_path) as second:  # takes over from the first
            assert second.stage.worker_pids == pids
            assert second.home is second.each[1]
            assert second.stage.listeners(SPACE) == 2
            assert second.stage.has_microphone(SPACE, HOST)
            await asyncio.gather(hears(here), hears(there))
            second.stage.close_space(SPACE)
            await until(lambda: (here.state, there.state) == ("closed", "closed"))
            await first.stage.stop()
    assert not os.listdir(tmp_path)


async def test_workers_that_are_too_many_are_ended(tmp_path: Path) -> None:
    first = Workers(tmp_path)
    await first.stage.start()
    kept, surplus = first.stage.worker_pids
    at = options(tmp_path)
    one = LocalStage([WorkerStage(at)], at)
    one.listen(Noted())
    try:
        await first.tasks.stop("media worker 2")  # as if that bridge had died
        await one.start()
        assert one.worker_pids == (kept,)
        assert not (tmp_path / "media-1.sock").exists()
        with pytest.raises(ProcessLookupError):
            os.kill(surplus or 0, 0)
    finally:
        await one.stop()
        await first.stage.stop()


async def test_the_stage_sends_who_listens_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workers(tmp_path) as two, contextlib.AsyncExitStack() as peers:
        await peers.enter_async_context(listening(two.stage))
        assert (two.home.load, two.away.load) == (1, 0)  # a small space stays together
        monkeypatch.setattr(local_placement, "TOGETHER", 0)
        ear = await peers.enter_async_context(listening(two.stage))
        assert (two.home.load, two.away.load) == (1, 1)
        await ear.wait_packets(10)
        await until(lambda: two.stage.metrics().keys() == keys_of("media"))
        told = two.stage.worker_metrics()
        assert told.keys() == keys_of("workers")
        assert told["up"] == {"1": 1.0, "2": 1.0}
        two.stage.open_space(OTHER, 0)
        assert two.stage._homes[OTHER] != two.stage._homes[SPACE]
