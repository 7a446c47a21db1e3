"""Keys that lack are asked for. Spec: Client-Server API, "m.room_key_request"."""

from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.room_keys import MEGOLM
from spaces_bridge.matrix.crypto.to_device import ToDeviceQueue, new_transaction

EVERY_DEVICE = "*"


class KeyRequests:
    """The asker for keys. Implements `KeyAsker`."""

    def __init__(self, queue: ToDeviceQueue, account: OwnAccount) -> None:
        self._queue = queue
        self._account = account

    async def ask_for_key(self, user: UserId, room: RoomId, session: str) -> None:
        """Ask all devices of this person for the key of a session. Raises StorageError."""
        content = {
            "action": "request",
            "body": {"algorithm": MEGOLM, "room_id": room, "session_id": session},
            "request_id": new_transaction(),
            "requesting_device_id": self._account.device,
        }
        await self._queue.put(user, EVERY_DEVICE, "m.room_key_request", content)
