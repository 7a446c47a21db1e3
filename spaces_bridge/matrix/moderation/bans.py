"""Bans of removed people: made, made again and lifted until the room says what it should."""

import logging

from spaces_bridge.app import tasks
from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from spaces_bridge.pacing.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)


class Bans:
    """The handler of bans carries out `BanPerson` and `UnbanPerson`.

    Both tasks make true what the live space says now: they wait in different lanes, and the
    later word counts.
    """

    kinds = (tasks.BanPerson, tasks.UnbanPerson)

    def __init__(self, bot: MatrixClient, spaces: Spaces, observer: PowerLevels) -> None:
        self._bot = bot
        self._spaces = spaces
        self._observer = observer
        self._domain = bot.user.partition(":")[2]
        self._locks = KeyedLocks()

    async def run(self, wanted: tasks.BanPerson | tasks.UnbanPerson, key: str) -> None:
        """Ban or unban as the live space says now. Raises RequestRefused, Away, StorageError."""
        space = await self._spaces.find(wanted.space)
        if space is None or space.room is None:
            return
        bans = isinstance(wanted, tasks.BanPerson)
        if bans and is_ghost(wanted.user, self._domain):
            return  # guests have no account to ban: the page keeps them out
        reason = wanted.reason if isinstance(wanted, tasks.BanPerson) else ""
        async with self._locks.holding(space.room):
            await self._make_true(space, space.room, wanted.user, reason)

    async def _make_true(self, space: LiveSpace, room: RoomId, user: UserId, reason: str) -> None:
        member = await self._observer.membership(space.space, room, user)
        now = await self._spaces.find(space.space) or space
        out = is_kept_out(now, user)
        if out is member.banned:
            return
        body = {"user_id": user, **({"reason": reason} if out and reason else {})}
        await self._bot.call("POST", ["rooms", room, "ban" if out else "unban"], body)
        await self._observer.membership(space.space, room, user)

    async def refused(
        self, wanted: tasks.BanPerson | tasks.UnbanPerson, refusal: RequestRefused
    ) -> None:
        """Tell the moderators once that a ban was refused; a refused unban is logged."""
        space = await self._spaces.find(wanted.space)
        if space is None:
            return
        if isinstance(wanted, tasks.UnbanPerson):
            log.warning("a ban in live space %s cannot be lifted: %s", wanted.space, refusal)
            return
        text = (
            f"The homeserver did not let me ban {wanted.user} from the room of “{space.title}” "
            f"({refusal.errcode}). They are not heard and cannot listen on the page, but they may "
            "read and write in the room."
        )
        for moderator in space.moderators:
            told = f"no-ban:{wanted.space}:{wanted.user}:{moderator}"
            await self._spaces.enqueue_task(tasks.TellUser(moderator, text), told)


def is_kept_out(space: LiveSpace, user: UserId) -> bool:
    """Return whether the room must hold a ban; after the end only for people who are blocked."""
    removal = space.removed.get(user)
    return removal is not None and (removal.blocked or space.phase is not Phase.ENDED)
