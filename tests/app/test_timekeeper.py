"""The clock tells a live space only what matters to it, and once."""

import asyncio

import pytest

from spaces_bridge.app import timekeeper as timekeeper_module
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.timekeeper import Timekeeper
from spaces_bridge.core import commands as cmd
from tests.app.support import SPACE, now, settled
from tests.support.kept import kept
from tests.support.recorder import Recorder
from tests.support.spaces import HOST

pytestmark = pytest.mark.unit


async def test_a_space_is_told_when_something_is_due_and_not_again_meanwhile(
    spaces: Spaces, recorder: Recorder
) -> None:
    keeper = Timekeeper(spaces)
    recorder.calls.clear()
    keeper.look()
    await settled(spaces)
    assert not recorder.called("append")
    await spaces.ask(SPACE, cmd.ObserveMember(HOST, joined=False))
    recorder.calls.clear()
    for _ in range(5):
        keeper.look()
    await settled(spaces)
    keeper.look()
    await settled(spaces)
    assert recorder.called("append") == [(SPACE, 1)]
    assert now(spaces).host_missed_at_ms == recorder.now
    recorder.now += 300_000
    keeper.look()
    await settled(spaces)
    assert now(spaces).ended_at_ms == recorder.now
    keeper.look()


async def test_it_looks_by_itself_until_it_is_stopped(
    spaces: Spaces, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeper_module, "SETTLE_S", 0.0)
    monkeypatch.setattr(timekeeper_module, "LOOK_EVERY_S", 0.0)
    keeper = Timekeeper(spaces)
    await keeper.stop()
    await spaces.ask(SPACE, cmd.ObserveMember(HOST, joined=False))
    keeper.start()
    async with asyncio.timeout(60):
        while now(spaces).host_missed_at_ms is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await keeper.stop()
    recorder.now += 300_000
    await settled(spaces)
    assert now(spaces).ended_at_ms is None


async def test_a_live_space_that_failed_is_forgotten_with_its_end(
    spaces: Spaces, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> bool:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(timekeeper_module, "_is_due", broken)
    keeper = Timekeeper(spaces)
    keeper.look()
    keeper.look()
    assert len(caplog.records) == 1
    assert kept(keeper) == 1
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    keeper.look()
    assert kept(keeper) == 0
