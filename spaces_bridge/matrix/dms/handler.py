"""The task handler of DMs: outbox tasks carried out by direct message to one person."""

from collections.abc import Callable
from typing import get_args

from spaces_bridge.app import tasks
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.dms.tappable import write
from spaces_bridge.matrix.settings import MatrixSettings

DmTask = tasks.OfferFloor | tasks.TellUser | tasks.SendLink


class DmHandler:
    """The DM handler writes direct messages.

    Its methods raise RequestRefused, Away, StorageError.
    """

    kinds = get_args(DmTask)

    def __init__(
        self,
        bot: MatrixClient,
        dms: DirectRooms,
        spaces: Spaces,
        sessions: Sessions,
        settings: MatrixSettings,
        is_in_call: Callable[[SpaceId, UserId], bool],
    ) -> None:
        """`is_in_call` tells whether the person is in the call of the live space now."""
        self._bot = bot
        self._dms = dms
        self._spaces = spaces
        self._sessions = sessions
        self._settings = settings
        self._is_in_call = is_in_call

    async def run(self, wanted: DmTask, key: str) -> EventId | None:
        """Write the DM; the result is the message's event id, None if nothing is to be said."""
        match wanted:
            case tasks.TellUser():
                return await self._write(wanted.user, wanted.text, key)
            case tasks.OfferFloor():
                return await self._offer(wanted, key)
            case tasks.SendLink():
                return await self._link(wanted, key)

    async def refused(self, wanted: DmTask, refusal: RequestRefused) -> None:
        """Do nothing: a person who cannot be written to cannot be told so either."""

    async def _write(self, user: UserId, text: str, key: str, word: str = "") -> EventId:
        """Write to the person's direct room.

        `word`: what somebody who never met the bot is told before they accept its chat.
        """
        room = await self._dms.room_for(user, word=word)
        return await write(self._bot, room, text, key)

    async def _offer(self, wanted: tasks.OfferFloor, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or not space.may_speak(wanted.user):
            return None
        link = await self._personal_link(space, wanted.user)
        how = f"Open {link} and switch your microphone on: nobody hears you before you do."
        if self._is_in_call(space.space, wanted.user):  # clients repeat nothing that was refused
            how = (
                "In the call, tap your microphone off and on: nobody hears you before you do. "
                f"Or open {link} and speak there."
            )
        text = (
            f"The floor in “{space.title}” is yours. {how} "
            "The link is yours alone, keep it to yourself."
        )
        return await self._write(wanted.user, text, key, f"The floor in “{space.title}” is yours.")

    async def _link(self, wanted: tasks.SendLink, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or space.phase is Phase.ENDED:
            return None
        link = await self._personal_link(space, wanted.user)
        text = f"Your personal link to “{space.title}”: {link}\nKeep it to yourself: it is you."
        return await self._write(wanted.user, text, key, f"Your link to “{space.title}”.")

    async def _personal_link(self, space: LiveSpace, user: UserId) -> str:
        name = space.person(user).name
        secret = await self._sessions.mint(space.space, user, name, guest=False)
        return f"{self._settings.page(space.slug)}#t={secret}"
