"""The pictures of rooms and of the bot, each uploaded to the homeserver once."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from zlib import crc32

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.notes.rooms import UploadedPicture
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient

log = logging.getLogger(__name__)

TONES = 8
"""The number of colours that hosts have, here and on the page."""

REST_S = 300.0
"""Seconds without uploads after the homeserver took no file."""


@cache
def room_picture(phase: Phase, tone: int) -> bytes:
    """Return the PNG of a live space's room in this phase, in the colour `tone`, below `TONES`.

    The pictures are drawn by `tools/pictures`.
    """
    return _file(f"{phase.value}-{tone}.png")


@cache
def bot_picture() -> bytes:
    """Return the PNG of the bot, of the same family."""
    return _file("bot.png")


def _file(name: str) -> bytes:
    return (files("spaces_bridge.matrix.cards") / "pictures" / name).read_bytes()


class PictureUploads:
    """The uploads of pictures, which give their `mxc://` addresses.

    An address is None while the homeserver takes no file: the room then goes without a picture.
    Raises Away (only when nobody answers at all) and StorageError.
    """

    def __init__(self, bot: MatrixClient, notes: NoteStore, clock: Callable[[], float]) -> None:
        """`clock` returns seconds of the event loop."""
        self._bot = bot
        self._notes = notes
        self._clock = clock
        self._rest_until = 0.0
        self._lock = asyncio.Lock()

    async def of_space(self, space: LiveSpace) -> str | None:
        """Return the address of a live space's picture, in the host's tone, as on the page."""
        tone = crc32(space.host.encode()) % TONES
        return await self._address(room_picture(space.phase, tone))

    async def of_directory(self) -> str | None:
        """Return the address of the directory's picture."""
        return await self._address(room_picture(Phase.LIVE, 0))

    async def portray_bot(self) -> None:
        """Give the bot its picture, unless it has one: an admin may have chosen another."""
        try:
            if await self._bot.avatar(self._bot.user) is None:
                address = await self._address(bot_picture())
                if address is not None:
                    await self._bot.show_myself(address)
        except AdapterError as error:
            log.warning("the bot goes without a picture: %s", error)

    async def _address(self, file: bytes) -> str | None:
        digest = hashlib.sha256(file).hexdigest()[:32]
        async with self._lock:
            known = await self._notes.get(UploadedPicture.key(digest))
            if known is not None:
                return known.address
            address = await self._upload(file)
            if address is not None:
                await self._notes.put(UploadedPicture(digest, address))
            return address

    async def _upload(self, file: bytes) -> str | None:
        if self._clock() < self._rest_until:
            return None
        try:
            return await self._bot.upload(file, "image/png", "live-space.png")
        except RequestRefused as refusal:
            why = str(refusal)
        except Away as away:
            if away.unreached:
                raise
            why = str(away)
        self._rest_until = self._clock() + REST_S
        log.warning("rooms go without a picture for now, no file can be uploaded: %s", why)
        return None
