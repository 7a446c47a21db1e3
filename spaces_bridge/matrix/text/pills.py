"""Pills, the names that clients turn into links, and the people they stand for. Pure.

The plain body of such a message holds only the name; the id is in its HTML.
"""

import html
import re
from collections.abc import Sequence
from urllib.parse import unquote

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.text.addressed import seen
from spaces_bridge.matrix.text.people import user_id

_ANCHOR = re.compile(
    r"<a\s[^>]*?href=[\"'](https?://matrix\.to/#/[^\"'\s]{1,600})[\"'][^>]*>([^<>]{1,300})</a>",
    re.IGNORECASE,
)
LENGTH_MAX = 20_000
PILLS_MAX = 20

Pill = tuple[str, UserId]
"""The name that a pill shows, and the user it stands for."""


def pills_of(formatted: object) -> tuple[Pill, ...]:
    """Return the pills in the HTML of a message, in order, at most `PILLS_MAX`."""
    if not isinstance(formatted, str) or len(formatted) > LENGTH_MAX:
        return ()
    found = list[Pill]()
    for href, shown in _ANCHOR.findall(formatted):
        user = user_id(unquote(html.unescape(href)))
        name = " ".join(seen(html.unescape(shown)).split())
        if user is not None and name:
            found.append((name, user))
    return tuple(found[:PILLS_MAX])


def with_ids(text: str, pills: Sequence[Pill]) -> str:
    """Return the text with each linked name replaced by the id it stands for."""
    at = 0
    for name, user in pills:
        begin = text.find(name, at)
        if begin < 0:
            continue
        text = text[:begin] + user + text[begin + len(name) :]
        at = begin + len(user)
    return text
