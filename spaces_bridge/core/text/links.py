"""Links that people share: a web address, or a link into Matrix, as they write it."""

import re
from collections.abc import Collection
from urllib.parse import quote, unquote, urlsplit

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId

_PERMALINK = re.compile(r"https?://matrix\.to/#/([^/?\s]+)/(\$[^/?\s]+)(?:\?\S*)?")
_URI = re.compile(r"matrix:(r|roomid|u)/([^/?\s]+)(?:/e/([^/?\s]+))?(?:\?\S*)?")
_SIGNS = {"r": "#", "roomid": "!", "u": "@"}
_NAMED = re.compile(r"[#!@][^\s:/]+:[A-Za-z0-9.\-\[\]:]+")

_BEFORE = "<([{\"'`“„«‹‘「『（"
_AFTER = ".,:;!?…>\"'`”’“»›‘。，、；：！？」』）"
_BRACKETS = {")": "(", "]": "[", "}": "{"}

URL_MAX = 2000


def shared_link(text: str, rooms: Collection[str]) -> tuple[str, EventId | None]:
    """Return the web address to show, and the event it is about if that is in one of `rooms`.

    `rooms`: ids and aliases of the room the link is shared in. Raises Rejected when the text is
    more than one link.
    """
    url = _address(without_sentence(text))
    if " " in url:
        raise Rejected(
            "one_link", "Write just one link, such as `share https://example.org/recipe`."
        )
    found = _PERMALINK.fullmatch(_decoded(url))
    if found is not None and found[1] in rooms:
        return url, EventId(found[2])
    return url, None


def without_sentence(address: str) -> str:
    """Return the address without quotes, brackets and marks of the sentence around it.

    A closing bracket stays where the address itself opens it (`…/Rose_(plant)`).
    """
    bare = address.strip().lstrip(_BEFORE)
    while bare and (bare[-1] in _AFTER or _closes_nothing(bare)):
        bare = bare[:-1]
    return bare


def _closes_nothing(address: str) -> bool:
    opening = _BRACKETS.get(address[-1])
    return opening is not None and address.count(opening) < address.count(address[-1])


def is_web_address(url: str) -> bool:
    """Return whether the address leads to a web server, and everybody reads the same server in it.

    Browsers take a backslash for a slash, and what stands before `@` is no server: such
    addresses can look as if they led elsewhere.
    """
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # it is no address, or has no valid port
        return False
    plain = url.isprintable() and not any(char.isspace() or char == "\\" for char in url)
    return plain and named and parts.scheme in {"http", "https"}


def _address(text: str) -> str:
    """Return the web address of a link; one into Matrix by matrix.to, which clients understand."""
    uri = _URI.fullmatch(text)
    if uri is not None:
        event = f"/{quote('$' + unquote(uri[3]))}" if uri[3] else ""
        query = urlsplit(text).query
        return f"{_into_matrix(_SIGNS[uri[1]] + unquote(uri[2]))}{event}" + (
            f"?{query}" if query else ""
        )
    if _NAMED.fullmatch(text):
        return _into_matrix(text)
    if re.match(r"(?:www\.)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/|$)", text, re.IGNORECASE):
        return f"https://{text}"
    return text


def _into_matrix(name: str) -> str:
    return f"https://matrix.to/#/{quote(name, safe='!#@:$')}"


def _decoded(url: str) -> str:
    return unquote(url) if "matrix.to" in url else url
