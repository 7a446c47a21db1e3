"""A finding of the check, and what all its parts need."""

from dataclasses import dataclass

import aiohttp

from spaces_bridge.startup import ExitCode

PATIENCE = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of the check, one line; a `code` other than OK makes the check fail."""

    text: str
    code: ExitCode = ExitCode.OK
    warning: bool = False

    def __str__(self) -> str:
        word = "warn" if self.warning else ("ok" if self.code is ExitCode.OK else "FAIL")
        return f"{word:<5}" + self.text.replace("\n", "\n     ")
