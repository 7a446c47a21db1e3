"""What the bot's direct messages were about, so that taps on them can be understood.

Notes: ``invitation:``, ``offer:``, ``prompt:`` and ``tap:EVENT``, ``invited-last:USER``.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.matrix.homeserver.errors import Refused
from spaces_bridge.matrix.homeserver.rests import rest
from spaces_bridge.matrix.room.grants import Notes

ON_THE_WAY_S: Final = 30.0
"""So long a tap waits for the homeserver's word about all that was sent."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody was invited to a live space of ``host``; ``by`` may be a listener."""

    space: SpaceId
    user: UserId
    by: UserId
    host: UserId

    @property
    def senders(self) -> tuple[UserId, ...]:
        """Whom a 🔕 is about: who invited, and whose live space it was."""
        return (self.by,) if self.by == self.host else (self.by, self.host)


@dataclass(frozen=True, slots=True)
class Offer:
    """Somebody was asked whether they want to speak."""

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class Tap:
    """A reaction that did something which its redaction takes back.

    ``key`` is the emoji; ``hosts`` are those who were silenced by it.
    """

    key: str
    space: SpaceId
    user: UserId
    message: EventId
    hosts: tuple[UserId, ...] = ()


class Correspondence:
    """Remembers and finds again. All raise StorageError."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._sent: dict[RoomId, dict[str, asyncio.Event]] = {}

    @contextmanager
    def sending(self, room: RoomId, key: str) -> Iterator[None]:
        """A message is sent and its event noted. People may see it, and tap, before that is done.

        Where homeserver or database go away meanwhile, people may have the message all the same:
        it is still on its way until it is sent again, with the same ``key``, or refused.
        """
        noted = self._sent.setdefault(room, {}).setdefault(key, asyncio.Event())
        try:
            yield
        except Refused:
            self._arrived(room, key, noted)
            raise
        self._arrived(room, key, noted)

    def _arrived(self, room: RoomId, key: str, noted: asyncio.Event) -> None:
        noted.set()
        on_the_way = self._sent.get(room, {})
        on_the_way.pop(key, None)
        if not on_the_way:
            self._sent.pop(room, None)

    def on_the_way(self, room: RoomId) -> Sequence[asyncio.Event]:
        """What is being sent to the room, each set as soon as it is noted."""
        return list(self._sent.get(room, {}).values())

    async def noted(self, room: RoomId, sent: Sequence[asyncio.Event]) -> None:
        """Until these are; what does not come for long is not waited for again."""
        now = asyncio.get_running_loop().time
        until = now() + ON_THE_WAY_S
        for each in sent:
            await rest(each, max(0.0, until - now()))
        for key, each in list(self._sent.get(room, {}).items()):
            if each in sent:
                self._arrived(room, key, each)

    async def note_last(self, sent: Invitation) -> None:
        """This is the latest invitation of the person: leaving the direct room is about it."""
        await self._notes.remember(f"invited-last:{sent.user}", json.dumps(asdict(sent)))

    async def last(self, user: UserId) -> Invitation | None:
        note = await self._notes.lookup(f"invited-last:{user}")
        return Invitation(**json.loads(note)) if note is not None else None

    async def note_invitation(self, event: EventId, sent: Invitation) -> None:
        await self._notes.remember(f"invitation:{event}", json.dumps(asdict(sent)))

    async def invitation(self, event: EventId) -> Invitation | None:
        note = await self._notes.lookup(f"invitation:{event}")
        return Invitation(**json.loads(note)) if note is not None else None

    async def note_offer(self, event: EventId, sent: Offer) -> None:
        await self._notes.remember(f"offer:{event}", json.dumps(asdict(sent)))

    async def offer(self, event: EventId) -> Offer | None:
        note = await self._notes.lookup(f"offer:{event}")
        return Offer(**json.loads(note)) if note is not None else None

    async def note_prompt(self, event: EventId, space: SpaceId, user: UserId) -> None:
        """A moderator was asked about the hand of ``user``."""
        await self._notes.remember(f"prompt:{event}", json.dumps([space, user]))

    async def prompt(self, event: EventId) -> tuple[SpaceId, UserId] | None:
        """The live space and the person a moderator was asked about."""
        note = await self._notes.lookup(f"prompt:{event}")
        if note is None:
            return None
        space, user = json.loads(note)
        return SpaceId(space), UserId(user)

    async def note_tap(self, reaction: EventId, tap: Tap) -> None:
        await self._notes.remember(f"tap:{reaction}", json.dumps(asdict(tap)))

    async def tap(self, reaction: EventId) -> Tap | None:
        held = json.loads(await self._notes.lookup(f"tap:{reaction}") or "null")
        return Tap(**{**held, "hosts": tuple(held["hosts"])}) if held is not None else None

    async def forget_tap(self, reaction: EventId) -> None:
        """It was taken back: once is enough."""
        await self._notes.remember(f"tap:{reaction}", "null")

    async def is_of(self, room: RoomId, user: UserId) -> bool:
        """Whether the room is the direct room of this person."""
        return await self._notes.lookup(f"direct:{room}") == user
