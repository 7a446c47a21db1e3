"""Tokens kept out of what the client says: the SDK's errors and logs may hold addresses with them.

Pure, but for the filter of log records.
"""

import logging
import re
from typing import Final

from spaces_bridge.media.sfu_client.limits import LONGEST_REASON

_TOKEN: Final = re.compile(r"access_token=[^&\s\"']*|\beyJ[\w-]*\.[\w-]*\.[\w-]*")


def without_tokens(text: str) -> str:
    """Return the text with everything that looks like a token taken out."""
    return _TOKEN.sub("<token>", text)


def reason_of(problem: BaseException) -> str:
    """Return a short reason for a log, without tokens and on one line."""
    said = str(getattr(problem, "message", problem)) or type(problem).__name__
    return " ".join(without_tokens(said).split())[:LONGEST_REASON]


class WithoutTokens(logging.Filter):
    """The filter takes tokens out of log records, their tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its text made harmless."""
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
        record.msg, record.args, record.exc_info = without_tokens(text), (), None
        return True
