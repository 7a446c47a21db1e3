"""Start a media worker, or find one that runs: its process and the first handshake."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spaces_bridge.media.codec import CODEC
from spaces_bridge.media.messages import (
    GREETING_SIZE,
    PROTOCOL,
    Attach,
    Greeting,
    unpack_greeting,
)
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.sockets import Sockets
from spaces_bridge.media.worker.options import WorkerOptions
from spaces_bridge.startup import ExitCode, StartUpError
from spaces_bridge.wire.messages import BadMessage
from spaces_bridge.wire.worker_link import WorkerNotRunning, WorkerUnresponsive
from spaces_bridge.wire.worker_process import worker_environment

_LONGEST_PATH: Final = 107  # of a unix socket on Linux
_MOST_SOCKETS: Final = 64
_CREDENTIALS: Final = struct.Struct("3i")


# --- process ---------------------------------------------------------------------------------


class Process:
    """A worker process, ours or one that an earlier control process has left behind."""

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        """Raises ProcessLookupError if the process has ended already."""
        self.pid = pid
        self._child = child
        self._handle = os.pidfd_open(pid)
        self._gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._handle, self._ended)

    @property
    def is_gone(self) -> bool:
        """Return whether the process has ended."""
        return self._gone.is_set()

    async def ended(self) -> None:
        """Wait for the end of the process."""
        await self._gone.wait()

    async def end(self, grace_s: float = 0.0) -> None:
        """Send SIGTERM, after `grace_s` SIGKILL, and return when the process has ended."""
        if grace_s > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), grace_s)
        self._signal(signal.SIGKILL)
        await self._gone.wait()

    def _signal(self, number: signal.Signals) -> None:
        if not self.is_gone:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        if self._child is not None:
            self._child.wait()  # it has ended: this only takes its exit status
        self._gone.set()


def spawn(options: MediaOptions, sockets: Sockets) -> Process:
    """Start a worker on these sockets; it outlives the control process if need be."""
    udp = tuple(each.fileno() for each in sockets.udp)
    tcp = tuple(each.fileno() for each in sockets.tcp)
    told = WorkerOptions(
        path=options.socket_path,
        udp=udp,
        tcp=tcp,
        addresses=options.addresses,
        port=sockets.port,
        memory_limit_mb=options.memory_limit_mb,
        orphan_grace_s=options.orphan_grace_s,
        opus_bitrate=options.opus_bitrate,
        crowd_frame_ms=options.crowd_frame_ms,
        crowd_from=options.crowd_from,
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "spaces_bridge.media.worker", told.to_json()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(*udp, *tcp),
        start_new_session=True,  # a Ctrl-C or a hang-up of our terminal is not meant for it
        env=worker_environment(os.environ),
    )
    return Process(child.pid, child)


def prepare_directory(options: MediaOptions) -> None:
    """Make a private directory for the worker's socket. Raises StartUpError."""
    path = Path(options.socket_path)
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"media.runtime_dir is too long for a unix socket ({path}): choose a path that "
            f"leaves it at most {_LONGEST_PATH} bytes.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"media.runtime_dir ({path.parent}) cannot be made ({problem.strerror}): choose a "
            "directory the bridge may write.",
        ) from problem


@contextlib.contextmanager
def sole_bridge(options: MediaOptions) -> Iterator[None]:
    """Hold the lock of this directory, so that its worker has one bridge. Raises StartUpError.

    The kernel frees the lock however the bridge ends. No worker inherits it: Python's descriptors
    close on exec.
    """
    prepare_directory(options)
    path = options.runtime_dir / "bridge.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{path} cannot be opened ({problem.strerror}): make media.runtime_dir a directory "
            "the bridge may write.",
        ) from problem
    try:
        _lock(lock, options.runtime_dir)
        yield
    finally:
        os.close(lock)


def _lock(handle: int, directory: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        raise StartUpError(
            ExitCode.LISTENER,
            f"Another bridge is running with this media.runtime_dir ({directory}): stop it first, "
            "or give this one a directory of its own.",
        ) from problem
    except OSError as problem:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"Files in media.runtime_dir ({directory}) cannot be locked ({problem.strerror}): "
            "choose a directory on a local disk.",
        ) from problem


# --- handshake -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A running worker has sent its greeting; `connection` carries messages from here on."""

    connection: socket.socket
    greeting: Greeting
    pid: int
    sockets: Sockets


async def attach(path: str, *, want_sockets: bool, timeout: float) -> RunningWorker:
    """Attach to the worker that listens at this path.

    Raises WorkerNotRunning if none listens there, WorkerUnresponsive if one does and says nothing,
    and BadMessage.
    """
    loop = asyncio.get_running_loop()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        async with asyncio.timeout(timeout):
            await loop.sock_connect(connection, path)
            await loop.sock_sendall(connection, CODEC.encode(Attach(PROTOCOL, want_sockets)))
            greeting, sockets = await _receive_greeting(connection)
    except (FileNotFoundError, ConnectionError) as problem:
        connection.close()
        raise WorkerNotRunning(str(problem)) from problem
    except TimeoutError as problem:
        pid = _pid_behind(connection)
        connection.close()
        raise WorkerUnresponsive(pid) from problem
    except BaseException:
        connection.close()
        raise
    return RunningWorker(connection, greeting, _pid_behind(connection), sockets)


def _pid_behind(connection: socket.socket) -> int:
    """Return the id of the process that listens there; 0 if it was never reached."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid: int = _CREDENTIALS.unpack(raw)[0]
    return pid


async def _receive_greeting(connection: socket.socket) -> tuple[Greeting, Sockets]:
    await _readable(connection)
    data, numbers, _, _ = socket.recv_fds(connection, GREETING_SIZE, _MOST_SOCKETS)
    received = [socket.socket(fileno=number) for number in numbers]
    try:
        greeting = unpack_greeting(data)
        if len(received) != greeting.udp + greeting.tcp:
            raise BadMessage("the sockets do not match the greeting")
    except BadMessage:
        for each in received:
            each.close()
        raise
    for each in received:
        each.setblocking(False)
    return greeting, Sockets(received[: greeting.udp], received[greeting.udp :])


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)
