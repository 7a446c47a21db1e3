"""Use case: inviting one person to a live space, or all followers."""

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.invite_counts import FollowersInvited
from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.app.usecases.refusals import refuse_bot
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import (
    refuse_if_ended,
    refuse_unless_moderator,
)


class Inviting:
    """The use case of inviting people by the bot. All methods raise Rejected and StorageError.

    `source` names the request: the same one again, after a crash, is done and not refused.
    """

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._notes = spaces.context.notes
        self._followers = spaces.context.followers
        self._settings = spaces.context.settings

    async def invite(
        self, space: LiveSpace, by: UserId, user: UserId, source: str | None = None
    ) -> None:
        """Have one person invited to the live space."""
        self._refuse_guest(by)
        refuse_bot(user, self._settings)
        if is_ghost(user, self._settings.domain):
            raise refusals.guest_invited()
        await self._spaces.ask(space.space, cmd.InvitePerson(by, user), source)

    async def invite_followers(self, space: LiveSpace, by: UserId, source: str) -> int:
        """Have everybody invited who follows `by`, once; return how many they are."""
        self._refuse_guest(by)
        refuse_if_ended(space)
        refuse_unless_moderator(space, by)
        if space.locked:
            raise refusals.locked()
        before = await self._notes.get(FollowersInvited.key(space.space, by))
        if before is not None and before.source != source:
            raise Rejected("again", "Your followers were told of this live space already.")
        count = await self._followers.count(by)
        if not count:
            raise Rejected("no_followers", "Nobody follows you yet.")
        wanted = tasks.InviteFollowers(space.space, by)
        await self._spaces.enqueue_task(wanted, f"invite-followers:{space.space}:{by}")
        await self._notes.put(FollowersInvited(space.space, by, source))
        return count

    def _refuse_guest(self, by: UserId) -> None:
        if is_ghost(by, self._settings.domain):
            raise refusals.account_needed()
