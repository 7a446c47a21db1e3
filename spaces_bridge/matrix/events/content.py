"""Contents of messages: nobody is ever mentioned, and nothing is too long for an event."""

import json
from collections.abc import Mapping
from typing import Any

from spaces_bridge.core.ids import EventId

Content = Mapping[str, Any]

BODY_MAX_BYTES = 48_000
"""Bytes of text in one event.

The whole event may have 65,536 bytes, federation's fields included.
"""


def size(text: str) -> int:
    """Return the bytes that the text takes inside an event's JSON."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - 2


def cut(text: str, limit: int = BODY_MAX_BYTES) -> str:
    """Return the text if it fits, else its beginning and an ellipsis.

    `limit` is in bytes. Lone surrogates become `?`.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    if size(text) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= limit - 3 else (low, middle - 1)
    return text[:low] + "…"


def message(text: str, html: str | None = None, msgtype: str = "m.notice") -> dict[str, Any]:
    """Return a message. `html` must be escaped already; with it both texts get half the bytes."""
    content: dict[str, Any] = {"msgtype": msgtype, "m.mentions": {}}
    if html is None or size(html) > BODY_MAX_BYTES // 2:
        return {**content, "body": cut(text)}
    body = cut(text, BODY_MAX_BYTES // 2)
    rich = {"format": "org.matrix.custom.html", "formatted_body": html}
    return {**content, "body": body, **rich}


def reply(content: Content, event: EventId, thread: EventId | None = None) -> dict[str, Any]:
    """Return the message as a reply, in the thread with this root. Spec: "Threading"."""
    relation: dict[str, Any] = {"m.in_reply_to": {"event_id": event}}
    if thread is not None:
        relation |= {"rel_type": "m.thread", "event_id": thread, "is_falling_back": True}
    return {**content, "m.relates_to": relation}


def edit(content: Content, event: EventId) -> dict[str, Any]:
    """Return the message as the new content of `event`. Spec: "Event replacements"."""
    fallback = {**content, "body": f"* {content['body']}"}
    if "formatted_body" in content:
        fallback["formatted_body"] = f"* {content['formatted_body']}"
    relation = {"rel_type": "m.replace", "event_id": event}
    return {**fallback, "m.new_content": dict(content), "m.relates_to": relation}


def annotation(event: EventId, emoji: str) -> dict[str, Any]:
    """Return a reaction to an event."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": emoji}}
