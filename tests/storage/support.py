"""Values and a clock for the tests of the storage room."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from spaces_bridge.app.records import InboxEvent, OutboxEntry, SpaceSummary, StoredEvent
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.storage.storage import Storage, open_storage

SPACE = SpaceId("abcdefgh01234567")
OTHER_SPACE = SpaceId("zyxwvuts76543210")
HOST = UserId("@host:example.org")


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    ms: int = 1_000_000

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return self.ms


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Storage]:
    """All stores, closed at the end."""
    storage = await open_storage(url, SetClock())
    try:
        yield storage
    finally:
        await storage.close()


def summary(space: SpaceId = SPACE, **changes: object) -> SpaceSummary:
    """A live space as the directory knows it."""
    plain = SpaceSummary(
        space=space,
        slug=f"talk-{space}",
        title="An evening talk",
        host=HOST,
        phase="live",
        private=False,
        room=RoomId(f"!{space}"),
        scheduled_at_ms=None,
        started_at_ms=1_700_000_000_000,
        ended_at_ms=None,
        host_name="Ada",
        captions=7,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # the tests name real fields


def stored(seq: int, **body: object) -> StoredEvent:
    """A line of a journal."""
    return StoredEvent(seq, 1_700_000_000_000 + seq, "HandRaised", body, f"$cause{seq}")


def effect(key: str, *, collapse: bool = False, due_at_ms: int = 0, **body: object) -> OutboxEntry:
    """A task towards Matrix."""
    return OutboxEntry(key, "!room|normal", "Announce", body, due_at_ms, collapse)


def event(number: int, body: str = "{}") -> InboxEvent:
    """An event as the homeserver hands it over."""
    return InboxEvent(f"$event{number}", "!room", body)
