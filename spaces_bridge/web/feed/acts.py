"""Feed verbs that are use cases: a frame becomes a call, and its result a sentence.

Each act returns a sentence for the person who asked, because nothing on the page shows that it
was done; None where something does. All raise Refusal, Rejected, AdapterError.
"""

import secrets
from collections.abc import Awaitable, Callable

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.app.usecases.blocking import Blocked
from spaces_bridge.core.display_names import name_of
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence, say
from spaces_bridge.web.feed.chat_verbs import Chatting
from spaces_bridge.web.feed.verbs import Frame, acting_user, text_of, user_of
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You

_Act = Callable[[Frame, You, LiveSpace], Awaitable[Sentence | None]]


class Acts:
    """The acts: carries out the feed's verbs that are use cases."""

    def __init__(self, settings: WebSettings, spaces: Spaces, use_cases: UseCases) -> None:
        self._use = use_cases
        self._acts: dict[str, _Act] = {
            "remove": self._remove,
            "block": self._block,
            "unblock": self._unblock,
            "report": self._report,
            "follow": self._follow,
            "unfollow": self._unfollow,
            "invite": self._invite,
            "share": self._share,
            "unschedule": self._unschedule,
            "chat": Chatting(settings, spaces).say,
        }

    @property
    def kinds(self) -> frozenset[str]:
        """Return the types of the frames that are acts."""
        return frozenset(self._acts)

    def knows(self, frame: Frame) -> bool:
        """Return whether the frame is an act."""
        kind = frame.get("type")
        return isinstance(kind, str) and kind in self._acts

    async def do(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        """Carry the frame out and return the sentence for who asked; `space` is as it is now."""
        return await self._acts[str(frame["type"])](frame, you, space)

    # --- keeping out --------------------------------------------------------------------------

    async def _remove(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, user = acting_user(you), user_of(frame)
        await self._use.blocking.remove(space, by, user, text_of(frame, "reason"))
        return None

    async def _block(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, user = acting_user(you), user_of(frame)
        what = await self._use.blocking.block(space, by, user, text_of(frame, "reason"))
        if what is Blocked.GUEST:
            text = "A guest has no account to block: they are removed from this live space."
            return say("guest_removed", text)
        text = "{user} is blocked, also from later live spaces of {host}."
        return say("blocked", text, user=user, host=name_of(space, space.host))

    async def _unblock(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, user = acting_user(you), user_of(frame)
        await self._use.blocking.unblock(space, by, user)
        return say("readmitted", "{user} may come in again.", user=user)

    async def _report(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, user = acting_user(you), user_of(frame)
        reason = text_of(frame, "reason")
        await self._use.reporting.file(space, by, user, reason, _new_source())
        text = "Thank you. Your report goes to the moderators of this server."
        return say("reported", text)

    # --- followers and invitations ------------------------------------------------------------

    async def _follow(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        host = _host_of(frame, space)
        new = await self._use.following.follow(acting_user(you), host)
        who = name_of(space, host)
        if not new:
            return say("following_already", "You follow {name} already.", name=who)
        text = "You follow {name}: the bot writes to you when they go live."
        return say("following", text, name=who)

    async def _unfollow(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        host = _host_of(frame, space)
        await self._use.following.unfollow(acting_user(you), host)
        text = "You do not follow {name} any more."
        return say("unfollowed", text, name=name_of(space, host))

    async def _invite(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by = acting_user(you)
        if frame.get("followers") is True:
            await self._use.inviting.invite_followers(space, by, _new_source())
            text = "The bot writes to those who follow you, little by little."
            return say("followers_invited", text)
        user = user_of(frame)
        await self._use.inviting.invite(space, by, user)
        return say("invites", "The bot invites {user}.", user=user)

    # --- links and the plan -------------------------------------------------------------------

    async def _share(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        await self._use.sharing.share(space, acting_user(you), text_of(frame, "url"))
        return None

    async def _unschedule(self, _frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        await self._use.scheduling.unschedule(space, acting_user(you))
        return None


def _new_source() -> str:
    return f"page:{secrets.token_hex(16)}"


def _host_of(frame: Frame, space: LiveSpace) -> UserId:
    """Return the host to follow: this live space's, unless the frame names somebody."""
    return user_of(frame) if "user" in frame else space.host
