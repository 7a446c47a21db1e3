"""Devices in a room's call that publish at another server's SFU: told of, read, and told so."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from spaces_bridge.app import tasks
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.remote_ports import RemoteMember, RemoteMemberListener
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.appservice.hand_reactions import WORDS_A_MINUTE
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.commands.flood import FloodGate, Patience
from spaces_bridge.matrix.events import rtc
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

PAGES_MAX: Final = 5
"""Pages of member events that are read at a start, newest first: later ones are told of."""


class RoomRemoteMembers:
    """The memberships of devices that publish elsewhere. Implements `RemoteMembers`.

    Without a listener nobody hears those people, and they and the host are told so.
    """

    def __init__(
        self, bot: MatrixClient, spaces: Spaces, settings: MatrixSettings, clock: Clock
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._settings = settings
        self._clock = clock
        self._listener: RemoteMemberListener | None = None
        self._told = FloodGate()

    def watch(self, listener: RemoteMemberListener) -> None:
        """Set the listener. Part of the `RemoteMembers` port."""
        self._listener = listener

    async def changed(self, space: LiveSpace, member: rtc.CallMember) -> None:
        """Pass on a membership in the room of a live space. Raises StorageError."""
        there = member.is_there(self._clock.now_ms())
        elsewhere = there and member.publishes_elsewhere(self._settings.own_sfus)
        if self._listener is None:
            if elsewhere and space.phase is Phase.LIVE:
                await self.tell_unheard(space.space, member.user)
        elif elsewhere and (remote := _remote(member)) is not None:
            self._listener.member_seen(space.space, remote)
        else:
            self._listener.member_gone(space.space, member.user, member.device, member.member)

    async def read(self, space: SpaceId) -> Sequence[RemoteMember]:
        """Return all there are now. Part of the port; raises AdapterError."""
        view = self._spaces.view(space)
        if view is None or view.room is None:
            return []
        types = sorted(rtc.STATE_TYPES | rtc.STICKY_TYPES)
        found, seen, start = list[RemoteMember](), set[str](), None
        for _ in range(PAGES_MAX):
            page, start = await self._bot.page_back(view.room, types, start)
            found += self._newest_in(page, view.room, seen)
            if start is None:
                break
        return found

    async def tell_unheard(self, space: SpaceId, user: UserId) -> None:
        """Tell the person once, and the host once of all. Part of the port; StorageError."""
        view = self._spaces.view(space)
        if view is None or not self._may_tell(space):
            return
        page = self._settings.page(view.slug)
        word = (
            f"Your client sends its sound in “{view.title}” to a server of its own, where the "
            f"live space cannot hear it. You can listen. To speak, open its page: {page}"
        )
        await self._spaces.enqueue_task(
            tasks.TellUser(user, word), f"call-elsewhere:{space}:{user}"
        )
        name = view.person(user).name or user
        report = (
            f"{name} ({user}) has joined the call of “{view.title}” from another server, "
            "to which their client sends its sound: it is not heard here. I tell them, and all "
            "who come so after them, to speak from the page."
        )
        await self._spaces.enqueue_task(
            tasks.TellUser(view.host, report), f"call-elsewhere:{space}"
        )

    def _may_tell(self, space: SpaceId) -> bool:
        judged = self._told.judge(space, WORDS_A_MINUTE, self._clock.now_ms())
        return judged is Patience.ANSWER

    def _newest_in(
        self, page: Sequence[Mapping[str, Any]], room: str, seen: set[str]
    ) -> Iterator[RemoteMember]:
        """Yield those that publish elsewhere, of devices that were not `seen` in later events."""
        for event in page:
            member = rtc.member_in({**event, "room_id": room})
            if member is None:
                continue
            which = f"{member.user} {member.device or member.member}"
            if which in seen:
                continue
            seen.add(which)
            there = member.is_there(self._clock.now_ms())
            if not there or not member.publishes_elsewhere(self._settings.own_sfus):
                continue
            remote = _remote(member)
            if remote is not None:
                yield remote


def _remote(member: rtc.CallMember) -> RemoteMember | None:
    """Return the device as one that publishes elsewhere; None: what it names is no address."""
    service = rtc.plain_address(member.publishes_at[0])
    if service is None:
        return None
    return RemoteMember(member.user, member.device, member.member, service, member.expires_at_ms)
