"""The access sweeper: takes barred accounts off the pages whom no removal from the room reaches.

They are on the page only, or nothing is left of them but what they wrote.
"""

from collections.abc import Callable

from spaces_bridge.app import policies
from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web.access.page_access import PageAccess, removed
from spaces_bridge.web.feed.hub import Hub


class AccessSweeper:
    """The sweeper checks all pages when a ban list has changed, or the host whose list counts.

    `listening` gives the accounts that hear a live space without a page, as far as this process
    knows them.
    """

    def __init__(
        self,
        access: PageAccess,
        hub: Hub,
        ban_lists: BanListService,
        listening: Callable[[SpaceId], set[UserId]],
    ) -> None:
        self._access = access
        self._hub = hub
        self._listening = listening
        ban_lists.watch(self.look)
        hub.new_host = self.look_at

    def look(self) -> None:
        """Remove accounts that are barred now from the pages of all live spaces."""
        for space in self._access.spaces.open():
            self.look_at(space)

    def look_at(self, space: LiveSpace) -> None:
        """Remove barred accounts from the pages, the sound and the chat of one live space."""
        on_page = {
            you.user
            for you in self._hub.present(space.space)
            if you.user is not None and not you.guest
        }
        for user in sorted(on_page | self._listening(space.space)):
            if self._access.bars(space, user):
                self._hub.show_out(space.space, user, removed(space, user).said)
        context = self._access.spaces.context
        for user in sorted(context.chat.authors(space.space)):
            if self._access.bars(space, user):
                policies.forget_words(context, space.space, user)
