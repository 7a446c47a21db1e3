"""Whether the bot opens a chat encrypted.

It does where the homeserver does not forbid it, and where at least one of the person's devices
would get the keys: nobody is written to in a chat that they cannot read.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.home_well_known import EncryptionWishes
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms
from spaces_bridge.matrix.crypto.recipients import ShareKeysWith, recipients_of

log = logging.getLogger(__name__)


class Wishes(Protocol):
    """The port to what our homeserver wishes."""

    async def wishes(self) -> EncryptionWishes: ...


class ChatPreference:
    """The preference for a new chat with a person."""

    def __init__(
        self,
        rooms: EncryptedRooms,
        home: Wishes,
        lists: Callable[[], DeviceLists | None],
        policy: ShareKeysWith,
    ) -> None:
        """`lists` returns None before the bot has its device."""
        self._rooms = rooms
        self._home = home
        self._lists = lists
        self._policy: ShareKeysWith = policy

    async def opens_encrypted(self, user: UserId, earlier: RoomId | None) -> bool:
        """Return whether to open an encrypted chat; `earlier`: the person's last chat.

        A chat of before that was encrypted counts more than the homeserver's default. Raises
        Away, StorageError.
        """
        wishes, lists = await self._home.wishes(), self._lists()
        if wishes.is_disabled or lists is None:
            return False
        chose = earlier is not None and await self._rooms.was_encrypted(earlier)
        if not (chose or wishes.by_default):
            return False
        try:
            devices = await lists.glance_at(user)
        except RequestRefused as refusal:
            log.info("the devices of %s are not told: %s", user, refusal.errcode)
            return False
        except Away as away:
            if not away.broken:
                raise
            return False
        return bool(recipients_of(devices, self._policy).trusted)
