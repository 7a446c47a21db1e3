"""Memberships as they are now, and the act of somebody else that led to them.

The current state decides, not the events that come in: of a kick, a ban and an unban only the last
may be left to see, and a person who was kicked may be in the room again already.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.core.text.names import account_name
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent

MEMBER = "m.room.member"


class MemberEventReader(Protocol):
    """The part of `MatrixClient` that is needed here."""

    @property
    def user(self) -> UserId: ...

    async def state_event(self, room: RoomId, type_: str, key: str = "") -> StateEvent: ...

    async def event(self, room: RoomId, event: EventId) -> StateEvent: ...


@dataclass(frozen=True, slots=True)
class Act:
    """An act on a membership, by somebody who is neither the person nor the bot."""

    event: EventId
    by: UserId
    kind: Literal["kick", "ban", "unban"]


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's membership of a room.

    `membership` is as in the spec, "leave" without any; `name` is given only of the joined.
    `act` led to the membership, or came right before the person joined. A ban without one is
    the bot's.
    """

    membership: str
    name: str = ""
    act: Act | None = None

    @property
    def joined(self) -> bool:
        return self.membership == "join"

    @property
    def banned(self) -> bool:
        return self.membership == "ban"


class Memberships:
    """The reader of people's memberships."""

    def __init__(self, bot: MemberEventReader) -> None:
        self._bot = bot

    async def read(self, room: RoomId, user: UserId, *, was_joined: bool) -> Membership:
        """Return the membership now. Raises RequestRefused, Away.

        `was_joined` is believed where the homeserver no longer shows what was before.
        """
        try:
            now = await self._bot.state_event(room, MEMBER, user)
        except RequestRefused as refusal:
            if refusal.errcode != "M_NOT_FOUND":
                raise
            return Membership("leave")
        kind = _kind(now)
        if kind == "join":
            before = await self._before(room, now)
            act = await self._act(room, user, before, was_joined=False) if before else None
            return Membership(kind, account_name(now.content.get("displayname"), user), act=act)
        if kind == "ban":
            by = self._other(now, user)
            if by is None or now.event is None:
                return Membership(kind)
            return Membership(kind, act=Act(now.event, by, "ban"))
        return Membership(kind, act=await self._act(room, user, now, was_joined=was_joined))

    async def _act(
        self, room: RoomId, user: UserId, left: StateEvent, *, was_joined: bool
    ) -> Act | None:
        """Return the act of somebody else, if `left` is the end of a membership or of a ban."""
        by = self._other(left, user)
        if by is None or left.event is None or _kind(left) != "leave":
            return None
        before = await self._before(room, left)
        kind = _kind(before) if before is not None else "join" if was_joined else ""
        if kind == "join":
            return Act(left.event, by, "kick")
        return Act(left.event, by, "unban") if kind == "ban" else None

    async def _before(self, room: RoomId, event: StateEvent) -> StateEvent | None:
        if event.replaced is None:
            return None
        try:
            return await self._bot.event(room, event.replaced)
        except RequestRefused:
            return None

    def _other(self, event: StateEvent, user: UserId) -> UserId | None:
        return event.sender if event.sender not in {user, self._bot.user} else None


def _kind(event: StateEvent) -> str:
    kind = event.content.get("membership")
    return kind if isinstance(kind, str) else "leave"
