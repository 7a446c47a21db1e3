"""Limits on invitations: how much one person may make the bot write, and how much anybody gets."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spaces_bridge.app.notes.dms_and_reactions import Invitation
from spaces_bridge.app.notes.invite_counts import (
    Counted,
    DayCount,
    Invited,
    LatestFrom,
    UninvitedFollowers,
)
from spaces_bridge.app.ports import Clock, NoteStore
from spaces_bridge.app.tasks import InviteByMessage
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.settings import MatrixSettings

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class _Claim:
    """One place of a day: `item` is what takes it, of the `limit` that `user` has."""

    counted: Counted
    user: UserId
    item: str
    limit: int


class InviteLimits:
    """The invite limits count in notes; asking again for the same outbox task costs nothing."""

    def __init__(self, notes: NoteStore, clock: Clock, settings: MatrixSettings) -> None:
        self._notes = notes
        self._clock = clock
        self._settings = settings
        self._lock = asyncio.Lock()

    async def is_first(
        self, space: LiveSpace, by: UserId, user: UserId, key: str, *, announcement: bool
    ) -> bool:
        """Return whether no other outbox task has invited this person here for this inviter.

        The task `key` itself does not count. That the live space is live is news, also for
        followers who were invited before.
        """
        before = await self._notes.get(Invited.key(space.space, by, user))
        if before is None or before.task == key:
            return True
        return announcement and space.phase is Phase.LIVE and before.phase is not Phase.LIVE

    async def has_asked_before(self, sender: UserId, user: UserId, space: SpaceId) -> bool:
        """Return whether the latest invitation from this sender was to another live space."""
        latest = await self._notes.get(LatestFrom.key(sender, user))
        return latest is not None and latest.space != space

    async def note(self, space: LiveSpace, sent: Invitation, key: str) -> None:
        """Note that the outbox task `key` invites this person."""
        await self._notes.put(Invited(sent.space, sent.by, sent.user, space.phase, key))
        for sender in sent.senders:
            await self._notes.put(LatestFrom(sender, sent.user, sent.space))

    async def take(self, wanted: InviteByMessage, key: str, *, stranger: bool) -> Counted | None:
        """Count the invitation against each of today's limits, or against none of them.

        Return the first limit that leaves no place; None: it is counted, and counted once however
        often the outbox task `key` asks. Invitations by announcement are counted only against
        those who get them. What the homeserver refuses later stays counted, for it was tried.
        """
        today = self._clock.now_ms() // DAY_MS
        async with self._lock:
            new = []
            for claim in self._claims(wanted, key, stranger=stranger):
                taken = await self._taken(claim, today)
                if claim.item in taken:
                    continue
                if len(taken) >= claim.limit:
                    return claim.counted
                new.append(DayCount(claim.counted, claim.user, today, (*taken, claim.item)))
            for count in new:
                await self._notes.put(count)
        return None

    def _claims(self, wanted: InviteByMessage, key: str, *, stranger: bool) -> Iterator[_Claim]:
        by, user, settings = wanted.by, wanted.user, self._settings
        if stranger and not wanted.announcement:
            yield _Claim(Counted.STRANGERS_MET, by, user, settings.strangers_per_day)
        if not wanted.announcement:
            yield _Claim(Counted.INVITATIONS_SENT, by, key, settings.invitations_per_inviter)
        yield _Claim(Counted.INVITATIONS_GOT, user, key, settings.invitations_per_person)

    async def _taken(self, claim: _Claim, today: int) -> tuple[str, ...]:
        count = await self._notes.get(DayCount.key(claim.counted, claim.user))
        return count.taken if count is not None and count.day == today else ()


class InviteReport:
    """The invite report tells the inviter in one message how many followers got no invitation."""

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._lock = asyncio.Lock()

    async def note(self, space: SpaceId, by: UserId, user: UserId, *, tomorrow: bool) -> None:
        """Note a follower who got no invitation.

        `tomorrow`: the follower had enough invitations today, else they take none.
        """
        async with self._lock:
            held = {**await self._held(space, by), user: tomorrow}
            await self._notes.put(UninvitedFollowers(space, by, held))

    async def told(self, space: SpaceId, by: UserId) -> str:
        """Return the sentence about these followers; empty when there are none."""
        held = await self._held(space, by)
        late = sum(held.values())
        parts = [_followers(len(held) - late, "takes no invitations", "take no invitations")]
        parts.append(_followers(late, "was invited often today", "were invited often today"))
        return ", ".join(part for part in parts if part)

    async def forget(self, space: SpaceId, by: UserId) -> None:
        """Forget the followers: the inviter was told."""
        async with self._lock:
            await self._notes.drop(UninvitedFollowers.key(space, by))

    async def _held(self, space: SpaceId, by: UserId) -> Mapping[str, bool]:
        note = await self._notes.get(UninvitedFollowers.key(space, by))
        return note.had_enough if note is not None else {}


def _followers(number: int, one: str, many: str) -> str:
    if not number:
        return ""
    return f"1 follower {one}" if number == 1 else f"{number} followers {many}"
