"""Meeting the bot: it joins, says who it is and what comes next."""

import logging

from spaces_bridge.app.ports import Outbox
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix import help_texts
from spaces_bridge.matrix.client import MatrixClient
from spaces_bridge.matrix.content import message
from spaces_bridge.matrix.dms import DirectRooms
from spaces_bridge.matrix.errors import Refused
from spaces_bridge.matrix.translate import BotInvited, SaidInCipher

log = logging.getLogger(__name__)


class Greeter:
    """Accepts invites. In an encrypted room it says so and opens an unencrypted one."""

    def __init__(self, bot: MatrixClient, dms: DirectRooms, outbox: Outbox) -> None:
        self._bot = bot
        self._dms = dms
        self._outbox = outbox

    async def invited(self, invite: BotInvited) -> None:
        """Join and greet. Raises Away, StorageError."""
        via = [server] if (server := invite.sender.partition(":")[2]) else []
        try:
            await self._bot.join(invite.room, via)
            encrypted = await self._bot.state(invite.room, "m.room.encryption") is not None
            direct = invite.direct or await self._dms.is_direct(invite.room)
            if encrypted:
                await self._leave_cipher(invite.room, invite.sender)
                return
            if direct:
                await self._dms.adopt(invite.sender, invite.room)
            await self._say(invite.room, help_texts.greeting(direct=direct), invite.event)
        except Refused as refusal:
            log.info("could not greet in %s: %s", invite.room, refusal.errcode)

    async def heard_cipher(self, said: SaidInCipher) -> None:
        """Somebody writes where the bot cannot read. In a direct room that needs a word."""
        if await self._dms.is_direct(said.room):
            try:
                await self._leave_cipher(said.room, said.sender)
            except Refused as refusal:
                log.info("could not answer in %s: %s", said.room, refusal.errcode)

    async def _leave_cipher(self, room: RoomId, user: UserId) -> None:
        note = f"told-of-cipher:{room}"
        if await self._outbox.lookup(note) is not None:
            return
        await self._say(room, help_texts.CIPHER, note)
        plain = await self._dms.room_for(user, help_texts.PLAIN_ROOM, help_texts.PLAIN_REASON)
        await self._say(plain, help_texts.greeting(direct=True), f"{note}:plain")
        await self._outbox.remember(note, plain)

    async def _say(self, room: RoomId, text: str, key: str) -> None:
        await self._bot.send(room, "m.room.message", message(text), f"greeting:{key}")
