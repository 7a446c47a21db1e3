"""People's avatars for the page: small ones, from our own homeserver, kept for a while.

An avatar may be any file its owner has uploaded. It is served only if it begins as one of the
kinds of picture that browsers draw without running anything.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Avatar
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.matrix_client import MatrixClient

log = logging.getLogger(__name__)

SIDE: Final = 192
"""The pixels to be filled: 96 points on a fine screen. Not every picture is a square."""
LARGEST: Final = 512 * 1024
"""Bytes of one picture at most."""
WITHIN_S: Final = 10.0
"""Seconds for profile and picture together, with the wait while others are fetched."""
AT_ONCE: Final = 4
"""Pictures fetched at the same time at most."""
KEPT_BYTES: Final = 16 * 1024 * 1024
"""Bytes of all pictures in memory."""
KEPT_S: Final = 3600.0
NONE_KEPT_S: Final = 600.0
"""Seconds that the lack of an avatar is cached."""
AWAY_KEPT_S: Final = 60.0
"""Seconds that a failed look-up is cached."""
_NOTE_BYTES: Final = 512
"""The size of an entry besides the picture itself."""


@dataclass(frozen=True, slots=True)
class _Kept:
    avatar: Avatar | None
    until_s: float

    @property
    def size(self) -> int:
        return _NOTE_BYTES + (len(self.avatar.body) if self.avatar is not None else 0)


class Avatars:
    """The cache of people's avatars. Implements `Pictures`."""

    def __init__(self, bot: MatrixClient, clock: Callable[[], float]) -> None:
        """`clock` returns seconds of the event loop."""
        self._bot = bot
        self._clock = clock
        self._kept: OrderedDict[UserId, _Kept] = OrderedDict()
        self._size = 0
        self._places = asyncio.Semaphore(AT_ONCE)
        self._fetching: dict[UserId, asyncio.Task[Avatar | None]] = {}

    async def avatar(self, user: UserId) -> Avatar | None:
        """Part of the port."""
        kept = self._kept.get(user)
        if kept is not None and self._clock() < kept.until_s:
            self._kept.move_to_end(user)
            return kept.avatar
        fetching = self._fetching.get(user)
        if fetching is None:
            fetching = asyncio.create_task(self._fetch(user), name=f"avatar of {user}")
            self._fetching[user] = fetching
            fetching.add_done_callback(lambda _: self._fetching.pop(user, None))
        # a caller that is cancelled ends the fetch for nobody else
        return await asyncio.shield(fetching)

    async def stop(self) -> None:
        """Cancel all fetches; whoever still waits gets nothing."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(self, user: UserId) -> Avatar | None:
        avatar, lasts_s = None, NONE_KEPT_S
        try:
            async with asyncio.timeout(WITHIN_S), self._places:
                avatar = await self._read(user)
        except (Away, TimeoutError):
            lasts_s = AWAY_KEPT_S
        except AdapterError as refusal:
            log.debug("no picture of %s: %s", user, refusal)
        if avatar is not None:
            lasts_s = KEPT_S
        self._keep(user, _Kept(avatar, self._clock() + lasts_s))
        return avatar

    async def _read(self, user: UserId) -> Avatar | None:
        address = await self._bot.avatar(user)
        if address is None:
            return None
        body = await self._bot.thumbnail(address, SIDE, LARGEST, WITHIN_S)
        content_type = kind_of(body)
        return Avatar(content_type, body) if content_type is not None else None

    def _keep(self, user: UserId, kept: _Kept) -> None:
        before = self._kept.pop(user, None)
        self._size += kept.size - (before.size if before is not None else 0)
        self._kept[user] = kept
        while self._size > KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size


def kind_of(body: bytes) -> str | None:
    """Return the content type by a file's first bytes: PNG, JPEG, GIF, WebP; None for others."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return None
