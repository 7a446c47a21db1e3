"""Child processes that never outlive the process that started them."""

import asyncio
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from spaces_bridge_demo.patience import PATIENCE_S

PR_SET_PDEATHSIG = 1
PORTS = range(10_000, 29_000)
"""Ports below those that the system gives to connections, and to programs that ask for any."""
POLL_S = 0.02
LOG_TAIL = 25


class StartFailed(Exception):
    """The process did not come up; the text holds the end of its log."""


class Child:
    """A child process with its output in a file, in its own session: Ctrl-C does not reach it."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        directory: Path,
        log: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._directory = directory
        self._environ = dict(os.environ if environ is None else environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._spare: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the process id. Raises RuntimeError when the process was never started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Return whether the process is there (a suspended one counts)."""
        return self._process is not None and self._process.poll() is None

    def spawn(self) -> None:
        """Start the process, and return before it is ready."""
        if self.running:
            raise RuntimeError(f"{self.name} runs already")
        if self._spare is None:
            self.prepare()
        self._process, self._spare = self._spare, None
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def prepare(self) -> None:
        """Load the process for the next `spawn` beforehand, so that it comes up sooner.

        The program must load its modules, then wait for the end of its standard input.
        """
        with self.log.open("ab") as output:
            self._spare = subprocess.Popen(
                self._argv,
                cwd=self._directory,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    async def wait_ready(self, probe: "Probe", timeout: float) -> None:
        """Wait for the probe. Raises StartFailed when the process ends or takes too long."""
        deadline = time.monotonic() + timeout
        while not await probe():
            if not self.running:
                raise StartFailed(f"{self.name} ended while starting:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} was not ready after {timeout:g} s:\n{self.tail()}")
            await asyncio.sleep(0.1)

    async def terminate(self, timeout: float = 30.0) -> int:
        """Send SIGTERM, and SIGKILL when that does not help; return the exit code."""
        if self.running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return await self.wait(timeout)
        except TimeoutError:
            return await self.kill9()

    async def kill9(self) -> int:
        """Send SIGKILL, and return the exit code once the process is gone."""
        self.signal(signal.SIGKILL)
        return await self.wait(PATIENCE_S)

    async def wait(self, timeout: float) -> int:
        """Wait for the process, and return its exit code. Raises TimeoutError."""
        process = self._process  # a new start meanwhile is another process
        if process is None:
            return 0
        deadline = time.monotonic() + timeout
        while (code := process.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} still runs after {timeout:g} s")
            await asyncio.sleep(POLL_S)
        return code

    def kill_now(self) -> None:
        """Send SIGKILL and reap the process, without an event loop."""
        for process in (self._process, self._spare):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(PATIENCE_S)
        if self._spare is not None and self._spare.stdin is not None:
            self._spare.stdin.close()
        self._spare = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it is there."""
        if self.running:
            os.kill(self.pid, number)

    def tail(self, lines: int = LOG_TAIL) -> str:
        """Return the last lines of the process's output."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Probe:
    """A probe: asks whether an HTTP address answers 200."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __call__(self) -> bool:
        """Return whether the address answers 200; a server that is not there is no error."""
        return await http_status(self.url) == 200


async def http_status(url: str, timeout: float = 10.0) -> int:
    """Return the status of a GET, 0 when no server answers."""
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(timeout)) as http,
            http.get(url) as response,
        ):
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


class Seen(NamedTuple):
    """A process that was found on this machine."""

    pid: int
    command: str


def processes_in(directory: Path) -> Iterator[Seen]:
    """Yield all live processes that work in `directory`, such as a bridge's workers."""
    wanted = str(directory.resolve())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if str((entry / "cwd").readlink()) != wanted:
                continue
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # gone meanwhile, or somebody else's
        if state != "Z" and command:
            yield Seen(int(entry.name), command)


def resident_bytes(pid: int) -> int:
    """Return a process's resident memory in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def free_port() -> int:
    """Return a loopback port that is free for TCP and UDP, to no more than one caller.

    The caller may take and leave the port as long as this process lives: no connection gets it by
    chance, and no other process that calls this, such as tests that run beside these. Raises
    StartFailed when there is none.
    """
    for port in random.SystemRandom().sample(PORTS, 100):
        if _is_free(port) and _claimed(port):
            return port
    raise StartFailed("no free port on 127.0.0.1: too many programs are running")


def _is_free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claimed(port: int) -> bool:
    """Claim a port by a socket name that only one process here can have, and that ends with it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0spaces-bridge-port-{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # kept open
    return True


def _end_with_parent() -> None:
    """Let this child get SIGTERM when its parent dies, however that dies. See prctl(2)."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


_LIBC = ctypes.CDLL(None)
