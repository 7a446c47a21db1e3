"""The store that is no longer the store is noticed, and what it held is kept."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.notes.dms_and_reactions import UserRoom
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.storage import watch as watch_module
from spaces_bridge.storage.storage import Storage, open_storage
from tests.storage.support import SetClock

pytestmark = pytest.mark.unit


def copies(folder: Path) -> list[Path]:
    return sorted(folder.glob("spaces.db.rescued-*"))


def delete(path: Path) -> None:
    path.unlink()


def replace_by_empty(path: Path) -> None:
    path.rename(path.with_name("moved.db"))
    path.touch()


def restore_backup(path: Path) -> None:
    shutil.copy(path, path.with_name("backup.db"))
    path.with_name("backup.db").replace(path)


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def lose_log(path: Path) -> None:
    path.with_name("spaces.db-wal").unlink()


def written(user: str, room: str) -> UserRoom:
    """Something that is stored."""
    return UserRoom(UserId(user), RoomId(room))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spaces.db"


async def opened(path: Path, clock: SetClock) -> Storage:
    storage = await open_storage(f"sqlite:{path}", clock)
    await storage.notes.put(written("before", "kept"))
    await storage.health.check()
    return storage


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (delete, "deleted"),
        (remove_folder, "deleted"),
        (replace_by_empty, "replaced"),
        (restore_backup, "replaced"),
        (lose_log, "write-ahead log"),
    ],
)
async def test_a_lost_file_is_said_and_what_it_held_is_copied_to_the_last(
    harm: Callable[[Path], None],
    said: str,
    path: Path,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = await opened(path, clock)
    harm(path)
    with pytest.raises(StorageError, match=said):
        await storage.health.check()
    await storage.watch.look()
    await storage.watch.look()
    assert caplog.text.count(said) == 1
    [copy] = copies(path.parent)
    with pytest.raises(StorageError, match=str(copy)):
        await storage.health.check()
    await storage.notes.put(written("after", "kept, too"))
    await storage.close()
    assert copies(path.parent) == [copy]
    assert copy.stat().st_mode & 0o777 == 0o600
    again = await open_storage(f"sqlite:{copy}", clock)
    assert await again.notes.get(UserRoom.key(UserId("before"))) == written("before", "kept")
    assert await again.notes.get(UserRoom.key(UserId("after"))) == written("after", "kept, too")
    await again.close()


async def test_no_new_store_begins_beside_a_rescued_one(path: Path, clock: SetClock) -> None:
    storage = await opened(path, clock)
    delete(path)
    await storage.watch.look()
    await storage.close()
    [copy] = copies(path.parent)
    with pytest.raises(StorageError, match="rescued"):
        await open_storage(f"sqlite:{path}", clock)
    assert path.name not in os.listdir(path.parent)
    copy.rename(path)
    again = await open_storage(f"sqlite:{path}", clock)
    assert await again.notes.get(UserRoom.key(UserId("before"))) == written("before", "kept")
    await again.close()


async def test_a_copy_is_not_written_where_there_is_no_room(
    path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch_module, "SPARE_BYTES", 1 << 62)
    storage = await opened(path, clock)
    delete(path)
    await storage.watch.look()
    await storage.close()
    assert not list(path.parent.glob("spaces.db.rescued*"))
    assert "no room" in caplog.text


async def test_a_file_that_was_cut_off_is_said(path: Path, clock: SetClock) -> None:
    storage = await opened(path, clock)
    for number in range(2000):
        await storage.notes.put(written(f"note {number}", "x" * 200))
    await storage.close()
    storage = await opened(path, clock)
    cut_off(path)
    with pytest.raises(StorageError, match="damaged"):
        await storage.health.check()
    await storage.close()


async def test_a_store_that_is_in_order_is_left_alone(storage: Storage, tmp_path: Path) -> None:
    for number in range(3):
        await storage.notes.put(written("note", str(number)))
        await storage.watch.look()
        await storage.health.check()
    assert not copies(tmp_path)


async def test_tables_that_were_emptied_are_said(postgres_url: str, clock: SetClock) -> None:
    storage = await open_storage(postgres_url, clock)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DELETE FROM database_owner")
    with pytest.raises(StorageError, match="emptied"):
        await storage.health.check()
    await connection.execute("DROP TABLE database_owner")
    with pytest.raises(StorageError):
        await storage.health.check()
    await connection.close()
    await storage.close()
