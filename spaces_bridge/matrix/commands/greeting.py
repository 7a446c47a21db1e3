"""The greeting: the bot joins, says who it is and what comes next."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from spaces_bridge.app.notes.dms_and_reactions import EncryptionExplained
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.events.content import message
from spaces_bridge.matrix.events.translate import BotInvited, EncryptedMessage
from spaces_bridge.matrix.text import help_texts

log = logging.getLogger(__name__)

JOIN_AGAIN_S = (0.1, 0.5, 2.0, 5.0)
"""Seconds before each further try to join.

Another homeserver sends its invite before it keeps the invite itself, and at first knows of none.
"""

FirstWords = Callable[[BotInvited], Awaitable[None]]


class Greeter:
    """The greeter accepts invites.

    Where the bot cannot encrypt, it says so in an encrypted room and opens an unencrypted one.
    """

    def __init__(
        self,
        bot: MatrixClient,
        dms: DirectRooms,
        notes: NoteStore,
        rests_s: Sequence[float] = JOIN_AGAIN_S,
    ) -> None:
        """`rests_s`: seconds before each further try to join where it is forbidden at first."""
        self._bot = bot
        self._dms = dms
        self._notes = notes
        self._rests_s = rests_s
        self._first_words: FirstWords | None = None

    def read_first_words(self, read: FirstWords) -> None:
        """Have `read` bring in what was written in a direct room before the bot had joined it."""
        self._first_words = read

    async def invited(self, invite: BotInvited) -> None:
        """Join the room and greet. Raises Away, StorageError."""
        try:
            await self._join(invite)
            encrypted = await self._bot.state(invite.room, "m.room.encryption") is not None
            # the invite's `is_direct` decides nothing: a crowd's room called direct is none
            direct = await self._dms.is_direct(invite.room)
            if encrypted and not self._dms.can_be_encrypted:
                await self._leave_cipher(invite.room, invite.sender)
                return
            if direct:
                await self._dms.adopt(invite.sender, invite.room)
            await self._say(invite.room, help_texts.greeting(direct=direct), invite.event)
            if direct and self._first_words is not None:
                await self._first_words(invite)
        except RequestRefused as refusal:
            log.info("could not greet in %s: %s", invite.room, refusal.errcode)

    async def _join(self, invite: BotInvited) -> None:
        via = [server] if (server := invite.sender.partition(":")[2]) else []
        for rest_s in self._rests_s:
            try:
                await self._bot.join(invite.room, via)
            except RequestRefused as refusal:
                if refusal.errcode != "M_FORBIDDEN":
                    raise
                await asyncio.sleep(rest_s)
            else:
                return
        await self._bot.join(invite.room, via)

    async def heard_cipher(self, said: EncryptedMessage) -> None:
        """Explain in an encrypted direct room that the bot cannot read what is written there.

        Where it can encrypt, whatever has no key (yet) is not explained here.
        """
        if not self._dms.can_be_encrypted and await self._dms.is_direct(said.room):
            try:
                await self._leave_cipher(said.room, said.sender)
            except RequestRefused as refusal:
                log.info("could not answer in %s: %s", said.room, refusal.errcode)

    async def _leave_cipher(self, room: RoomId, user: UserId) -> None:
        if await self._notes.get(EncryptionExplained.key(room)) is not None:
            return
        key = f"told-of-cipher:{room}"
        await self._say(room, help_texts.CIPHER, key)
        plain = await self._dms.room_for(user, help_texts.PLAIN_ROOM, help_texts.PLAIN_REASON)
        await self._say(plain, help_texts.greeting(direct=True), f"{key}:plain")
        await self._notes.put(EncryptionExplained(room, plain))

    async def _say(self, room: RoomId, text: str, key: str) -> None:
        await self._bot.send(room, "m.room.message", message(text), f"greeting:{key}")
