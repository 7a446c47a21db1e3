"""What is stored: plain values, times in integer Unix milliseconds, bodies ready for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from spaces_bridge.core.ids import RoomId, SpaceId, UserId

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One line of one live space's journal. `source` names what caused it, once."""

    seq: int
    at_ms: int
    kind: str
    body: JsonObject
    source: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One wish towards Matrix. `key` is deterministic: the same wish is stored once.

    `queue` is an ordered lane; lanes do not wait for each other. A `collapse` effect ("make
    the card true") may be wished again while it is under way, and is then done once more.
    """

    key: str
    queue: str
    kind: str
    body: JsonObject
    due_at_ms: int = 0
    collapse: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A stored effect that is not done yet."""

    id: int
    effect: OutboxEntry
    attempts: int
    generation: int


@dataclass(frozen=True, slots=True)
class SpaceSummary:
    """What listings and look-ups need to know of a live space. `captions`: how many so far."""

    space: SpaceId
    slug: str
    title: str
    host: UserId
    phase: str
    private: bool
    room: RoomId | None
    scheduled_at_ms: int | None
    started_at_ms: int | None
    ended_at_ms: int | None
    host_name: str = ""
    captions: int = 0


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """One event of an appservice transaction, as raw JSON text."""

    event_id: str
    room_id: str | None
    body: str


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A stored event that is not handled yet; `seq` is the order of arrival."""

    seq: int
    event_id: str
    room_id: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Token:
    """A secret somebody holds, stored as its SHA-256: who they are in which live space."""

    hash: str
    space: SpaceId
    user: UserId
    name: str
    guest: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Block:
    """A host keeps somebody out of all spaces. `target`: a user id, `*` and `?` match."""

    host: UserId
    target: str
    by: UserId
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A ban recommended by a policy list (spec: "Moderation policy lists").

    `kind` is "user" or "server"; `entity` may hold `*` and `?`.
    """

    room: RoomId
    kind: str
    key: str
    entity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Somebody reported somebody. `id` 0 before it is stored; `context`: what was said."""

    id: int
    space: SpaceId
    reporter: UserId
    reported: UserId
    reason: str
    context: str
    at_ms: int
