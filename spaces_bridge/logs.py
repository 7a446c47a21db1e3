"""Logs for people or for machines, without secrets and without forged lines.

Every module logs through the standard library; `configure` decides on the form of lines. Three
rules hold for each line, whichever module wrote it: known secrets are blotted out, control
characters (a line break or an escape in a name) are written as escapes, and the id of the request
or transaction being served is there as `request_id`.
"""

import logging
import logging.config
import re
import secrets as randomness
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

BLOT = "[secret]"
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# Tokens that `secrets` does not name: in queries, headers, the fragment of a personal link.
_TOKENS = re.compile(
    r"(?i)(access_token=|bearer\s+|#t=|authorization:\s*(?!bearer\b))[^\s&'\"<>]+"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TOO_SHORT_TO_BLOT = 6


@contextmanager
def request(request_id: str | None = None) -> Iterator[str]:
    """Mark everything logged inside, by this task and its children, with one id."""
    chosen = request_id or randomness.token_hex(4)
    mark = _request_id.set(chosen)
    try:
        yield chosen
    finally:
        _request_id.reset(mark)


def configure(
    level: str = "INFO",
    *,
    json_lines: bool = False,
    secrets: Sequence[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send all logs of the process to `stream` (standard error) in one of the two forms."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(json_lines=json_lines, secrets=secrets))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    # These loggers repeat every request, some with contents: only their warnings are of use.
    for chatty in ("aiohttp.access", "aiosqlite", "mau", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def formatter(*, json_lines: bool, secrets: Sequence[str] = ()) -> logging.Formatter:
    """Return the formatter behind `configure`, for tests and for the workers' logs."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        structlog.processors.format_exc_info,
        _cleaner(secrets),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False)
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    request_id = _request_id.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event


def _cleaner(secrets: Sequence[str]) -> Processor:
    known = sorted({s for s in secrets if len(s) >= _TOO_SHORT_TO_BLOT}, key=len, reverse=True)
    blotted = re.compile("|".join(map(re.escape, known))) if known else None

    def scrub(text: str, *, keep: str = "") -> str:
        if blotted is not None:
            text = blotted.sub(BLOT, text)
        text = _TOKENS.sub(lambda found: found[1] + BLOT, text)
        return _CONTROL.sub(lambda found: found[0] if found[0] in keep else _escape(found), text)

    def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        for key, value in event.items():
            if key.startswith("_"):
                continue
            # A traceback is read by people: its lines stay lines.
            event[key] = _scrubbed(value, scrub, keep="\n" if key == "exception" else "")
        return event

    return clean


def _scrubbed(value: object, scrub: Callable[..., str], *, keep: str) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {scrub(str(key)): _scrubbed(part, scrub, keep=keep) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed(part, scrub, keep=keep) for part in value]
    return scrub(str(value), keep=keep)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
