"""How verification messages leave: in the room where it was asked, or to a device."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.content import message
from spaces_bridge.matrix.verification.values import OutgoingVerification

log = logging.getLogger(__name__)

ToDevice = Callable[[UserId, str, str, Mapping[str, Any]], Awaitable[None]]
"""Sends a to-device message: user, device, type, content. Raises AdapterError."""

Tell = Callable[[UserId, str, str], Awaitable[None]]
"""Writes to a person, once for each key: user, text, key. Raises AdapterError."""


class RoomCourier:
    """The courier of a verification in a room. Implements `Courier`.

    In an encrypted room everything is encrypted, as by `MatrixClient.send`. What the homeserver
    refuses is dropped: the bot was sent out, and the verification ends by its time.
    """

    def __init__(self, bot: MatrixClient, room: RoomId, id_: str) -> None:
        self._bot = bot
        self._room = room
        self._id = id_

    async def send(self, out: OutgoingVerification) -> None:
        """Send a message, once for each type. Raises Away."""
        await self._send(out.type, out.content, f"verification:{self._id}:{out.type}")

    async def tell(self, text: str, key: str) -> None:
        """Write into the room, once for each `key`. Raises Away."""
        await self._send("m.room.message", message(text, None, "m.text"), f"verification:{key}")

    async def _send(self, type_: str, content: Mapping[str, Any], key: str) -> None:
        try:
            await self._bot.send(self._room, type_, dict(content), key)
        except RequestRefused as refusal:
            log.info("could not send %s in %s: %s", type_, self._room, refusal.errcode)


class DeviceCourier:
    """The courier of a verification by to-device messages, unencrypted. Implements `Courier`.

    SAS needs no secrecy, and a device without an Olm session can be verified, too.
    """

    def __init__(self, send: ToDevice, tell: Tell, user: UserId, device: str) -> None:
        self._send = send
        self._tell = tell
        self._user = user
        self._device = device

    async def send(self, out: OutgoingVerification) -> None:
        """Send a message. Raises AdapterError."""
        await self._send(self._user, self._device, out.type, out.content)

    async def tell(self, text: str, key: str) -> None:
        """Write to the person's direct room, once for each `key`. Raises AdapterError."""
        await self._tell(self._user, text, f"verification:{key}")
