"""The published state of a live space's room: `LIVE`, name, topic, picture, bridge, widget."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.rooms import RoomShown
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.cards.listing import RoomList
from spaces_bridge.matrix.cards.uploads import PictureUploads
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.own import LIVE
from spaces_bridge.matrix.rooms.rooms import (
    StatePart,
    live_state,
    room_name,
    topic,
    topic_state,
    way_in,
)
from spaces_bridge.matrix.settings import MatrixSettings

AVATAR = "m.room.avatar"


class RoomStatePublisher:
    """The task handler of `PublishState`. Raises RequestRefused, Away, StorageError.

    The host may change name, topic and picture by hand. What the publisher wrote is noted, so that
    such a change stands until there is something else to show.
    """

    kinds = (tasks.PublishState,)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        notes: NoteStore,
        settings: MatrixSettings,
        uploads: PictureUploads,
        room_list: RoomList,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._notes = notes
        self._settings = settings
        self._uploads = uploads
        self._room_list = room_list

    async def run(self, wanted: tasks.PublishState, key: str) -> None:
        """Make the room's state show how the live space is."""
        space = await self._spaces.find(wanted.space)
        if space is None or space.room is None:
            return
        page = self._settings.page(space.slug)
        await self._bot.ensure_state(space.room, LIVE, live_state(space, page))
        await self._show(space, space.room, parts(space, self._settings))
        await self._list(space, space.room)
        picture = await self._uploads.of_space(space)
        if picture is not None:
            await self._show(space, space.room, iter([StatePart(AVATAR, "", {"url": picture})]))

    async def refused(self, wanted: tasks.PublishState, refusal: RequestRefused) -> None:
        """Do nothing: nobody waits for the state, and the dispatcher logs the refusal."""

    async def _show(self, space: LiveSpace, room: RoomId, wanted: Iterator[StatePart]) -> None:
        """Write the parts that were not written already."""
        noted = await self._notes.get(RoomShown.key(space.space))
        known = noted.digests if noted is not None else {}
        shown = dict(known)
        for part in wanted:
            digest = _digest(part.content)
            if shown.get(part.type) != digest:
                await self._bot.ensure_state(room, part.type, part.content, part.key)
                shown[part.type] = digest
        if shown != known:
            await self._notes.put(RoomShown(space.space, shown))

    async def _list(self, space: LiveSpace, room: RoomId) -> None:
        if space.private:
            return
        if space.phase is Phase.ENDED:
            await self._room_list.hide(room)
        else:
            await self._room_list.show(room)


def parts(space: LiveSpace, settings: MatrixSettings) -> Iterator[StatePart]:
    """Yield the state that holds the title or the phase."""
    page = settings.page(space.slug)
    yield StatePart("m.room.name", "", {"name": room_name(space)})
    yield topic_state(topic(space, page))
    yield from way_in(space, settings)


def _digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
