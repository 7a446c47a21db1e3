"""The homeserver's own list of public rooms, and which of our rooms stand in it."""

import logging
from collections import OrderedDict

from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient

log = logging.getLogger(__name__)

ROOMS_KEPT = 10_000
"""Rooms whose place is remembered; the one asked about longest ago is forgotten first."""

ADVICE = (
    "The homeserver keeps live spaces out of its list of public rooms, so nobody finds them there "
    "(the directory room, the community's card and the page show them all the same). To list "
    "them, add to homeserver.yaml and restart the homeserver:\n"
    "room_list_publication_rules: [{action: allow}]"
)


class RoomList:
    """The list of public rooms. Raises Away.

    Each room is asked about once, and again when many others came since; advice about a refusal
    is logged once.
    """

    def __init__(self, bot: MatrixClient) -> None:
        self._bot = bot
        self._asked: OrderedDict[RoomId, str] = OrderedDict()
        """The visibility that each room was given, or refused, last."""
        self._advised = False

    async def show(self, room: RoomId) -> None:
        """List the room: homeservers may leave a public room out of the list without an error."""
        if self._asked.get(room) != "public" and not await self._set(room, "public"):
            self._advise()

    async def hide(self, room: RoomId) -> None:
        """Take the room out of the list."""
        await self._set(room, "private")

    async def _set(self, room: RoomId, visibility: str) -> bool:
        """Set the room's visibility. False: the homeserver does not take it."""
        if self._asked.get(room) == visibility:
            return True
        place = ["directory", "list", "room", room]
        try:
            is_so = await self._visibility(room) == visibility
            if not is_so:
                await self._bot.call("PUT", place, {"visibility": visibility})
                is_so = await self._visibility(room) == visibility
        except RequestRefused as refusal:
            log.info("the list of public rooms refused %s: %s", room, refusal.errcode)
            is_so = False
        self._asked[room] = visibility
        self._asked.move_to_end(room)
        if len(self._asked) > ROOMS_KEPT:
            self._asked.popitem(last=False)
        return is_so

    async def _visibility(self, room: RoomId) -> str:
        answer = await self._bot.call("GET", ["directory", "list", "room", room])
        return str(answer.get("visibility", ""))

    def _advise(self) -> None:
        if not self._advised:
            log.warning("%s", ADVICE)
        self._advised = True
