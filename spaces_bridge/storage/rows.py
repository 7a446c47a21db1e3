"""The translations between rows of the tables and the app's values, each written once."""

from typing import Any, Protocol

from spaces_bridge.app.records import (
    InboxRow,
    OutboxEntry,
    OutboxRow,
    SpaceSummary,
    StoredEvent,
    Token,
)
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.storage.text import (
    body_from_column,
    body_to_column,
    from_column,
    optional_from_column,
    optional_to_column,
    to_column,
)


class Row(Protocol):
    """A row of either driver."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401  the column decides
        """Return the value of a column, by name."""
        ...


def journal_columns(space: SpaceId, event: StoredEvent) -> tuple[object, ...]:
    """Return an event's columns: `space, seq, at_ms, kind, body, source`."""
    return (
        to_column(space),
        event.seq,
        event.at_ms,
        to_column(event.kind),
        body_to_column(event.body),
        optional_to_column(event.source),
    )


def stored_event(row: Row) -> StoredEvent:
    """Return the event of a row of `journal`."""
    return StoredEvent(
        seq=row["seq"],
        at_ms=row["at_ms"],
        kind=from_column(row["kind"]),
        body=body_from_column(row["body"]),
        source=optional_from_column(row["source"]),
    )


def summary_columns(summary: SpaceSummary) -> tuple[object, ...]:
    """Return all columns of `spaces` but `ordinal`, in their order."""
    return (
        to_column(summary.space),
        to_column(summary.slug),
        to_column(summary.title),
        to_column(summary.host),
        to_column(summary.phase),
        summary.private,
        optional_to_column(summary.room),
        summary.scheduled_at_ms,
        summary.started_at_ms,
        summary.ended_at_ms,
        to_column(summary.host_name),
        summary.captions,
    )


def space_summary(row: Row) -> SpaceSummary:
    """Return the summary of a row of `spaces`."""
    room = optional_from_column(row["room"])
    return SpaceSummary(
        space=SpaceId(from_column(row["space"])),
        slug=from_column(row["slug"]),
        title=from_column(row["title"]),
        host=UserId(from_column(row["host"])),
        phase=from_column(row["phase"]),
        private=bool(row["private"]),
        room=None if room is None else RoomId(room),
        scheduled_at_ms=row["scheduled_at_ms"],
        started_at_ms=row["started_at_ms"],
        ended_at_ms=row["ended_at_ms"],
        host_name=from_column(row["host_name"]),
        captions=row["captions"],
    )


def effect_columns(effect: OutboxEntry) -> tuple[object, ...]:
    """Return a task's columns: `key, queue, kind, body, due_at_ms, collapse`."""
    return (
        to_column(effect.key),
        to_column(effect.queue),
        to_column(effect.kind),
        body_to_column(effect.body),
        effect.due_at_ms,
        effect.collapse,
    )


def outbox_row(row: Row) -> OutboxRow:
    """Return the task of a row of `outbox`."""
    effect = OutboxEntry(
        key=from_column(row["key"]),
        queue=from_column(row["queue"]),
        kind=from_column(row["kind"]),
        body=body_from_column(row["body"]),
        due_at_ms=row["due_at_ms"],
        collapse=bool(row["collapse"]),
    )
    return OutboxRow(row["id"], effect, row["attempts"], row["generation"])


def inbox_row(row: Row) -> InboxRow:
    """Return the event of a row of `inbox`."""
    return InboxRow(
        seq=row["seq"],
        event_id=from_column(row["event_id"]),
        room_id=optional_from_column(row["room_id"]),
        body=from_column(row["body"]),
    )


def token_columns(token: Token) -> tuple[object, ...]:
    """Return all columns of `tokens`, in their order."""
    return (
        to_column(token.hash),
        to_column(token.space),
        to_column(token.user),
        to_column(token.name),
        token.guest,
        token.created_at_ms,
    )


def token(row: Row) -> Token:
    """Return the token of a row of `tokens`."""
    return Token(
        hash=from_column(row["hash"]),
        space=SpaceId(from_column(row["space"])),
        user=UserId(from_column(row["user_id"])),
        name=from_column(row["name"]),
        guest=bool(row["guest"]),
        created_at_ms=row["created_at_ms"],
    )
