"""Mending of our addresses as people paste them: with dots, brackets, blanks or capitals.

Only the writing is looked at, never whether there is such a live space, so the answer is the same
for private ones and for none; and the result is one of our own paths, or nothing.
"""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

SLUG = "[a-z0-9]+(?:-+[a-z0-9]+)*"
"""The pattern of a live space's name in addresses."""

LONGEST = 500
"""Characters of the longest path that is looked at."""

_SHARED = re.compile(
    rf"|s/{SLUG}(/(live\.ogg|transcript\.(vtt|srt|txt|json)|event\.ics|qr\.svg))?"
    rf"|verify|api/openapi\.json|api/v1/spaces(/{SLUG})?"
)
"""The addresses that people hand on, without their first slash."""

_DIRECTORY = {"index.html", "index.htm", "s"}
_BEFORE_SLUG = {"s", "spaces"}
_CHOICES = {"view", "lang", "theme"}
"""Parameters of a page's query; the value of each is a word."""


def meant(request: web.BaseRequest, prefix: str, *, nowhere: bool) -> str | None:
    """Return the address that was meant, or None; `nowhere`: the request's own leads nowhere."""
    if request.method not in {"GET", "HEAD"}:
        return None
    query = mended_query(request.query)
    path = mended_path(request.path, prefix) if nowhere else request.path
    if path is None or (not nowhere and query is None):
        return None
    kept = request.rel_url.raw_query_string if query is None else query
    return f"{path}?{kept}" if kept else path


def mended_path(path: str, prefix: str) -> str | None:
    """Return the path that was meant by this decoded one, or None where it is none of ours.

    `prefix` is the path prefix of all our addresses; the answer begins with it.
    """
    if len(path) > LONGEST:
        return None
    parts = [bare for part in _plain(path).split("/") if (bare := _bare(part))]
    before = [part for part in prefix.lower().split("/") if part]
    if before and parts[: len(before)] == before:
        parts = parts[len(before) :]
    if parts and parts[-1] in _DIRECTORY:
        parts.pop()
    if len(parts) > 1 and parts[-2] in _BEFORE_SLUG and (named := re.match(SLUG, parts[-1])):
        parts[-1] = named[0]  # words that stuck to the address go
    wanted = "/".join(parts)
    return f"{prefix}/{wanted}" if _SHARED.fullmatch(wanted) else None


def mended_query(query: Mapping[str, str]) -> str | None:
    """Return the query of a page without what stuck to its values, or None where nothing did.

    >>> mended_query({"view": "captions)"})
    'view=captions'
    """
    mended = {
        name: re.sub(r"[^a-z0-9]+$", "", value, flags=re.IGNORECASE) if name in _CHOICES else value
        for name, value in query.items()
    }
    return urlencode(mended) if mended != dict(query) else None


def _plain(path: str) -> str:
    """Return the path in lower case, letters of Chinese and Japanese keyboards as ASCII."""
    return unicodedata.normalize("NFKC", path).lower().replace("\\", "/")


def _bare(part: str) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", part)
