"""Contents cut so that they fit into an encrypted event. Pure.

Base64 makes a third more of them. Spec: Client-Server API, "Size limits": 65,536 bytes in all.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from spaces_bridge.matrix.events.content import cut

PLAINTEXT_MAX_BYTES: Final = 44_000
"""The bytes of a content's JSON; some 5,000 are left for the envelope and federation's fields."""

_RICH: Final = ("format", "formatted_body")


def fitted(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content if it fits; else without its rich text, and its texts cut."""
    if _bytes(content) <= PLAINTEXT_MAX_BYTES:
        return content
    plain = _without_rich_text(content)
    spare = PLAINTEXT_MAX_BYTES - _bytes(_with_bodies(plain, ""))
    bodies = 2 if isinstance(plain.get("m.new_content"), Mapping) else 1
    return _with_bodies(plain, None, max(0, spare) // bodies)


def _bytes(content: Mapping[str, Any]) -> int:
    return len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _without_rich_text(content: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in content.items() if name not in _RICH}
    edited = plain.get("m.new_content")
    if isinstance(edited, Mapping):
        plain["m.new_content"] = _without_rich_text(edited)
    return plain


def _with_bodies(content: Mapping[str, Any], text: str | None, limit: int = 0) -> dict[str, Any]:
    """Return the content with this text, or its own cut to `limit` bytes, as each body."""
    body, changed = content.get("body"), dict(content)
    if isinstance(body, str):
        changed["body"] = text if text is not None else cut(body, limit)
    edited = content.get("m.new_content")
    if isinstance(edited, Mapping):
        changed["m.new_content"] = _with_bodies(edited, text, limit)
    return changed
