"""Stored records: plain values, times in integer Unix milliseconds, bodies ready for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from spaces_bridge.core.ids import RoomId, SpaceId, UserId

JsonObject = Mapping[str, object]


class CallAlert(StrEnum):
    """How a follower wants to be alerted in a room where the host goes live (MSC4075).

    The values are stored. Everybody who follows gets a direct message besides.
    """

    NONE = ""
    NOTIFY = "notify"
    RING = "ring"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row of one live space's journal.

    `source` names what caused it, on the first of the events it caused.
    """

    seq: int
    at_ms: int
    kind: str
    body: JsonObject
    source: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An outbox task to be stored. `key` is deterministic: the same task is stored once.

    `queue` is an ordered lane; lanes do not wait for each other. A `collapse` task ("make the
    card true") may be stored again while it is under way, and is then done once more.
    """

    key: str
    queue: str
    kind: str
    body: JsonObject
    due_at_ms: int = 0
    collapse: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A stored outbox task that is not done yet."""

    id: int
    effect: OutboxEntry
    attempts: int
    generation: int


@dataclass(frozen=True, slots=True)
class SpaceSummary:
    """A summary of a live space for listings and look-ups. `captions`: how many so far."""

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
    """A token: the SHA-256 of a secret, and who its holder is in which live space."""

    hash: str
    space: SpaceId
    user: UserId
    name: str
    guest: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Block:
    """A host's block: keeps people out of all their live spaces.

    `target`: a user id, in which `*` and `?` match.
    """

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
    """A report of one person about another. `id`: 0 before it is stored.

    `context`: what the reported person said.
    """

    id: int
    space: SpaceId
    reporter: UserId
    reported: UserId
    reason: str
    context: str
    at_ms: int
