"""What happens when a process dies: the worker, or the control process."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from spaces_bridge.app.ports import Direction
from spaces_bridge.core.ids import UserId
from spaces_bridge.media import link, resumption, supervisor
from spaces_bridge.media.launch import sole_bridge
from spaces_bridge.media.messages import PROTOCOL, MediaMessage, Restore, ToMediaWorker
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.sockets import open_sockets
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.startup import ExitCode, StartUpError
from spaces_bridge.web.http.metric_table import keys_of
from spaces_bridge.wire.connection import Connection
from spaces_bridge_demo.peer import ListenerPeer, Signal, SpeakerPeer
from tests.support.sound import RATE, tone
from tests.support.stage import (
    EAR,
    GUEST,
    HOST,
    SPACE,
    falls_silent,
    hears,
    listening,
    options,
    running,
    speaking,
    until,
)

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]

FOREMOST = "import os; os.setpriority(os.PRIO_PROCESS, 0, -5); print(os.nice(0))"
"""Says how far up the system lets a process of ours go."""


def worker_of(stage: WorkerStage) -> int:
    pid = stage.worker_pid
    assert pid is not None
    return pid


def is_running(pid: int) -> bool:
    """Not gone, and not only waiting for somebody to take its exit status."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


async def hears_again(ear: ListenerPeer) -> None:
    """Until a whole second of the host's tone has come, from now on."""
    await hears(ear, 440)


async def test_after_a_workers_death_the_same_peers_hear_again_and_do_nothing(
    tmp_path: Path,
) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        async with (
            speaking(stage, HOST) as host,
            listening(stage, HOST) as own,
            listening(stage) as ear,
        ):
            host.say(tone(440, 120))
            await hears_again(ear)
            for _ in range(2):
                before = worker_of(stage)
                os.kill(before, signal.SIGKILL)
                await until(lambda: stage.worker_pid is None)
                await until(lambda: stage.worker_pid is not None)
                assert worker_of(stage) != before
                await hears_again(ear)
                assert ear.state == "connected"
                assert not own.pcm()[-RATE // 2 :].any()
            assert noted.restarted == [SPACE, SPACE]
            assert noted.lost == []
            assert stage.listeners(SPACE) == 2
            assert stage.has_microphone(SPACE, HOST)
            stage.close_microphone(SPACE, HOST)
            await falls_silent(ear)


async def test_a_peer_that_ends_two_workers_is_dropped_and_the_others_hear_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if its resume record crashed a worker, or were so dear that it answers no more."""
    monkeypatch.setattr(resumption, "AT_ONCE", 1)
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST, GUEST])
        async with (
            speaking(stage, GUEST),
            speaking(stage, HOST) as host,
            listening(stage) as ear,
        ):
            host.say(tone(440, 120))
            await hears_again(ear)
            killed = list[int]()
            really_send = stage._supervisor.send

            def send(message: ToMediaWorker) -> None:
                if isinstance(message, Restore) and message.user == GUEST:
                    killed.append(worker_of(stage))
                    os.kill(killed[-1], signal.SIGKILL)
                really_send(message)

            monkeypatch.setattr(stage._resumption, "_send", send)
            os.kill(worker_of(stage), signal.SIGKILL)
            await until(lambda: noted.lost == [GUEST])
            await until(lambda: len(killed) == 2 and stage.worker_pid is not None)
            await hears_again(ear)
            assert ear.state == "connected"
            assert noted.lost == [GUEST]
            assert stage.listeners(SPACE) == 1


async def test_a_microphone_shut_while_the_worker_is_away_stays_shut(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        async with speaking(stage, HOST) as host, listening(stage) as ear:
            host.say(tone(440, 120))
            await hears_again(ear)
            os.kill(worker_of(stage), signal.SIGKILL)
            await until(lambda: stage.worker_pid is None)
            stage.close_microphone(SPACE, HOST)
            await until(lambda: stage.worker_pid is not None)
            await falls_silent(ear)


async def test_how_loud_somebody_is_outlives_the_worker(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        async with speaking(stage, HOST) as host, listening(stage) as ear:
            host.say(tone(440, 120))
            await hears_again(ear)
            stage.set_volumes(SPACE, {HOST: 0})
            await falls_silent(ear)
            os.kill(worker_of(stage), signal.SIGKILL)
            await until(lambda: stage.worker_pid is None)
            await until(lambda: stage.worker_pid is not None)
            await falls_silent(ear)
            stage.set_volumes(SPACE, {})
            await hears_again(ear)


async def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        async with listening(stage) as ear:
            await ear.wait_packets(10)
            before = worker_of(stage)
            os.kill(before, signal.SIGSTOP)
            await until(lambda: stage.worker_pid not in (None, before))
            await ear.wait_packets(10)
        assert not is_running(before)


async def test_a_peer_that_left_is_not_resumed(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        async with listening(stage), speaking(stage, HOST):
            pass
        await until(lambda: stage.listeners(SPACE) == 0 and noted.lost == [HOST])
        os.kill(worker_of(stage), signal.SIGKILL)
        await until(lambda: noted.restarted == [SPACE])
        await until(lambda: "listeners" in stage.metrics())
        assert stage.metrics()["listeners"] == 0
        assert stage.metrics().keys() == keys_of("media")


async def test_a_live_space_that_ended_while_the_worker_was_not_heard_is_closed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[Connection[MediaMessage]] = []

    class Noted(Connection[MediaMessage]):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connections.append(self)
            super().connection_made(transport)

    monkeypatch.setattr(link, "Connection", Noted)
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        before = worker_of(stage)
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        async with speaking(stage, HOST), listening(stage) as ear:
            connections[0].abort()
            stage.close_space(SPACE)
            await until(lambda: len(connections) == 2 and stage.worker_pid == before)
            await until(lambda: ear.state == "closed")
            await until(lambda: noted.lost == [HOST])


async def test_only_one_bridge_runs_with_a_directory_and_its_end_makes_room_for_the_next(
    tmp_path: Path,
) -> None:
    with contextlib.ExitStack() as first:
        first.enter_context(sole_bridge(options(tmp_path)))
        stage = WorkerStage(options(tmp_path))
        async with running(stage):
            with (
                pytest.raises(StartUpError, match="Another bridge is running") as refused,
                sole_bridge(options(tmp_path)),
            ):
                pass
            assert refused.value.code is ExitCode.LISTENER
            first.close()
            with sole_bridge(options(tmp_path)):  # its worker, which lives, does not hold it
                assert is_running(worker_of(stage))


async def test_a_bridge_that_was_killed_does_not_keep_the_next_one_out(tmp_path: Path) -> None:
    program = (
        "import sys, time, tests.support.stage as s, pathlib\n"
        "from spaces_bridge.media.launch import sole_bridge\n"
        "with sole_bridge(s.options(pathlib.Path(sys.argv[1]))):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"held\n"
        with pytest.raises(StartUpError, match="runtime_dir"), sole_bridge(options(tmp_path)):
            pass
    finally:
        process.kill()
        await process.wait()
    with sole_bridge(options(tmp_path)):
        assert (tmp_path / "bridge.lock").exists()


async def test_sound_goes_first_where_the_system_allows_it(tmp_path: Path) -> None:
    trial = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FOREMOST, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await trial.communicate()
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        nice = psutil.Process(worker_of(stage)).nice()
    assert nice == (int(printed) if printed else os.nice(0))


async def test_a_clean_stop_ends_the_worker_and_frees_the_port(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        pid, port = worker_of(stage), stage.port
    assert not is_running(pid)
    open_sockets(options(tmp_path, port)).close()
    assert not os.listdir(tmp_path)


async def test_a_port_in_use_stops_the_start_with_a_plain_sentence(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(StartUpError, match=f"port {port}") as refused:
            await WorkerStage(options(tmp_path, port)).start()
    assert refused.value.code is ExitCode.LISTENER


async def test_an_address_this_machine_lacks_is_left_out(tmp_path: Path) -> None:
    wanted = MediaOptions(("127.0.0.1",), 0, ("192.0.2.1", "127.0.0.1", "::1"), tmp_path)
    sockets = open_sockets(wanted)
    ports = {each.getsockname()[1] for each in (*sockets.udp, *sockets.tcp)}
    sockets.close()
    assert len(ports) == 1
    with pytest.raises(StartUpError, match="cannot be bound"):
        open_sockets(MediaOptions(("127.0.0.1",), 0, ("192.0.2.1",), tmp_path))


async def test_a_directory_too_deep_for_a_socket_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartUpError, match="runtime_dir"):
        await WorkerStage(options(tmp_path / ("x" * 100))).start()


# --- the control process dies ----------------------------------------------------------------


@dataclass
class Control:
    """Another process that has the stage."""

    process: asyncio.subprocess.Process
    worker: int

    async def _ask(self, user: UserId, direction: Direction, sdp: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"user": user, "direction": direction, "sdp": sdp}
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(60):
            answered = json.loads(await self.process.stdout.readline())
        answer: str = answered["answer"]
        return answer

    def signal_of(self, user: UserId, direction: Direction) -> Signal:
        async def signal(offer: str) -> str:
            return await self._ask(user, direction, offer)

        return signal

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def control(runtime_dir: Path) -> AsyncIterator[Control]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.control_process", str(runtime_dir),
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )  # fmt: skip
    worker = 0
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            worker = json.loads(await process.stdout.readline())["worker"]
        yield Control(process, worker)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        with contextlib.suppress(psutil.NoSuchProcess):
            if worker:
                psutil.Process(worker).kill()


@contextlib.asynccontextmanager
async def two_peers(other: Control) -> AsyncIterator[tuple[SpeakerPeer, ListenerPeer]]:
    host = SpeakerPeer(other.signal_of(HOST, Direction.SPEAK))
    ear = ListenerPeer(other.signal_of(EAR, Direction.LISTEN))
    try:
        await host.connect()
        await ear.connect()
        yield host, ear
    finally:
        await host.close()
        await ear.close()


async def test_the_sound_goes_on_without_its_control_process_and_the_next_one_takes_over(
    tmp_path: Path,
) -> None:
    async with control(tmp_path) as other, two_peers(other) as (host, ear):
        host.say(tone(440, 120))
        await hears_again(ear)
        await other.kill()
        before = len(ear.pcm())
        await ear.wait_packets(300)
        await hears_again(ear)

        stage = WorkerStage(options(tmp_path))
        async with running(stage) as noted:
            alone_ms = (len(ear.pcm()) - before) * 1000 // RATE
            assert worker_of(stage) == other.worker
            assert stage.has_microphone(SPACE, HOST)
            assert stage.listeners(SPACE) == 1
            stage.open_space(SPACE, 0)
            await hears_again(ear)

            # nothing that was said meanwhile is lost, and nothing comes twice
            await until(lambda: len(noted.audio_of[HOST]) > 150)
            starts = [at_ms for at_ms, _ in noted.audio_of[HOST]]
            holes_ms = [later - earlier - 100 for earlier, later in itertools.pairwise(starts)]
            assert min(holes_ms) >= 0
            # what a worker misses that stands still for a moment is less than all of that time
            assert sum(holes_ms) < alone_ms / 2

            # the gates are as the other one left them, until they are told otherwise
            stage.set_gates(SPACE, [GUEST])
            await falls_silent(ear)
            stage.set_gates(SPACE, [HOST])
            await hears_again(ear)

            # and should this worker die, all it takes to replace it has come over, too
            os.kill(other.worker, signal.SIGKILL)
            await until(lambda: noted.restarted == [SPACE])
            await hears_again(ear)
            assert worker_of(stage) != other.worker


async def test_a_worker_of_another_version_is_replaced_and_its_peers_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with control(tmp_path) as other, two_peers(other) as (host, ear):
        host.say(tone(440, 120))
        await hears_again(ear)
        await other.kill()
        monkeypatch.setattr(supervisor, "PROTOCOL", PROTOCOL + 1)
        stage = WorkerStage(options(tmp_path))
        async with running(stage):
            assert worker_of(stage) != other.worker
            stage.open_space(SPACE, 0)
            stage.set_gates(SPACE, [HOST])
            await hears_again(ear)
            assert stage.listeners(SPACE) == 1
            assert stage.has_microphone(SPACE, HOST)


async def test_what_an_earlier_run_left_on_the_stage_is_closed_unless_it_is_wanted(
    tmp_path: Path,
) -> None:
    async with control(tmp_path) as other, two_peers(other) as (_, ear):
        await other.kill()
        stage = WorkerStage(options(tmp_path), claim_s=0.2)
        async with running(stage) as noted:
            await until(lambda: ear.state == "closed")
            await until(lambda: noted.lost == [HOST])
            assert stage.listeners(SPACE) == 0


async def test_a_worker_of_an_earlier_run_on_another_port_is_ended(tmp_path: Path) -> None:
    async with control(tmp_path) as other:
        await other.kill()
        free = open_sockets(options(tmp_path))
        port = free.port
        free.close()
        stage = WorkerStage(options(tmp_path, port))
        async with running(stage):
            assert stage.port == port
            assert worker_of(stage) != other.worker
            assert not is_running(other.worker)


async def test_a_worker_of_an_earlier_run_that_hangs_is_ended(tmp_path: Path) -> None:
    async with control(tmp_path) as other:
        await other.kill()
        os.kill(other.worker, signal.SIGSTOP)
        stage = WorkerStage(options(tmp_path))
        async with running(stage):
            assert worker_of(stage) != other.worker
            assert not is_running(other.worker)


async def test_a_second_bridge_takes_the_worker_and_the_first_one_leaves_it_alone(
    tmp_path: Path,
) -> None:
    first, second = WorkerStage(options(tmp_path)), WorkerStage(options(tmp_path))
    async with running(first):
        pid = worker_of(first)
        async with running(second):
            await until(lambda: first.worker_pid is None)
            await first.stop()
            assert worker_of(second) == pid
            await second.check()
