"""The worker process from outside: its control socket, its limits, its end."""

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.codec import CODEC, MAX_MESSAGE
from spaces_bridge.media.launch import Process, RunningWorker, attach, prepare_directory, spawn
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.sockets import open_sockets
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.control import LAZY_BACKLOG, MOST_BACKLOG
from spaces_bridge.media.worker.edge.edge import MOST_PEERS
from spaces_bridge.media.worker.mix.space_mix import TICK_MS, SpaceMix
from spaces_bridge.media.worker.mix.track import CHUNK_MS, KEPT_MS
from spaces_bridge.media.worker.options import WorkerOptions
from spaces_bridge.media.worker.process import Worker
from spaces_bridge.media.worker.values import PeerPhase, ResumeRecord, StreamDirection
from spaces_bridge.wire.connection import Connection
from spaces_bridge.wire.pcm import BYTES_PER_MS
from spaces_bridge.wire.worker_link import WorkerNotRunning
from tests.support.call_client import CallWire
from tests.support.sound import tone
from tests.support.stage import EAR, HOST, SPACE, listening, options, running, speaking, until

pytestmark = pytest.mark.peers

MOST_RSS = 120 * 1024 * 1024


@contextlib.asynccontextmanager
async def worker(at: MediaOptions) -> AsyncIterator[Process]:
    """A worker nobody has attached to yet."""
    prepare_directory(at)
    sockets = open_sockets(at)
    process = spawn(at, sockets)
    sockets.close()
    try:
        await until(lambda: Path(at.socket_path).exists() or process.is_gone)
        yield process
    finally:
        await process.end()


class Attached:
    """A control process's side of the connection, bare."""

    def __init__(self) -> None:
        self.heard: list[messages.MediaMessage] = []
        self.is_lost = False
        self.wire = Connection(CODEC, lambda _, message: self.heard.append(message), self._lose)

    def _lose(self, _wire: Connection[messages.MediaMessage]) -> None:
        self.is_lost = True

    def has(self, kind: type[messages.MediaMessage]) -> Callable[[], bool]:
        return lambda: any(isinstance(message, kind) for message in self.heard)


async def find(path: str) -> RunningWorker:
    async with asyncio.timeout(60):
        while True:
            try:
                return await attach(path, want_sockets=True, timeout=240)
            except WorkerNotRunning:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def attached(path: str) -> AsyncIterator[Attached]:
    found = await find(path)
    found.sockets.close()
    control = Attached()
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: control.wire, sock=found.connection)
    try:
        await until(control.has(messages.Synced))
        yield control
    finally:
        control.wire.abort()
        await until(lambda: control.is_lost)


async def test_a_control_process_gets_the_sockets_and_is_told_what_there_is(
    tmp_path: Path,
) -> None:
    at = options(tmp_path)
    async with worker(at) as process:
        found = await find(at.socket_path)
        try:
            assert found.greeting == messages.Greeting(messages.PROTOCOL, udp=1, tcp=1)
            assert found.pid == process.pid
            port = found.sockets.port
            assert [each.getsockname()[1] for each in found.sockets.tcp] == [port]
        finally:
            found.sockets.close()
            found.connection.close()
        async with attached(at.socket_path) as control:
            assert messages.Hello(process.pid, {}, ()) in control.heard
            control.wire.send(messages.Ping(7))
            await until(lambda: messages.Pong(7) in control.heard)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 0),
        struct.pack(">II", 4, 900),
        b"\xff" * 5000,
        CODEC.encode(messages.Ping(1)),
        CODEC.encode(messages.SetGate(SPACE, HOST, True)),
    ],
)
async def test_garbage_at_the_control_socket_ends_that_connection_and_nothing_else(
    tmp_path: Path, garbage: bytes
) -> None:
    at = options(tmp_path)
    async with worker(at), attached(at.socket_path) as control:
        reader, writer = await asyncio.open_unix_connection(at.socket_path)
        writer.write(garbage)
        async with asyncio.timeout(60):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            await writer.wait_closed()
        control.wire.send(messages.Ping(9))
        await until(lambda: messages.Pong(9) in control.heard)
        assert not control.is_lost


async def test_garbage_from_the_control_process_itself_ends_only_the_connection(
    tmp_path: Path,
) -> None:
    at = options(tmp_path)
    async with worker(at) as process:
        found = await find(at.socket_path)
        found.sockets.close()
        with found.connection:
            found.connection.setblocking(True)
            await asyncio.to_thread(found.connection.sendall, b"\0\0\0\x09garbage!!")
        async with attached(at.socket_path) as control:
            assert messages.Hello(process.pid, {}, ()) in control.heard


async def test_the_newest_control_process_wins(tmp_path: Path) -> None:
    at = options(tmp_path)
    async with (
        worker(at),
        attached(at.socket_path) as first,
        attached(at.socket_path) as second,
    ):
        await until(lambda: messages.Superseded() in first.heard)
        first.wire.send(messages.Ping(2))
        second.wire.send(messages.Ping(3))
        await until(lambda: messages.Pong(3) in second.heard)
        assert first.heard[-1] == messages.Superseded()


async def test_messages_about_what_is_not_there_do_no_harm(tmp_path: Path) -> None:
    at = options(tmp_path)
    async with worker(at), attached(at.socket_path) as control:
        listen = StreamDirection.LISTEN
        for message in (
            messages.CloseSpace(SPACE),
            messages.ClosePeer("nobody"),
            messages.SetGate(SPACE, HOST, True),
            messages.SetGates(SPACE, (HOST,)),
            messages.SubscribeMix(SPACE, True),
            messages.AudioTaken(SPACE, HOST, 5),
            messages.ReplayAudio(SPACE, HOST, 5),
            messages.PeerOffer(4, SPACE, "p", EAR, listen, "v=0"),
            messages.Restore("q", SPACE, EAR, listen, b"{}"),
            messages.OpenSpace(SPACE, 0),
            messages.Restore("r", SPACE, EAR, listen, b"not json"),
            messages.Restore("t", SPACE, EAR, listen, b'{"direction": "listen"}'),
            messages.AnswerCall(6, SpaceId("none"), "u", EAR, False, "v=0", ()),
            messages.AnswerCall(7, SPACE, "u", EAR, True, "v=0", ()),
            messages.AnswerCall(8, SPACE, "u", EAR, False, "v=0", ()),
            messages.AcceptCallAnswer(9, "u", "v=0"),
            messages.UseMicrophone("u", True),
            messages.PeerOffer(10, SPACE, "v", EAR, StreamDirection.CALL, CallWire(1).offer()),
            messages.Attach(messages.PROTOCOL, False),
            messages.Ping(5),
        ):
            control.wire.send(message)
        await until(lambda: messages.Pong(5) in control.heard)
        refused = [each for each in control.heard if isinstance(each, messages.PeerRefused)]
        assert [(each.request, each.code) for each in refused] == [
            (4, "no_sound"),
            (6, "no_sound"),
            (7, "unknown_session"),
            (8, "not_one_audio"),
            (9, "unknown_session"),
            (10, "direction"),
        ]
        gone = [each.peer for each in control.heard if isinstance(each, messages.PeerChanged)]
        assert gone == ["q", "r", "t"]


async def test_a_worker_that_nobody_comes_back_for_ends(tmp_path: Path) -> None:
    """It waits while somebody is there; how long afterwards: tests/media/test_control.py."""
    at = options(tmp_path, orphan_grace_s=0.1)
    async with worker(at) as process:
        await until(lambda: process.is_gone)
    assert os.listdir(tmp_path) == []


async def test_a_worker_told_to_end_ends_and_a_terminals_interrupt_is_not_meant_for_it(
    tmp_path: Path,
) -> None:
    at = options(tmp_path)
    async with worker(at) as process, attached(at.socket_path) as control:
        os.kill(process.pid, signal.SIGINT)
        control.wire.send(messages.Ping(1))
        await until(lambda: messages.Pong(1) in control.heard)
        os.kill(process.pid, signal.SIGTERM)
        await until(lambda: process.is_gone and control.is_lost)
    assert os.listdir(tmp_path) == []


async def test_the_control_socket_is_private_and_the_worker_has_limits_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_APPSERVICE__AS_TOKEN", "secret")
    at = options(tmp_path / "run")
    async with worker(at) as process, attached(at.socket_path):
        assert os.stat(at.socket_path).st_mode & 0o777 == 0o600
        assert os.stat(at.runtime_dir).st_mode & 0o777 == 0o700
        seen = psutil.Process(process.pid)
        assert seen.rlimit(psutil.RLIMIT_AS) == (1024 << 20, 1024 << 20)
        assert "SPACES_APPSERVICE__AS_TOKEN" not in seen.environ()
        assert os.getsid(process.pid) == process.pid


def test_the_worker_carries_no_libav_no_aiortc_no_web_and_nothing_of_the_app() -> None:
    script = "import sys, spaces_bridge.media.worker.process; print('\\n'.join(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=240,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    modules = set(ran.stdout.split())
    assert "spaces_bridge.media.worker.edge.edge" in modules
    assert not modules & {"av", "aiortc", "aioice", "aiohttp", "mautrix", "pydantic"}
    ours = {
        name for name in modules if name.startswith(("spaces_bridge.app", "spaces_bridge.core"))
    }
    assert ours <= {"spaces_bridge.core", "spaces_bridge.core.ids"}


async def test_fifty_listeners_fit_into_120_mb(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage), contextlib.AsyncExitStack() as peers:
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        host = await peers.enter_async_context(speaking(stage, HOST))
        host.say(tone(440, 120))
        ears = [await peers.enter_async_context(listening(stage)) for _ in range(50)]
        await ears[-1].wait_packets(100)
        assert stage.listeners(SPACE) == 50
        pid = stage.worker_pid
        assert pid is not None
        assert psutil.Process(pid).memory_info().rss < MOST_RSS


class SlowControl:
    """A control socket whose control process takes what it is sent when the test says so."""

    def __init__(self) -> None:
        self.taken: list[messages.SpeakerAudio] = []
        self.waiting: list[messages.SpeakerAudio] = []
        self.most = 0

    @property
    def is_busy(self) -> bool:
        return sum(len(each.pcm) for each in self.waiting) >= LAZY_BACKLOG

    def send(self, message: messages.SpeakerAudio) -> None:
        self.waiting.append(message)
        self.most = max(self.most, sum(len(each.pcm) for each in self.waiting))

    def take(self) -> None:
        self.taken += self.waiting
        self.waiting.clear()


async def test_a_new_control_process_gets_what_many_have_said_in_parts_it_can_take(
    tmp_path: Path,
) -> None:
    """All at once it would be more than may wait, and it would be cut off again and again."""
    told = WorkerOptions(str(tmp_path / "x"), (), (), ("127.0.0.1",), 1)
    worker, control, mix = Worker(told), SlowControl(), SpaceMix(0)
    worker._control.close()
    worker._control = control  # type: ignore[assignment]
    users = [f"@{number}:x" for number in range(20)]
    for user in users:
        mix.join(user, user, StreamDirection.SPEAK)
    mix.set_gates(users)
    for _ in range(KEPT_MS // TICK_MS):
        mix.tick(0.0)
    kept = {user: [chunk.at_ms for chunk in mix.chunks(user, 0)] for user in users}
    total = sum(len(chunk.pcm) for user in users for chunk in mix.chunks(user, 0))
    assert total > MOST_BACKLOG
    while len(control.taken) < sum(map(len, kept.values())):
        before = len(control.taken)
        worker._send_sound(SPACE, mix)
        control.take()
        assert len(control.taken) > before
    assert control.most <= LAZY_BACKLOG + 2 * BYTES_PER_MS * CHUNK_MS
    for user in users:
        assert [each.at_ms for each in control.taken if each.user == user] == kept[user]


def test_all_that_a_full_worker_has_to_tell_a_new_control_process_may_wait() -> None:
    longest, key = "x" * 256, bytes(30)
    record = ResumeRecord(
        StreamDirection.SPEAK, longest, longest, longest, longest,
        ("2001:db8::" + "f" * 30, 65535), 1, "SRTP_AES128_CM_SHA1_80", key, key, 127,
        2**32 - 1, 2**32 - 1, 2**48, 2**31, 2**48, 2**32 - 1, 1234567.123456789,
    )  # fmt: skip
    user = UserId("@" + "u" * 250 + ":x")
    one = messages.PeerSeat("p" * 22, SPACE, user, StreamDirection.SPEAK, PeerPhase.CONNECTED)
    hello = CODEC.encode(messages.Hello(2**22, {SPACE: (user,) * 32}, (one,) * MOST_PEERS))
    kept = CODEC.encode(
        messages.Record(one.peer, SPACE, user, StreamDirection.SPEAK, record.encode())
    )
    assert len(hello) <= MAX_MESSAGE
    assert len(hello) + MOST_PEERS * len(kept) <= MOST_BACKLOG


def test_unix_sockets_can_pass_sockets_here() -> None:
    one, other = socket.socketpair()
    with one, other:
        socket.send_fds(one, [b"x"], [one.fileno()])
        data, numbers, _, _ = socket.recv_fds(other, 1, 4)
        with socket.socket(fileno=numbers[0]) as passed:
            assert (data, len(numbers)) == (b"x", 1)
            assert passed.family == socket.AF_UNIX
