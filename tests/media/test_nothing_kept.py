"""Sound is passed on and forgotten: a conversation leaves no file behind, nor opens one.

Linux says of each file that a process holds whether it may be written to (proc(5), fdinfo).
"""

import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from stat import S_ISREG
from typing import get_args, get_type_hints

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.core import events
from spaces_bridge.media.stage import WorkerStage
from tests.support.sound import tone
from tests.support.stage import (
    EAR,
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


def written_by(pid: int) -> set[str]:
    """Regular files that the process has open for writing; deleted ones, too."""
    return set(_written(Path(f"/proc/{pid}")))


def _written(process: Path) -> Iterator[str]:
    for held in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            said = (process / "fdinfo" / held.name).read_text().splitlines()
            flags = next(int(line.split()[1], 8) for line in said if line.startswith("flags:"))
            if S_ISREG(held.stat().st_mode) and flags & os.O_ACCMODE != os.O_RDONLY:
                yield str(held.readlink())


def files_in(*folders: Path) -> set[Path]:
    """All of them, whatever they are."""
    return {path for folder in folders for path in folder.rglob("*") if not path.is_dir()}


def test_a_file_that_is_written_to_is_seen(tmp_path: Path) -> None:
    with (tmp_path / "sound").open("wb"), (tmp_path / "sound").open("rb"):
        assert str(tmp_path / "sound") in written_by(os.getpid())
    assert str(tmp_path / "sound") not in written_by(os.getpid())


async def test_a_conversation_is_written_to_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, data = tmp_path / "tmp", tmp_path / "data"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))  # the worker inherits it
    monkeypatch.chdir(temporary)
    stage = WorkerStage(options(data))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        assert stage.worker_pid is not None
        ours, workers = written_by(os.getpid()), written_by(stage.worker_pid)
        idle = files_in(tmp_path)
        mix = stage.mix(SPACE, {})
        assert isinstance(mix, AsyncGenerator)
        async with speaking(stage, HOST) as host, listening(stage, EAR) as ear, aclosing(mix):
            host.say(tone(440, 60))
            await hears(ear)
            await anext(mix)
            assert await anext(mix)  # it is listened to over HTTP, too
            await until(lambda: noted.audio_of[HOST])  # and captioned
            assert written_by(stage.worker_pid) <= workers
            assert written_by(os.getpid()) <= ours
            assert files_in(tmp_path) == idle
    assert files_in(tmp_path) <= idle


@pytest.mark.parametrize("module", [events, tasks])
def test_what_is_stored_of_a_space_has_no_place_for_sound(module: object) -> None:
    """Journal and outbox are the whole database of a live space, each row one of these."""
    rows = [each for each in vars(module).values() if is_dataclass(each)]
    assert len(rows) > 10
    for row in rows:
        hints = get_type_hints(row)
        for each in fields(row):
            held = hints[each.name]
            assert not {bytes, bytearray, memoryview} & {held, *get_args(held)}, (row, each.name)
