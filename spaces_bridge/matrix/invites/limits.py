"""How much one person may make the bot write to others, and how much anybody gets."""

import asyncio
from collections.abc import Mapping

from spaces_bridge.app.notes.inviting import (
    Counted,
    DayCount,
    Invited,
    LatestFrom,
    UninvitedFollowers,
)
from spaces_bridge.app.notes.messages import Invitation
from spaces_bridge.app.ports import Clock, NoteStore
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.settings import MatrixSettings

DAY_MS = 86_400_000


class InviteLimits:
    """Counts invitations in notes; asking again for the same wish costs nothing."""

    def __init__(self, notes: NoteStore, clock: Clock, settings: MatrixSettings) -> None:
        self._notes = notes
        self._clock = clock
        self._settings = settings
        self._lock = asyncio.Lock()

    async def is_first(
        self, space: LiveSpace, by: UserId, user: UserId, key: str, *, announcement: bool
    ) -> bool:
        """Whether no other wish than `key` has invited this person here for this inviter.

        That it is live is news, also for followers who were invited before.
        """
        before = await self._notes.get(Invited.key(space.space, by, user))
        if before is None or before.task == key:
            return True
        return announcement and space.phase is Phase.LIVE and before.phase is not Phase.LIVE

    async def has_asked_before(self, sender: UserId, user: UserId, space: SpaceId) -> bool:
        """Whether the latest invitation from this sender was to another live space."""
        latest = await self._notes.get(LatestFrom.key(sender, user))
        return latest is not None and latest.space != space

    async def note(self, space: LiveSpace, sent: Invitation, key: str) -> None:
        """The wish `key` invites this person."""
        await self._notes.put(Invited(sent.space, sent.by, sent.user, space.phase, key))
        for sender in sent.senders:
            await self._notes.put(LatestFrom(sender, sent.user, sent.space))

    async def may_meet(self, by: UserId, stranger: UserId) -> bool:
        """Whether this inviter has one of today's strangers left; it is taken at once."""
        return await self._take(
            Counted.STRANGERS_MET, by, stranger, self._settings.strangers_per_day
        )

    async def may_invite(self, by: UserId, key: str) -> bool:
        """Whether this inviter has one of today's invitations left; it is taken at once."""
        return await self._take(
            Counted.INVITATIONS_SENT, by, key, self._settings.invitations_per_inviter
        )

    async def may_get(self, user: UserId, key: str) -> bool:
        """Whether this person has room for one more today, from whomever; it is taken at once."""
        return await self._take(
            Counted.INVITATIONS_GOT, user, key, self._settings.invitations_per_person
        )

    async def _take(self, counted: Counted, user: UserId, item: str, limit: int) -> bool:
        today = self._clock.now_ms() // DAY_MS
        async with self._lock:
            count = await self._notes.get(DayCount.key(counted, user))
            taken = count.taken if count is not None and count.day == today else ()
            if item in taken:
                return True
            if len(taken) >= limit:
                return False
            await self._notes.put(DayCount(counted, user, today, (*taken, item)))
            return True


class InviteReport:
    """Followers who got no invitation: told to the inviter in one message, not one by one."""

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._lock = asyncio.Lock()

    async def note(self, space: SpaceId, by: UserId, user: UserId, *, tomorrow: bool) -> None:
        """`tomorrow`: they had enough invitations today, else they take none."""
        async with self._lock:
            held = {**await self._held(space, by), user: tomorrow}
            await self._notes.put(UninvitedFollowers(space, by, held))

    async def told(self, space: SpaceId, by: UserId) -> str:
        """The sentence about them; empty when there are none."""
        held = await self._held(space, by)
        late = sum(held.values())
        parts = [_followers(len(held) - late, "takes no invitations", "take no invitations")]
        parts.append(_followers(late, "was invited often today", "were invited often today"))
        return ", ".join(part for part in parts if part)

    async def forget(self, space: SpaceId, by: UserId) -> None:
        """The inviter was told."""
        async with self._lock:
            await self._notes.drop(UninvitedFollowers.key(space, by))

    async def _held(self, space: SpaceId, by: UserId) -> Mapping[str, bool]:
        note = await self._notes.get(UninvitedFollowers.key(space, by))
        return note.had_enough if note is not None else {}


def _followers(number: int, one: str, many: str) -> str:
    if not number:
        return ""
    return f"1 follower {one}" if number == 1 else f"{number} followers {many}"
