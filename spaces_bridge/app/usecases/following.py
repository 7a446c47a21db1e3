"""Use case: following a host, so that the bot writes when the host goes live."""

from spaces_bridge.app.context import AppContext
from spaces_bridge.app.records import CallAlert
from spaces_bridge.app.registry import is_ghost
from spaces_bridge.app.usecases.refusals import refuse_bot, refuse_oneself
from spaces_bridge.core import refusals
from spaces_bridge.core.ids import UserId


class Following:
    """The use case of following hosts. Following or not already is no error.

    All methods raise Rejected, StorageError.
    """

    def __init__(self, context: AppContext) -> None:
        self._followers = context.followers
        self._clock = context.clock
        self._settings = context.settings

    async def follow(self, by: UserId, host: UserId) -> bool:
        """Let `by` follow the host. False: `by` followed the host already."""
        self._refuse_guest(by)
        refuse_oneself(host, by)
        refuse_bot(host, self._settings)
        if is_ghost(host, self._settings.domain):
            raise refusals.guests_do_not_host()
        return await self._followers.follow(host, by, self._clock.now_ms())

    async def alert(self, by: UserId, host: UserId) -> CallAlert:
        """Return how `by` wants to be alerted in a room where the host goes live."""
        return await self._followers.alert(host, by)

    async def choose_alert(self, by: UserId, host: UserId, alert: CallAlert) -> None:
        """Set how `by`, who follows the host, wants to be alerted in a room of the host's."""
        self._refuse_guest(by)
        await self._followers.set_alert(host, by, alert)

    async def unfollow(self, by: UserId, host: UserId) -> bool:
        """Let `by` follow the host no more. False: `by` did not follow."""
        self._refuse_guest(by)
        return await self._followers.unfollow(host, by)

    def _refuse_guest(self, by: UserId) -> None:
        if is_ghost(by, self._settings.domain):
            raise refusals.account_needed()
