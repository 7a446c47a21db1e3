"""Whether the bot opens a chat encrypted.

It does where the homeserver does not forbid it, and where at least one of the person's devices
would get the keys: nobody is written to in a chat that they cannot read.
"""

import logging
from typing import Protocol

from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.home_well_known import EncryptionWishes
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms
from spaces_bridge.matrix.crypto.encryption import NOT_READY_S, Encryption
from spaces_bridge.matrix.crypto.recipients import ShareKeysWith, recipients_of

log = logging.getLogger(__name__)


class Wishes(Protocol):
    """The port to what our homeserver wishes."""

    async def wishes(self) -> EncryptionWishes: ...


class ChatPreference:
    """The preference for a new chat with a person. Implements `ChatPrivacy`."""

    def __init__(
        self, encryption: Encryption, rooms: EncryptedRooms, home: Wishes, policy: ShareKeysWith
    ) -> None:
        self._encryption = encryption
        self._rooms = rooms
        self._home = home
        self._policy: ShareKeysWith = policy

    @property
    def is_possible(self) -> bool:
        """Whether the bot can read and write in encrypted rooms, as far as is known."""
        return self._encryption.is_possible

    async def opens_encrypted(self, user: UserId, earlier: RoomId | None) -> bool:
        """Return whether to open an encrypted chat; `earlier`: the person's last chat.

        A chat of before that was encrypted counts more than the homeserver's default. Raises
        Away, also before the bot has its device; StorageError.
        """
        if not self.is_possible:
            return False
        wishes = await self._home.wishes()
        if wishes.is_disabled:
            return False
        chose = earlier is not None and await self._rooms.was_encrypted(earlier)
        if not (chose or wishes.by_default):
            return False
        lists = self._encryption.lists
        if lists is None:
            raise Away("The bot has no encryption device yet.", retry_after_s=NOT_READY_S)
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
