"""The store of DMs: what each was about, so that taps on it can be understood."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from spaces_bridge.app.notes.dms_and_reactions import (
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

ROOMS_KEPT: Final = 1000
"""Rooms with messages on their way; taps in the one that waits longest are not held up by it."""

ON_THE_WAY_S: Final = 30.0
"""Seconds that a tap waits until the event ids of all messages on their way are noted."""


class DmStore:
    """The DM store notes what DMs were about, and finds it again.

    All methods raise StorageError.
    """

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._sent: dict[RoomId, dict[str, asyncio.Event]] = {}

    @contextmanager
    def sending(self, room: RoomId, key: str) -> Iterator[None]:
        """Count a message as on its way while it is sent and its event noted.

        People may see the message, and tap, before that is done. Where homeserver or database go
        away meanwhile, people may have the message all the same: it is on its way until it is
        sent again, with the same `key`, or refused.
        """
        noted = self._sent.setdefault(room, {}).setdefault(key, asyncio.Event())
        if len(self._sent) > ROOMS_KEPT:
            del self._sent[next(iter(self._sent))]
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
        """Return one flag for each message on its way to the room, set once that is noted."""
        return list(self._sent.get(room, {}).values())

    async def noted(self, room: RoomId, sent: Sequence[asyncio.Event]) -> None:
        """Wait until all these messages are noted, for `ON_THE_WAY_S` at most.

        A message that is not noted by then is not waited for again.
        """
        now = asyncio.get_running_loop().time
        until = now() + ON_THE_WAY_S
        for each in sent:
            await rest(each, max(0.0, until - now()))
        for key, each in list(self._sent.get(room, {}).items()):
            if each in sent:
                self._arrived(room, key, each)

    async def note_last(self, sent: Invitation) -> None:
        """Note the person's latest invitation: leaving the direct room is about it."""
        await self._notes.put(LatestInvitation(sent.user, sent))

    async def last(self, user: UserId) -> Invitation | None:
        """Return the person's latest invitation."""
        note = await self._notes.get(LatestInvitation.key(user))
        return note.invitation if note is not None else None

    async def note_invitation(self, event: EventId, sent: Invitation) -> None:
        """Note that the message `event` is this invitation."""
        await self._notes.put(InvitationMessage(event, sent))

    async def invitation(self, event: EventId) -> Invitation | None:
        """Return the invitation that the message is."""
        note = await self._notes.get(InvitationMessage.key(event))
        return note.invitation if note is not None else None

    async def note_offer(self, sent: StageInvitationMessage) -> None:
        """Note an invitation to speak."""
        await self._notes.put(sent)

    async def offer(self, event: EventId) -> StageInvitationMessage | None:
        """Return the invitation to speak that the message is."""
        return await self._notes.get(StageInvitationMessage.key(event))

    async def note_prompt(self, event: EventId, space: SpaceId, user: UserId) -> None:
        """Note that the message `event` asks a moderator about the hand of `user`."""
        await self._notes.put(HandMessage(event, space, user))

    async def prompt(self, event: EventId) -> HandMessage | None:
        """Return the live space and the person that a moderator was asked about."""
        return await self._notes.get(HandMessage.key(event))

    async def note_tap(self, tap: InvitationReaction) -> None:
        """Note a tap on an invitation, which may be taken back."""
        await self._notes.put(tap)

    async def tap(self, reaction: EventId) -> InvitationReaction | None:
        """Return the tap on an invitation that the reaction is."""
        return await self._notes.get(InvitationReaction.key(reaction))

    async def forget_tap(self, reaction: EventId) -> None:
        """Forget a tap that was taken back: to undo it once is enough."""
        await self._notes.drop(InvitationReaction.key(reaction))

    async def is_of(self, room: RoomId, user: UserId) -> bool:
        """Return whether the room is the direct room of this person."""
        note = await self._notes.get(RoomUser.key(room))
        return note is not None and note.user == user
