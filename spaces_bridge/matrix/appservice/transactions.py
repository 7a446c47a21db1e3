"""Parse appservice transactions: from bytes to events for the inbox.

An envelope that is no transaction is refused. Whatever is wrong with a single event is not the
envelope's fault: the event is stored as it is, so that the homeserver goes on to the next
transaction.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from spaces_bridge.app.records import InboxEvent

INT_DIGITS_MAX = 400
_PLAIN_ID = re.compile(r"[\x21-\x7e]{1,255}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_EVENTS_KEY = re.compile(r'"events"\s*:\s*\[')


class BadTransaction(Exception):
    """The body's envelope is no transaction; `errcode` and `text` make the Matrix error."""

    def __init__(self, errcode: str, text: str) -> None:
        super().__init__(text)
        self.errcode = errcode
        self.text = text


def parse_transaction(body: bytes) -> list[InboxEvent]:
    """Return the events of a transaction. Raises BadTransaction."""
    try:
        text = body.decode("utf-8")
    except ValueError:
        raise BadTransaction("M_NOT_JSON", "The transaction is not UTF-8.") from None
    try:
        envelope = json.loads(text, parse_int=_bounded_int)
    except RecursionError:
        return _without_parsing(text)
    except ValueError:
        raise BadTransaction("M_NOT_JSON", "The transaction is not JSON.") from None
    if not isinstance(envelope, dict):
        raise BadTransaction("M_BAD_JSON", "A transaction is a JSON object.")
    events = envelope.get("events", [])
    if not isinstance(events, list):
        raise BadTransaction("M_BAD_JSON", "`events` of a transaction is a list.")
    return [stored(event) for event in events]


def stored(event: object) -> InboxEvent:
    """Return an event as the inbox stores it, whichever way it came."""
    return _stored(event, json.dumps(event))


def parse_event(body: str) -> Mapping[str, Any] | None:
    """Return a stored event; None when the body is no JSON object or is nested too deep."""
    try:
        event = json.loads(body, parse_int=_bounded_int)
    except (RecursionError, ValueError):
        return None
    return event if isinstance(event, dict) else None


def _stored(event: object, body: str) -> InboxEvent:
    fields = event if isinstance(event, dict) else {}
    event_id = _plain_id(fields.get("event_id")) or f"unnamed:{_digest(body)}"
    return InboxEvent(event_id, _plain_id(fields.get("room_id")), body)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain_id(value: object) -> str | None:
    return value if isinstance(value, str) and _PLAIN_ID.fullmatch(value) else None


def _bounded_int(digits: str) -> int:
    """Return the number, 0 for one of too many digits.

    Python refuses numbers of 4300 digits; no event may stop a transaction with one.
    """
    return int(digits) if len(digits) <= INT_DIGITS_MAX else 0


def _without_parsing(text: str) -> list[InboxEvent]:
    """Return events nested too deep to parse, cutting the list apart by its brackets alone."""
    start = _EVENTS_KEY.search(text)
    if start is None or _depth(text[: start.start()]) != 1:
        raise BadTransaction("M_BAD_JSON", "The transaction is nested too deep.")
    events: list[InboxEvent] = []
    depth, begin = 0, start.end()
    for token in _TOKEN.finditer(text, start.end()):
        mark = token[0]
        if depth == 0 and mark in (",", "]"):
            raw = text[begin : token.start()].strip()
            if raw:
                event = parse_event(raw)
                events.append(_stored(event, raw))
            begin = token.end()
            if mark == "]":
                return events
        elif mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
    raise BadTransaction("M_NOT_JSON", "The transaction is not JSON.")


def _depth(text: str) -> int:
    marks = [token[0] for token in _TOKEN.finditer(text)]
    return sum(mark in "[{" for mark in marks) - sum(mark in "]}" for mark in marks)
