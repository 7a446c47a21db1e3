"""Announcements to followers: one outbox task becomes an invitation for each follower.

Every invitation has a key of its own, so that doing the task again after a crash adds only what
is missing.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import get_args

from spaces_bridge.app import codec, tasks
from spaces_bridge.app.ports import Followers, Outbox
from spaces_bridge.app.records import OutboxRow
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import NotYetError, RequestRefused
from spaces_bridge.matrix.invites.limits import InviteReport
from spaces_bridge.matrix.settings import MatrixSettings

PAGE = 500
LOOK_EVERY_S = 5.0
"""Seconds between looks whether all followers were written to."""
TRIES_AWAITED = 2
"""Tries after which an invitation to another server is no longer waited for."""

AnnouncementTask = tasks.AnnounceLive | tasks.InviteFollowers | tasks.SumUpInvitations


class Announcements:
    """The announcements carry out outbox tasks about all followers of somebody.

    Raises NotYetError, StorageError.
    """

    kinds = get_args(AnnouncementTask)

    def __init__(
        self,
        spaces: Spaces,
        outbox: Outbox,
        followers: Followers,
        report: InviteReport,
        settings: MatrixSettings,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the outbox dispatcher that there is something new in the outbox."""
        self._spaces = spaces
        self._outbox = outbox
        self._followers = followers
        self._report = report
        self._settings = settings
        self._wake = wake
        self._looked_at: dict[str, float] = {}

    async def run(self, wanted: AnnouncementTask, key: str) -> None:
        """Carry out the task."""
        space = await self._spaces.find(wanted.space)
        if space is None:
            return
        match wanted:
            case tasks.SumUpInvitations(by=by):
                await self._sum_up(space, by, key)
            case tasks.AnnounceLive() if space.phase is not Phase.ENDED:
                await self._announce(space, key)
            case tasks.InviteFollowers(by=by) if _may_tell_followers(space, by):
                await self._invite_followers(space, by, f"followers:{space.space}:{by}:{key}")
                await self._then_sum_up(space, by, key)
            case _:
                return

    async def refused(self, wanted: AnnouncementTask, refusal: RequestRefused) -> None:
        """Do nothing: these tasks ask nothing of the homeserver."""

    async def _announce(self, space: LiveSpace, key: str) -> None:
        prefix = f"live:{space.space}"
        await self._enqueue(space, space.host, sorted(space.reminded), prefix)
        if not space.private:
            await self._invite_followers(space, space.host, prefix)
        await self._then_sum_up(space, space.host, key)

    async def _invite_followers(self, space: LiveSpace, by: UserId, prefix: str) -> None:
        after: UserId | None = None
        while True:
            page = await self._followers.of(by, after, PAGE)
            await self._enqueue(space, by, page, prefix)
            if len(page) < PAGE:
                return
            after = page[-1]

    async def _enqueue(
        self, space: LiveSpace, by: UserId, people: Iterable[UserId], prefix: str
    ) -> None:
        invitations = [
            codec.entry_of(
                tasks.InviteByMessage(space.space, user, by, announcement=True), f"{prefix}:{user}"
            )
            for user in people
            if user not in {by, space.host} and not self._settings.is_ours(user)
        ]
        await self._outbox.enqueue(invitations)
        self._wake()

    # --- how it went --------------------------------------------------------------------------

    async def _then_sum_up(self, space: LiveSpace, by: UserId, key: str) -> None:
        await self._spaces.enqueue_task(tasks.SumUpInvitations(space.space, by), f"{key}:summary")

    async def _sum_up(self, space: LiveSpace, by: UserId, key: str) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._looked_at.get(key, 0.0) + LOOK_EVERY_S:
            raise NotYetError(LOOK_EVERY_S)
        self._looked_at[key] = now
        if await self._under_way(space.space, by):
            raise NotYetError(LOOK_EVERY_S)
        del self._looked_at[key]
        told = await self._report.told(space.space, by)
        if told:
            text = f"About your invitations to “{space.title}”: {told}."
            await self._spaces.enqueue_task(tasks.TellUser(by, text), f"{key}:told")
            await self._report.forget(space.space, by)

    async def _under_way(self, space: SpaceId, by: UserId) -> bool:
        """Return whether some of the invitations are still to be tried."""
        after = 0
        while True:
            rows = await self._outbox.pending(after, PAGE)
            if any(self._is_awaited(row, space, by) for row in rows):
                return True
            if len(rows) < PAGE:
                return False
            after = rows[-1].id

    def _is_awaited(self, row: OutboxRow, space: SpaceId, by: UserId) -> bool:
        """Return whether the row is an invitation to wait for.

        Invitations to a server that does not answer are not waited for.
        """
        body = row.effect.body
        ours = (body.get("space"), body.get("by"), body.get("announcement")) == (space, by, True)
        here = str(body.get("user")).endswith(f":{self._settings.domain}")
        return ours and (here or row.attempts < TRIES_AWAITED)


def _may_tell_followers(space: LiveSpace, by: UserId) -> bool:
    """Return whether the person may invite, by the rule for one invitation.

    People in the room may invite; into a private live space, moderators only.
    """
    if space.phase is Phase.ENDED or by in space.removed:
        return False
    person = space.person(by)
    here = person.joined and not person.guest
    return by == space.host or (here and (not space.private or space.role(by).may_moderate))
