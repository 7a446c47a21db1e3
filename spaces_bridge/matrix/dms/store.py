"""What the bot's direct messages were about, so that taps on them can be understood."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from spaces_bridge.app.notes.messages import (
    HandMessage,
    Invitation,
    InvitationMessage,
    InvitationReaction,
    LatestInvitation,
    RoomUser,
    StageInvitationMessage,
)
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.rests import rest

ON_THE_WAY_S: Final = 30.0
"""So long a tap waits for the homeserver's word about all that was sent."""


class DmStore:
    """Remembers and finds again. All raise StorageError."""

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._sent: dict[RoomId, dict[str, asyncio.Event]] = {}

    @contextmanager
    def sending(self, room: RoomId, key: str) -> Iterator[None]:
        """A message is sent and its event noted. People may see it, and tap, before that is done.

        Where homeserver or database go away meanwhile, people may have the message all the same:
        it is still on its way until it is sent again, with the same `key`, or refused.
        """
        noted = self._sent.setdefault(room, {}).setdefault(key, asyncio.Event())
        try:
            yield
        except RequestRefused:
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
        await self._notes.put(LatestInvitation(sent.user, sent))

    async def last(self, user: UserId) -> Invitation | None:
        note = await self._notes.get(LatestInvitation.key(user))
        return note.invitation if note is not None else None

    async def note_invitation(self, event: EventId, sent: Invitation) -> None:
        await self._notes.put(InvitationMessage(event, sent))

    async def invitation(self, event: EventId) -> Invitation | None:
        note = await self._notes.get(InvitationMessage.key(event))
        return note.invitation if note is not None else None

    async def note_offer(self, sent: StageInvitationMessage) -> None:
        await self._notes.put(sent)

    async def offer(self, event: EventId) -> StageInvitationMessage | None:
        return await self._notes.get(StageInvitationMessage.key(event))

    async def note_prompt(self, event: EventId, space: SpaceId, user: UserId) -> None:
        """A moderator was asked about the hand of `user`."""
        await self._notes.put(HandMessage(event, space, user))

    async def prompt(self, event: EventId) -> HandMessage | None:
        """The live space and the person a moderator was asked about."""
        return await self._notes.get(HandMessage.key(event))

    async def note_tap(self, tap: InvitationReaction) -> None:
        await self._notes.put(tap)

    async def tap(self, reaction: EventId) -> InvitationReaction | None:
        return await self._notes.get(InvitationReaction.key(reaction))

    async def forget_tap(self, reaction: EventId) -> None:
        """It was taken back: once is enough."""
        await self._notes.drop(InvitationReaction.key(reaction))

    async def is_of(self, room: RoomId, user: UserId) -> bool:
        """Whether the room is the direct room of this person."""
        note = await self._notes.get(RoomUser.key(room))
        return note is not None and note.user == user
