"""Use case: creating a live space, by people who may, with the admin's settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.app.usecases.refusals import refuse_bot
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.text.names import account_name

Permission = Literal["listen", "host", "admin"]
PermissionOf = Callable[[UserId], Permission]


@dataclass(frozen=True, slots=True)
class NewSpace:
    """The host's choices for a new live space; the admin's settings say the rest.

    `scheduled_at_ms` None: no time is named. `community`: the room it is announced in.
    """

    title: str
    private: bool = False
    speak_policy: SpeakPolicy = SpeakPolicy.REQUEST
    scheduled_at_ms: int | None = None
    community: RoomId | None = None


class Creating:
    """The use case of creating live spaces, for people who may host."""

    def __init__(self, spaces: Spaces, permission_of: PermissionOf) -> None:
        self._spaces = spaces
        self._context = spaces.context
        self._permission_of = permission_of

    async def refuse_who_may_not_host(self, by: UserId) -> None:
        """Raise Rejected with the reason why a person may not host. Raises StorageError."""
        settings = self._context.settings
        if is_ghost(by, settings.domain):
            raise refusals.account_needed()
        refuse_bot(by, settings)
        permission = self._permission_of(by)
        if permission == "listen":
            text = "You may not host here. Ask the admin of this server for it."
            raise Rejected("may_not_host", text)
        least = settings.min_followers
        if permission == "admin" or not least:
            return
        count = await self._context.followers.count(by)
        if count < least:
            raise Rejected(
                "too_few_followers",
                "Hosting here takes {least} followers, and you have {count}. People follow you "
                "with `!space follow {user}`.",
                least=least,
                count=count,
                user=by,
            )

    async def create(
        self, by: UserId, host_name: str | None, wanted: NewSpace, source: str
    ) -> LiveSpace:
        """Create a live space; the same `source` gives the same one again.

        `host_name`: the host's display name, where that is known. Raises Rejected, StorageError.
        """
        await self.refuse_who_may_not_host(by)
        settings = self._context.settings
        identity, slug = self._spaces.new_identity(wanted.title, source)
        command = cmd.CreateSpace(
            space=identity,
            slug=slug,
            title=wanted.title,
            by=by,
            host_name=account_name(host_name, by),
            at_ms=self._context.clock.now_ms(),
            private=wanted.private,
            speak_policy=wanted.speak_policy,
            scheduled_at_ms=wanted.scheduled_at_ms,
            levels=settings.levels,
            max_speakers=settings.max_speakers,
            language=settings.language,
            captions=settings.captions,
            community=wanted.community,
            max_cohosts=settings.max_cohosts,
            queue_order=settings.queue_order,
        )
        return await self._spaces.create(command, source)
