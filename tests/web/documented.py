"""Holds every answer that a test of this folder gets to what the OpenAPI description says."""

import re
from types import SimpleNamespace
from typing import Final

import aiohttp

from spaces_bridge.web.http.openapi import document

ALWAYS: Final = {"500"}
"""A bug of ours: no description promises one."""


def operations() -> dict[tuple[str, str], set[str]]:
    """The statuses of each operation, by method and path."""
    paths = document("")["paths"]
    assert isinstance(paths, dict)
    return {
        (method.upper(), path): set(operation["responses"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def unknown_status(method: str, path: str, status: int) -> bool:
    """Whether a described operation has answered with a status that it does not list."""
    for (known_method, known_path), statuses in _OPERATIONS.items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(known_path))
        is_it = known_method == method.replace("HEAD", "GET") and re.fullmatch(pattern, path)
        if is_it and str(status) not in statuses | ALWAYS:
            return True
    return False


def documented(prefix: str) -> aiohttp.TraceConfig:
    """A trace that fails requests to the public listener whose answer is not described."""

    async def check(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        done: aiohttp.TraceRequestEndParams,
    ) -> None:
        method, path, status = done.method, done.url.path, done.response.status
        if unknown_status(method, path.removeprefix(prefix), status):
            raise AssertionError(
                f"{method} {path}: openapi.py does not say that it may be {status}"
            )

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(check)
    return trace


_OPERATIONS: Final = operations()
