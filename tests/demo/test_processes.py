"""Children that never outlive whoever started them."""

import os
import signal
import sys
from pathlib import Path

import pytest

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.processes import (
    Child,
    Probe,
    StartFailed,
    free_port,
    processes_in,
    resident_bytes,
)

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]
SERVER = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]


def child(directory: Path, *argv: str) -> Child:
    """A child with its output in the directory."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return Child("the child", argv, directory=directory, log=directory / "log", environ=environ)


async def test_a_child_is_ready_when_it_answers_and_gone_after_terminate(tmp_path: Path) -> None:
    port = free_port()
    server = child(tmp_path, *SERVER, str(port))
    server.spawn()
    try:
        await server.wait_ready(Probe(f"http://127.0.0.1:{port}/"), 120)
        assert resident_bytes(server.pid) > 1_000_000
        assert [seen.pid for seen in processes_in(tmp_path)] == [server.pid]
        await server.terminate()
        assert not server.running
        assert list(processes_in(tmp_path)) == []
    finally:
        server.kill_now()


async def test_a_child_that_ends_while_starting_is_named_with_its_last_words(
    tmp_path: Path,
) -> None:
    broken = child(tmp_path, sys.executable, "-c", "raise SystemExit('no such luck')")
    broken.spawn()
    with pytest.raises(StartFailed, match="no such luck"):
        await broken.wait_ready(Probe(f"http://127.0.0.1:{free_port()}/"), 120)


async def test_a_child_deaf_to_sigterm_is_killed(tmp_path: Path) -> None:
    deaf = child(
        tmp_path,
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(600)",
    )
    deaf.spawn()
    try:
        await written(deaf, "deaf")
        assert await deaf.terminate(timeout=0.3) == -signal.SIGKILL
    finally:
        deaf.kill_now()


async def test_a_suspended_child_is_terminated_too(tmp_path: Path) -> None:
    sleeper = child(tmp_path, *SLEEPER)
    sleeper.spawn()
    try:
        await written(sleeper, "here")
        sleeper.signal(signal.SIGSTOP)
        assert await sleeper.terminate() == -signal.SIGTERM
    finally:
        sleeper.kill_now()


async def test_children_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = child(
        tmp_path,
        sys.executable,
        "-c",
        "import sys, time; from pathlib import Path; from spaces_bridge_demo.processes import "
        f"Child; d = Path({str(tmp_path)!r}); Child('sleeper', {SLEEPER!r}, directory=d, "
        "log=d / 'child').spawn(); print('spawned', flush=True); time.sleep(600)",
    )
    parent.spawn()
    try:
        await written(parent, "spawned")
        await parent.kill9()
        await until(lambda: nobody_in(tmp_path), "the end of the orphan")
    finally:
        parent.kill_now()
        for left in processes_in(tmp_path):
            os.kill(left.pid, signal.SIGKILL)


async def nobody_in(directory: Path) -> bool:
    """Whether no process works there."""
    return not list(processes_in(directory))


async def written(process: Child, word: str) -> None:
    """Until the child has printed a word."""

    async def is_there() -> bool:
        assert process.running, process.tail()
        return word in process.tail()

    await until(is_there, f"the word {word}")
