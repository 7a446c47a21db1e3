"""The handler of outbox tasks in live spaces' rooms."""

import logging
from typing import get_args

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.rooms import LatestCaption, LockAnnounced
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.cards.cards import CardKeeper
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import captions
from spaces_bridge.matrix.events.content import message, reply
from spaces_bridge.matrix.rooms.ghosts import Ghosts
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from spaces_bridge.matrix.rooms.rooms import RoomMaker
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

RoomTask = (
    tasks.MakeRoom
    | tasks.RefreshCard
    | tasks.WriteLevel
    | tasks.SeatGuest
    | tasks.HideGuestName
    | tasks.UnseatGuest
    | tasks.PostCaption
    | tasks.Announce
    | tasks.RedactEvent
    | tasks.Reply
)


class RoomTaskHandler:
    """The task handler for live spaces' rooms. All raise RequestRefused, Away, StorageError."""

    kinds = get_args(RoomTask)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        notes: NoteStore,
        settings: MatrixSettings,
        observer: PowerLevels,
        maker: RoomMaker,
        cards: CardKeeper,
        ghosts: Ghosts,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._notes = notes
        self._settings = settings
        self._observer = observer
        self._maker = maker
        self._cards = cards
        self._ghosts = ghosts

    async def run(self, wanted: RoomTask, key: str) -> str | None:
        """Carry out a task; the result is what `Outbox.recall` returns. Raises NotYetError too."""
        match wanted:
            case tasks.MakeRoom():
                return await self._make_room(wanted.space)
            case tasks.Reply():
                return await self._reply(wanted, key)
            case tasks.RefreshCard():
                space, room = await self._place(wanted.space)
                return await self._cards.refresh(space, room)
            case tasks.PostCaption():
                return await self._post_caption(wanted, key)
            case tasks.Announce():
                return await self._announce(wanted, key)
            case tasks.RedactEvent():
                return await self._redact(wanted, key)
            case _:
                await self._make_true(wanted, key)
                return None

    async def _make_true(
        self,
        wanted: tasks.WriteLevel | tasks.SeatGuest | tasks.HideGuestName | tasks.UnseatGuest,
        key: str,
    ) -> None:
        space, room = await self._place(wanted.space)
        match wanted:
            case tasks.WriteLevel(user=user, level=level):
                if level is None:
                    await self._observer.write_level(space.space, room, user, None)
                else:
                    await self._observer.grant(space.space, room, user, level, key)
            case tasks.SeatGuest():
                await self._seat_guest(wanted, space, room)
            case tasks.HideGuestName():
                await self._ghosts.call(wanted.user, "")
                await self._observer.observe_member(space.space, room, wanted.user)
            case tasks.UnseatGuest():
                await self._ghosts.leave(wanted.user, room)

    async def _seat_guest(self, wanted: tasks.SeatGuest, space: LiveSpace, room: RoomId) -> None:
        # Only after a command of ours is done, what was stored with the task can be seen.
        await self._observer.observe_member(space.space, room, wanted.user)
        now = self._spaces.view(space.space)
        request = now.requests.get(wanted.user) if now is not None else None
        if request is None or request.state is not RequestState.ACCEPTED:
            log.info("a guest in %s is no longer waited for", room)
            return
        await self._ghosts.join(wanted.user, wanted.name, room, private=space.private)
        await self._observer.observe_member(space.space, room, wanted.user)

    async def refused(self, wanted: RoomTask, refusal: RequestRefused) -> None:
        """Tell whoever waits for a task that the homeserver refused it for good."""
        if isinstance(wanted, tasks.SeatGuest) or (
            isinstance(wanted, tasks.WriteLevel) and wanted.level is not None
        ):
            await self._grant_failed(wanted.space, wanted.user, refusal)
        elif isinstance(wanted, tasks.MakeRoom):
            space = await self._spaces.find(wanted.space)
            if space is not None:
                text = (
                    f"The homeserver refused to make the room of “{space.title}” "
                    f"({refusal.errcode}). Try again with another title, or ask your admin."
                )
                await self._spaces.enqueue_task(
                    tasks.TellUser(space.host, text), f"refused-room:{space.space}"
                )

    async def _grant_failed(self, space: SpaceId, user: UserId, refusal: RequestRefused) -> None:
        try:
            await self._spaces.ask(space, cmd.ObserveRefusedGrant(user, refusal.errcode))
        except Rejected as rejected:
            log.info("live space %s: %s", space, rejected.code)

    async def _place(self, space: SpaceId) -> tuple[LiveSpace, RoomId]:
        found = await self._spaces.find(space)
        if found is None or found.room is None:
            raise RequestRefused(404, "M_NOT_FOUND", f"live space {space} has no room")
        return found, found.room

    async def _make_room(self, space: SpaceId) -> RoomId:
        found = await self._spaces.find(space)
        if found is None:
            raise RequestRefused(404, "M_NOT_FOUND", f"live space {space} is not known")
        room = found.room or await self._maker.make(found)
        try:
            await self._spaces.ask(space, cmd.AttachRoom(room))
        except Rejected as rejected:
            log.info("live space %s takes no room: %s", space, rejected.code)
        await self._observer.observe_room(space, room)
        return room

    async def _post_caption(self, wanted: tasks.PostCaption, key: str) -> EventId | None:
        how = self._settings.caption_delivery
        if how == "off":
            return None
        _, room = await self._place(wanted.space)
        previous = await self._notes.get(LatestCaption.key(wanted.space))
        said = captions.content(
            wanted,
            await self._cards.event_of(wanted.space),
            previous.event if previous is not None else None,
            how,
        )
        event = await self._bot.send(room, "m.room.message", said, key)
        await self._notes.put(LatestCaption(wanted.space, event))
        return event

    async def _announce(self, wanted: tasks.Announce, key: str) -> EventId | None:
        """Send an announcement, None where there is nothing new to say.

        A host who locks and unlocks again and again is not repeated for hours.
        """
        space, room = await self._place(wanted.space)
        if wanted.locked is not None:
            said = await self._notes.get(LockAnnounced.key(wanted.space))
            now = LockAnnounced(wanted.space, wanted.locked, key)
            repeats = said is not None and said.locked is wanted.locked and said != now
            if space.locked is not wanted.locked or repeats:
                return None
            await self._notes.put(now)
        return await self._bot.send(room, "m.room.message", message(wanted.text), key)

    async def _redact(self, wanted: tasks.RedactEvent, key: str) -> EventId | None:
        _, room = await self._place(wanted.space)
        try:
            return await self._bot.redact(room, wanted.event, key)
        except RequestRefused as refusal:
            if refusal.errcode != "M_NOT_FOUND":
                raise
            return None

    async def _reply(self, wanted: tasks.Reply, key: str) -> EventId:
        text = wanted.text if wanted.ok else f"❌ {wanted.text}"
        answer = reply(message(text), wanted.event, wanted.thread)
        return await self._bot.send(wanted.room, "m.room.message", answer, key)
