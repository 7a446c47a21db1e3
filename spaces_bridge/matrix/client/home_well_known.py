"""What our homeserver wishes of its clients about encryption, as Element reads it.

`io.element.e2ee` in `/.well-known/matrix/client`: `force_disable` (no chat is opened encrypted),
`default` (whether a chat is opened encrypted where nobody chose).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from spaces_bridge.matrix.client.discovery import FAILURES, PLAIN, small_object
from spaces_bridge.matrix.client.http import home_connector

log = logging.getLogger(__name__)

WELL_KNOWN: Final = "/.well-known/matrix/client"
WITHIN_S: Final = 5.0
KEPT_S: Final = 3600.0
FAILURE_KEPT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class EncryptionWishes:
    """The homeserver's wishes; without any, chats are opened encrypted, as Element opens them."""

    is_disabled: bool = False
    by_default: bool = True


class HomeWellKnown:
    """The reader of our homeserver's file for clients, which is asked for once an hour."""

    def __init__(
        self, address: str, domain: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`address`: the homeserver's own. Where it serves no such file, `domain` may."""
        self._urls = (f"{address}{WELL_KNOWN}", f"https://{domain}{WELL_KNOWN}")
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known = EncryptionWishes()
        self._until = -1.0

    async def wishes(self) -> EncryptionWishes:
        """Return the wishes; those of before, or none, while nobody answers."""
        async with self._lock:
            if self._clock() >= self._until:
                found = await self._read()
                self._known = wishes_in(found) if found is not None else self._known
                kept_s = KEPT_S if found is not None else FAILURE_KEPT_S
                self._until = self._clock() + kept_s
        return self._known

    async def _read(self) -> Mapping[str, Any] | None:
        """Return the first file that is there; empty without any; None: nobody answers."""
        answered = False
        async with aiohttp.ClientSession(connector=home_connector()) as http:
            for url in self._urls:
                try:
                    async with asyncio.timeout(WITHIN_S), http.get(url, headers=PLAIN) as response:
                        answered = True
                        if response.status == 200:
                            return await small_object(response)
                except FAILURES as error:
                    log.debug("no file for clients: %s", type(error).__name__)
        return {} if answered else None


def wishes_in(file: Mapping[str, Any]) -> EncryptionWishes:
    """Return the wishes that the file holds; what is odd says nothing."""
    section = file.get("io.element.e2ee")
    if not isinstance(section, Mapping):
        return EncryptionWishes()
    return EncryptionWishes(
        section.get("force_disable") is True, section.get("default") is not False
    )
