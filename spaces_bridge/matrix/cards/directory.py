"""The directory: an `m.space` whose children are the scheduled and live public spaces.

The directory is found by its alias, which nobody else may take. Spec: Client-Server API, "Spaces".
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from spaces_bridge.app import tasks
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.cards.listing import RoomList
from spaces_bridge.matrix.cards.uploads import PictureUploads
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import levels
from spaces_bridge.matrix.rooms.rooms import StatePart
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

CHILD = "m.space.child"
NAME = "Live spaces"
ALIAS_LOCALPART = "spaces"


class SpacesDirectory:
    """The directory's room, and the task handler of `ListSpace`. Raises RequestRefused, Away."""

    kinds = (tasks.ListSpace,)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        settings: MatrixSettings,
        uploads: PictureUploads,
        room_list: RoomList,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._settings = settings
        self._uploads = uploads
        self._room_list = room_list
        self._room: RoomId | None = None
        self._lock = asyncio.Lock()

    @property
    def alias(self) -> str:
        """The alias of the directory's room."""
        return f"#{ALIAS_LOCALPART}:{self._settings.domain}"

    async def run(self, wanted: tasks.ListSpace, key: str) -> None:
        """Bring one live space's entry up to date."""
        room = await self.open()
        space = await self._spaces.find(wanted.space)
        if space is None or space.room is None:
            return
        await self._enter(room, space.room, entry(space, self._settings.domain))

    async def refused(self, wanted: tasks.ListSpace, refusal: RequestRefused) -> None:
        """Do nothing: nobody waits for an entry, and the dispatcher logs the refusal."""

    async def open(self) -> RoomId:
        """Return the directory's room; the first call finds or makes it and updates it."""
        async with self._lock:
            if self._room is None:
                room = await self._find() or await self._make()
                await self._furnish(room)
                await self._tidy(room)
                self._room = room
            return self._room

    # --- the room -----------------------------------------------------------------------------

    async def _find(self) -> RoomId | None:
        """Return the room of our alias if the bot can use it; else None, and the alias is free."""
        try:
            answer = await self._bot.call("GET", ["directory", "room", self.alias])
        except RequestRefused as refusal:
            if refusal.errcode != "M_NOT_FOUND":
                raise
            return None
        room = RoomId(str(answer["room_id"]))
        try:
            created = await self._bot.state(room, "m.room.create")
        except RequestRefused:
            created = None
        if created is not None and created.get("type") == "m.space":
            return room
        log.warning("%s named a room the bot cannot use: making a new one", self.alias)
        await self._bot.call("DELETE", ["directory", "room", self.alias])
        return None

    async def _make(self) -> RoomId:
        version = self._settings.room_version
        body: dict[str, Any] = {
            # Never a private preset: homeservers may encrypt those by default.
            "preset": "public_chat",
            "visibility": "public",
            "creation_content": {"type": "m.space"},
            "room_alias_name": ALIAS_LOCALPART,
            "power_level_content_override": levels.bot_alone(),
            "initial_state": [
                {"type": p.type, "state_key": p.key, "content": p.content}
                for p in self._furniture()
            ],
            **({"room_version": version} if version is not None else {}),
        }
        room = RoomId(str((await self._bot.call("POST", ["createRoom"], body))["room_id"]))
        log.info("made the directory %s: %s", self.alias, room)
        return room

    def _furniture(self) -> Iterator[StatePart]:
        yield StatePart("m.room.name", "", {"name": NAME})
        topic = f"What is live on {self._settings.domain}, and what is to come. All in one page: "
        yield StatePart("m.room.topic", "", {"topic": f"{topic}{self._settings.page_base}"})
        yield StatePart("m.room.join_rules", "", {"join_rule": "public"})
        yield StatePart("m.room.history_visibility", "", {"history_visibility": "world_readable"})
        yield StatePart("m.room.guest_access", "", {"guest_access": "forbidden"})

    async def _furnish(self, room: RoomId) -> None:
        """Write the state the room lacks, as after a half-done start or an older version."""
        for part in self._furniture():
            await self._bot.ensure_state(room, part.type, part.content, part.key)
        await self._bot.ensure_state(room, "m.room.canonical_alias", {"alias": self.alias})
        await self._room_list.show(room)
        picture = await self._uploads.of_directory()
        if picture is not None:
            await self._bot.ensure_state(room, "m.room.avatar", {"url": picture})

    # --- its entries --------------------------------------------------------------------------

    async def _tidy(self, room: RoomId) -> None:
        """Make the entries those of the open live spaces, after a start."""
        domain = self._settings.domain
        spaces = [s for s in self._spaces.open() if s.room is not None]
        wanted = {str(s.room): entry(s, domain) for s in spaces}
        held = await self._bot.all_state(room)
        listed = {key: c for (kind, key), c in held.items() if kind == CHILD and c}
        for child in sorted(listed.keys() | wanted.keys()):
            content = wanted.get(child, {})
            if listed.get(child, {}) != content:
                await self._bot.write_state(room, CHILD, content, child)

    async def _enter(self, room: RoomId, child: RoomId, content: Mapping[str, Any]) -> None:
        held = await self._bot.state(room, CHILD, child)
        if (held or {}) != content:
            await self._bot.write_state(room, CHILD, content, child)


async def keep_open(directory: SpacesDirectory, pause_s: float) -> None:
    """Open the directory after a start, trying until the homeserver is there or refuses."""
    while True:
        try:
            await directory.open()
        except RequestRefused as refusal:
            log.warning(
                "the homeserver refuses the directory %s (%s). Does the registration name the "
                "alias? Write it anew with -g, and restart the homeserver.",
                directory.alias,
                refusal,
            )
            return
        except AdapterError as error:
            log.info("the directory waits: %s", error)
            await asyncio.sleep(pause_s)
        else:
            return


def entry(space: LiveSpace, domain: str) -> dict[str, Any]:
    """Return the content of `m.space.child`; empty: not listed."""
    if space.private or space.phase is Phase.ENDED:
        return {}
    return {"via": [domain], "order": order(space), "suggested": space.phase is Phase.LIVE}


def order(space: LiveSpace) -> str:
    """Return the `order` of an entry, at most 50 characters of ASCII.

    What is live comes first, then what is scheduled by time, then what has no time.
    """
    if space.phase is Phase.LIVE:
        return f"0.{space.started_at_ms or 0:015d}"
    if space.scheduled_at_ms is not None:
        return f"1.{space.scheduled_at_ms:015d}"
    return f"2.{space.created_at_ms:015d}"
