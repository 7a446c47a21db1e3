"""The encoding of text for both databases; the only place where text is changed on its way.

PostgreSQL refuses U+0000 and, like SQLite, everything UTF-8 cannot say (lone surrogates). People
and homeservers send both. Each such character, and the escape character itself, is written as
U+001A and four hexadecimal digits, so that every string comes back exactly as it went in.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from spaces_bridge.app.records import JsonObject

_UNSTORABLE = re.compile(r"[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile(r"\x1a([0-9a-f]{4})")
_LONGEST_INDEX_KEY = 500


def to_column(text: str) -> str:
    """Return the text as it is stored."""
    return _UNSTORABLE.sub(lambda found: f"\x1a{ord(found[0]):04x}", text)


def from_column(column: str) -> str:
    """Return the text as it was before `to_column`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), column)


def optional_to_column(text: str | None) -> str | None:
    """Return `to_column` of a text, None of None."""
    return None if text is None else to_column(text)


def optional_from_column(column: str | None) -> str | None:
    """Return `from_column` of a column, None of None."""
    return None if column is None else from_column(column)


def body_to_column(body: JsonObject) -> str:
    """Return a JSON object as it is stored."""
    return to_column(json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_plain))


def body_from_column(column: str) -> JsonObject:
    """Return the JSON object as it was before `body_to_column`."""
    body: JsonObject = json.loads(from_column(column))
    return body


def index_key(text: str) -> str:
    """Return a key for an outsider's id of any length: index entries of PostgreSQL are limited.

    Two ids have the same key only if they are the same: the key of a short id is the id, that of
    a long one its SHA-256 behind a prefix that no stored short id has (it is escaped there).
    """
    if len(text) <= _LONGEST_INDEX_KEY:
        return to_column(text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"\x1asha256:{digest}"


def key_to_column(parts: Sequence[str]) -> str:
    """Return the stored key of a note; a single part is keyed by itself, like an event's id."""
    return index_key(parts[0] if len(parts) == 1 else json.dumps(list(parts), ensure_ascii=False))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
