"""A real worker that is told to be overloaded: those who are there stay whole."""

from pathlib import Path

import pytest

from spaces_bridge.app.errors import OfferRefused
from spaces_bridge.app.ports import Direction, Overload
from spaces_bridge.core.ids import UserId
from spaces_bridge.media import launch
from spaces_bridge.media.stage import CROWDED, WorkerStage
from spaces_bridge.media.worker.overload import VERY_LATE_MS, WorkerLoad
from tests.support.loaded_worker import MODULE, tell_load
from tests.support.sound import tone
from tests.support.stage import (
    GUEST,
    HOST,
    SPACE,
    hears,
    listening,
    options,
    running,
    speaking,
    until,
)

pytestmark = pytest.mark.peers

TOO_MUCH = WorkerLoad(VERY_LATE_MS, 0.9, 0, listeners=1000)
LITTLE = WorkerLoad(0, 0.1, 0, listeners=1000)
LATE_ONE = UserId("@late:x")


@pytest.fixture(autouse=True)
def _loaded_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "MODULE", MODULE)


async def test_new_listeners_are_refused_while_those_who_are_there_hear_on_and_speak(
    tmp_path: Path,
) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        async with listening(stage) as ear, speaking(stage, HOST) as host:
            stage.open_microphone(SPACE, HOST)
            host.say(tone(440, 120))
            await hears(ear)
            tell_load(tmp_path, TOO_MUCH)
            await until(lambda: stage.overload is Overload.CROWDED)
            assert [step for step, _ in noted.overloads] == [1, 2, 3]
            with pytest.raises(OfferRefused) as refusal:
                await stage.offer(SPACE, LATE_ONE, Direction.LISTEN, "v=0")
            assert refusal.value.code == CROWDED
            await hears(ear)
            async with speaking(stage, GUEST):  # a microphone is let in
                await hears(ear)
            tell_load(tmp_path, LITTLE)
            await until(lambda: stage.overload is Overload.CALM)
            assert [step for step, _ in noted.overloads] == [1, 2, 3, 2, 1, 0]
            async with listening(stage, LATE_ONE) as other:
                await hears(other)
            await hears(ear)
            assert stage.metrics()["crowded_out"] == 1


async def test_a_new_bridge_is_told_what_is_given_up_and_the_numbers_show_it(
    tmp_path: Path,
) -> None:
    first = WorkerStage(options(tmp_path))
    async with running(first):
        tell_load(tmp_path, TOO_MUCH)
        await until(lambda: first.overload is Overload.CROWDED)
        await until(lambda: first.metrics().get("overload_step") == Overload.CROWDED)
        assert first.metrics()["overload_changes"] == 3
        assert first.metrics()["busy_share"] == pytest.approx(0.9)
        second = WorkerStage(options(tmp_path))
        async with running(second) as noted:
            await until(lambda: second.overload is Overload.CROWDED)
            assert noted.overloads == [(Overload.CROWDED, Overload.CROWDED)]
