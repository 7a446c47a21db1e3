"""Use case: pinning a link for everybody in a live space."""

from spaces_bridge.app.addresses import room_alias
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.text.links import shared_link


class Sharing:
    """The use case of sharing links."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._context = spaces.context

    async def share(
        self, space: LiveSpace, by: UserId, text: str, source: str | None = None
    ) -> None:
        """Share a link as it was written. Raises Rejected, StorageError.

        A link to a message of the live space's own room is about that message.
        """
        names = {room_alias(space.slug, self._context.settings.domain)}
        names |= {space.room} if space.room is not None else set()
        url, event = shared_link(text, names)
        command = cmd.SharePost(by, url, self._context.clock.now_ms(), event)
        await self._spaces.ask(space.space, command, source)
