"""The control socket: a control process that takes nothing is cut off, and may come back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from spaces_bridge.media import messages
from spaces_bridge.media.launch import RunningWorker, attach
from spaces_bridge.media.worker.control import LAZY_BACKLOG, MOST_BACKLOG, ControlSocket
from spaces_bridge.wire.worker_link import WorkerNotRunning
from tests.support.stage import HOST, SPACE, until

pytestmark = pytest.mark.peers


@contextlib.asynccontextmanager
async def opened(
    path: Path, now: Callable[[], float] = time.monotonic
) -> AsyncIterator[tuple[ControlSocket, list[int]]]:
    attached: list[int] = []
    control = ControlSocket(
        str(path / "control.sock"),
        ([], []),
        on_attach=lambda: attached.append(1),
        on_message=lambda message: None,
        now=now,
    )
    serving = asyncio.create_task(control.serve())
    try:
        yield control, attached
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        control.close()


async def come_in(path: Path) -> RunningWorker:
    for _ in range(3000):
        with contextlib.suppress(WorkerNotRunning):
            return await attach(str(path / "control.sock"), want_sockets=True, timeout=60)
        await asyncio.sleep(0.02)
    raise TimeoutError("the control socket does not open")


async def test_a_control_process_that_takes_nothing_is_cut_off_and_may_come_back(
    tmp_path: Path,
) -> None:
    chunk = messages.SpeakerAudio(SPACE, HOST, 0, bytes(64 * 1024))
    async with opened(tmp_path) as (control, attached):
        asleep = await come_in(tmp_path)
        await until(lambda: control.is_attached)
        for _ in range(2 * MOST_BACKLOG // len(chunk.pcm)):
            control.send(chunk)
        await until(lambda: not control.is_attached and control.orphaned_s() > 0)
        again = await come_in(tmp_path)
        await until(lambda: control.is_attached)
        assert control.orphaned_s() == 0
        assert attached == [1, 1]
        asleep.connection.close()
        again.connection.close()


async def test_what_is_only_of_use_at_once_is_left_out_while_much_is_waiting(
    tmp_path: Path,
) -> None:
    packet = messages.MixPacket(SPACE, 1, bytes(32 * 1024))
    async with opened(tmp_path) as (control, _):
        asleep = await come_in(tmp_path)
        await until(lambda: control.is_attached)
        for _ in range(4 * MOST_BACKLOG // len(packet.opus)):
            control.send_lazily(packet)
        assert control.is_attached
        asleep.connection.close()
        await until(lambda: not control.is_attached)
    assert LAZY_BACKLOG < MOST_BACKLOG


async def test_nobody_is_missed_while_somebody_is_there_however_long(tmp_path: Path) -> None:
    clock = [0.0]
    async with opened(tmp_path, lambda: clock[0]) as (control, _):
        clock[0] = 5.0
        assert control.orphaned_s() == 5.0
        found = await come_in(tmp_path)
        await until(lambda: control.is_attached)
        clock[0] = 1000.0
        assert control.orphaned_s() == 0.0

        def a_second_later() -> float:
            clock[0] += 1.0
            return control.orphaned_s()

        found.connection.close()
        await until(lambda: a_second_later() > 0)
        assert control.orphaned_s() == 1.0
        assert a_second_later() == 2.0


async def test_to_nobody_nothing_is_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, attached):
        control.send(messages.Pong(1))
        control.send_lazily(messages.Pong(1))
        assert not control.is_attached
        assert attached == []
