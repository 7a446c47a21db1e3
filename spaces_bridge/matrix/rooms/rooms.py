"""The making of a live space's room, and the state it must hold.

`createRoom` has no transaction id. The alias is ours alone, so a room that was made and whose
answer was lost is found again by it, and the state it lacks is added.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from spaces_bridge.app.addresses import alias_localpart
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import levels
from spaces_bridge.matrix.events.content import cut
from spaces_bridge.matrix.events.own import BRIDGE_KEY, LIVE, LiveContent
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

NAME_MAX_BYTES = 240

WIDGET = "spaces"
"""The widget's id, also its state key."""

WIDGET_QUERY = (
    "widget=1&widgetId=$matrix_widget_id"
    "&theme=$org.matrix.msc2873.client_theme&lang=$org.matrix.msc2873.client_language"
)
"""The query that tells the page that it is a widget; clients fill in what follows a `$`, and add
`parentUrl`."""

HALF_MADE_PATIENCE_S = 5.0
"""Seconds that a room which an earlier call is making may take to become usable."""


class StatePart(NamedTuple):
    """A state event to write: type, state key and content."""

    type: str
    key: str
    content: Mapping[str, Any]


def live_state(space: LiveSpace, page: str) -> LiveContent:
    """Return the content of `io.spacesbridge.live`; times are integer milliseconds or null."""
    return {
        "version": 1,
        "space_id": space.space,
        "title": space.title,
        "state": space.phase.value,
        "host": space.host,
        "cohosts": list(space.cohosts),
        "speak_policy": space.speak_policy.value,
        "scheduled_at": space.scheduled_at_ms,
        "started_at": space.started_at_ms,
        "ended_at": space.ended_at_ms,
        "page": page,
        "language": space.language,
        "captions": space.captions,
        "recording": False,
    }


def room_name(space: LiveSpace) -> str:
    """Return the room's name: the title, marked while live and after the end."""
    title = cut(space.title, NAME_MAX_BYTES)
    if space.phase is Phase.LIVE:
        return f"🔴 {title}"
    return f"{title} (ended)" if space.phase is Phase.ENDED else title


def topic(space: LiveSpace, page: str) -> str:
    """Return the room's topic, which people read before they join."""
    words = "Words are captioned. " if space.captions else ""
    return f"Live audio room. Listen: {page} · {words}This room is not encrypted."


def topic_state(text: str) -> StatePart:
    """Return the topic as homeservers write it (spec v1.15), so that it is not written twice."""
    return StatePart("m.room.topic", "", {"topic": text, "m.topic": {"m.text": [{"body": text}]}})


def parts(space: LiveSpace, settings: MatrixSettings, room_version: str) -> Iterator[StatePart]:
    """Yield all state of a new room but its creation and alias; levels first."""
    page = settings.page(space.slug)
    power = levels.initial(
        space.levels,
        space.host,
        settings.bot,
        private=space.private,
        room_version=room_version,
        call_stage=settings.call_stage,
    )
    yield StatePart("m.room.power_levels", "", power)
    rule = "invite" if space.private else "public"
    yield StatePart("m.room.join_rules", "", {"join_rule": rule})
    yield StatePart("m.room.history_visibility", "", {"history_visibility": "shared"})
    yield StatePart("m.room.guest_access", "", {"guest_access": "forbidden"})
    yield StatePart("m.room.name", "", {"name": room_name(space)})
    yield topic_state(topic(space, page))
    yield StatePart(LIVE, "", live_state(space, page))
    yield from way_in(space, settings)


def way_in(space: LiveSpace, settings: MatrixSettings) -> Iterator[StatePart]:
    """Yield the state by which clients find the page: bridge info (MSC2346) and a widget."""
    page = settings.page(space.slug)
    bridge = {
        "bridgebot": settings.bot,
        "creator": space.host,
        "protocol": {"id": "spaces", "displayname": "Spaces", "external_url": settings.page_base},
        "channel": {"id": space.space, "displayname": space.title, "external_url": page},
    }
    for kind in ("m.bridge", "uk.half-shot.bridge"):
        yield StatePart(kind, f"{BRIDGE_KEY}{space.space}", bridge)
    widget = {
        "type": "m.custom",
        "url": f"{page}?{WIDGET_QUERY}",
        "name": "Listen",
        "id": WIDGET,
        "creatorUserId": settings.bot,
        # the page answers from its first script on, which is before it has loaded
        "waitForIframeLoad": True,
        "data": {"title": space.title},
    }
    yield StatePart("im.vector.modular.widgets", WIDGET, widget)


class RoomMaker:
    """The maker of live spaces' rooms, which also adopts half-made ones."""

    def __init__(self, bot: MatrixClient, settings: MatrixSettings) -> None:
        self._bot = bot
        self._settings = settings
        self._version: str | None = settings.room_version

    async def make(self, space: LiveSpace) -> RoomId:
        """Make the live space's room, complete, with the host invited; return its id.

        Raises RequestRefused, Away.
        """
        version = await self._room_version()
        try:
            room = await self._create(space, version)
        except RequestRefused as refusal:
            if refusal.errcode != "M_ROOM_IN_USE":
                raise
            room = await self._adopt(space, version)
        await self._invite_host(space, room)
        return room

    async def _room_version(self) -> str:
        if self._version is None:
            answer = await self._bot.call("GET", ["capabilities"])
            versions = answer.get("capabilities", {}).get("m.room_versions", {})
            self._version = str(versions.get("default", "1"))
        return self._version

    async def _create(self, space: LiveSpace, version: str) -> RoomId:
        (_, _, power), *others = parts(space, self._settings, version)
        own = {"m.room.name", "m.room.topic"}
        body = {
            "room_version": version,
            # Never a private preset: homeservers may encrypt those by default.
            "preset": "public_chat",
            "visibility": "private" if space.private else "public",
            "room_alias_name": alias_localpart(space.slug),
            "name": room_name(space),
            "topic": topic(space, self._settings.page(space.slug)),
            "power_level_content_override": power,
            "initial_state": [
                {"type": p.type, "state_key": p.key, "content": p.content}
                for p in others
                if p.type not in own
            ],
        }
        return RoomId(str((await self._bot.call("POST", ["createRoom"], body))["room_id"]))

    async def _adopt(self, space: LiveSpace, version: str) -> RoomId:
        """Return the room with our alias after adding all it lacks; a wreck is made anew."""
        alias = self._settings.alias(space.slug)
        room = RoomId(str((await self._bot.call("GET", ["directory", "room", alias]))["room_id"]))
        held = await self._usable_state(room)
        if held is None:
            log.warning("room %s was never finished; making a new one", room)
            await self._bot.call("DELETE", ["directory", "room", alias])
            return await self._create(space, version)
        if held.get((LIVE, ""), {}).get("space_id", space.space) != space.space:
            raise RequestRefused(
                409, "M_ROOM_IN_USE", "the alias leads to another live space's room"
            )
        made_as = str(held["m.room.create", ""].get("room_version", "1"))
        for part in parts(space, self._settings, made_as):
            if (part.type, part.key) not in held:
                await self._bot.write_state(room, part.type, part.content, part.key)
        await self._bot.ensure_state(room, "m.room.canonical_alias", {"alias": alias})
        log.info("adopted room %s of live space %s", room, space.space)
        return room

    async def _usable_state(self, room: RoomId) -> Mapping[tuple[str, str], Any] | None:
        deadline = asyncio.get_running_loop().time() + HALF_MADE_PATIENCE_S
        while True:
            try:
                held = await self._bot.all_state(room)
            except RequestRefused:
                held = {}
            own = held.get(("m.room.member", self._bot.user), {})
            if ("m.room.create", "") in held and own.get("membership") == "join":
                return held
            if asyncio.get_running_loop().time() > deadline:
                return None
            await asyncio.sleep(0.5)

    async def _invite_host(self, space: LiveSpace, room: RoomId) -> None:
        member = await self._bot.state(room, "m.room.member", space.host)
        if member is not None and member.get("membership") in {"join", "invite", "ban"}:
            return
        try:
            await self._bot.call("POST", ["rooms", room, "invite"], {"user_id": space.host})
        except RequestRefused as refusal:
            log.warning("host of %s cannot be invited: %s", space.space, refusal.errcode)
