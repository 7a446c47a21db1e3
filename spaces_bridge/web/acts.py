"""What a page asks for that takes more than its frame: lists, reports, followers, links, chat.

Each act gives a sentence for whoever asked, because nothing on the page shows that it was done;
None where something does. All raise Refusal, Rejected, AdapterError.
"""

import secrets
from collections.abc import Awaitable, Callable

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.codec import effect_of
from spaces_bridge.app.doorkeeper import Doorkeeper
from spaces_bridge.app.following import invite_followers
from spaces_bridge.app.ports import Reports
from spaces_bridge.app.records import Effect, Report
from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.app.reporting import context_of
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.links import shared_link
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules.common import (
    refuse_unless_above,
    refuse_unless_host,
    refuse_unless_moderator,
)
from spaces_bridge.core.sentences import Sentence, say
from spaces_bridge.web.chatting import Chatting
from spaces_bridge.web.limits import Limiter
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.verbs import Frame, Refusal, doer_of, text_of, user_of
from spaces_bridge.web.views import You, name_of, room_alias

REASON_MAX = 500

REPORTS_BURST, REPORTS_PER_S = 5, 1 / 60
"""Reports one person may file."""

CROWD_REPORTS_BURST, CROWD_REPORTS_PER_S = 20, 1 / 15
"""Reports all guests of one live space may file: moderators are people, too."""


_Act = Callable[[Frame, You, LiveSpace], Awaitable[Sentence | None]]


class Acts:
    """Carries out these verbs of the feed."""

    def __init__(
        self, settings: WebSettings, spaces: Spaces, doorkeeper: Doorkeeper, reports: Reports
    ) -> None:
        self._settings = settings
        self._spaces = spaces
        self._world = spaces.world
        self._doorkeeper = doorkeeper
        self._reports = reports
        self._reporters = Limiter(REPORTS_BURST, REPORTS_PER_S)
        self._crowds = Limiter(CROWD_REPORTS_BURST, CROWD_REPORTS_PER_S)
        self._acts: dict[str, _Act] = {
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
        """The frames that these verbs are."""
        return frozenset(self._acts)

    def knows(self, frame: Frame) -> bool:
        """Whether the frame's verb is one of these."""
        kind = frame.get("type")
        return isinstance(kind, str) and kind in self._acts

    async def do(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        """Carry it out; ``space`` as it is now."""
        if "user" in frame and user_of(frame) == self._settings.bot:
            raise Rejected("ours", "That is the bot that keeps this room.")
        return await self._acts[str(frame["type"])](frame, you, space)

    # --- the host's list ----------------------------------------------------------------------

    async def _block(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, user = doer_of(you), user_of(frame)
        reason = text_of(frame, "reason")
        if self._is_guest(user):
            await self._spaces.ask(space.space, cmd.RemovePerson(by, user, reason))
            text = "A guest has no account to block: they are removed from this live space."
            return say("guest_removed", text)
        if self._is_half_blocked(space, user):
            # it failed half-way the last time; only the list does not know yet
            refuse_unless_moderator(space, by)
            refuse_unless_above(space, by, user)
        else:
            removal = cmd.RemovePerson(by, user, reason, blocked=True)
            await self._spaces.ask(space.space, removal)
        await self._doorkeeper.block(space.host, user, by, reason)
        text = "{user} is blocked, also from later live spaces of {host}."
        return say("blocked", text, user=user, host=name_of(space, space.host))

    def _is_half_blocked(self, space: LiveSpace, user: UserId) -> bool:
        removal = space.removed.get(user)
        blocked_here = removal is not None and removal.blocked
        return blocked_here and self._doorkeeper.verdict(space.host, user) is None

    async def _unblock(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, user = doer_of(you), user_of(frame)
        refuse_unless_moderator(space, by)
        known = await self._doorkeeper.unblock(space.host, user)
        verdict = self._doorkeeper.verdict(space.host, user)
        if verdict is not None:
            text = "Another entry still keeps that person out: {reason}."
            raise Rejected("still_barred", text, reason=verdict.reason)
        if user in space.removed:
            await self._readmit(space, by, user)
        elif not known:
            raise Rejected("not_blocked", "That person is neither blocked nor removed here.")
        return say("readmitted", "{user} may come in again.", user=user)

    async def _readmit(self, space: LiveSpace, by: UserId, user: UserId) -> None:
        try:
            await self._spaces.ask(space.space, cmd.ReadmitPerson(by, user))
        except Rejected as refusal:
            if refusal.code != "not_removed":  # the doorkeeper was quicker
                raise

    # --- reports ------------------------------------------------------------------------------

    async def _report(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, user = doer_of(you), user_of(frame)
        reason = " ".join(text_of(frame, "reason").split())[:REASON_MAX]
        if not reason:
            raise Refusal("no_reason", "Say in a few words what is wrong.")
        if user == by:
            raise Rejected("oneself", "You cannot do that to yourself.")
        chat = self._spaces.written(space.space)
        wrote = any(line.user == user for line in chat)
        if not (wrote or user in space.people or user in space.removed):
            raise Refusal("unknown_person", "That person is not in this live space.")
        if not self._reporters.take(by) or (you.guest and not self._crowds.take(space.space)):
            raise Refusal("many_reports", "That was many reports just now. Wait a minute.")
        now_ms = self._world.clock.now_ms()
        context = context_of(space, user, chat)
        report = Report(0, space.space, by, user, reason, context, now_ms)
        await self._reports.file(report, f"page:{secrets.token_hex(16)}", _forwarding)
        self._world.courier.wake()
        text = "Thank you. Your report goes to the moderators of this server."
        return say("reported", text)

    # --- followers and invitations ------------------------------------------------------------

    async def _follow(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, host = _account_of(you), _host_of(frame, space)
        if host == by:
            raise Rejected("oneself", "You cannot do that to yourself.")
        if self._is_guest(host):
            raise Rejected("is_guest", "Guests have no account: they cannot host.")
        new = await self._world.followers.follow(host, by, self._world.clock.now_ms())
        who = name_of(space, host)
        if not new:
            return say("following_already", "You follow {name} already.", name=who)
        text = "You follow {name}: the bot writes to you when they go live."
        return say("following", text, name=who)

    async def _unfollow(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, host = _account_of(you), _host_of(frame, space)
        if not await self._world.followers.unfollow(host, by):
            raise Rejected("not_following", "You do not follow that person.")
        text = "You do not follow {name} any more."
        return say("unfollowed", text, name=name_of(space, host))

    async def _invite(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by = _account_of(you)
        if frame.get("followers") is True:
            return await self._invite_followers(by, space)
        user = user_of(frame)
        if self._is_guest(user):
            raise Rejected("guest_invited", "Guests have no account: send them the page's link.")
        await self._spaces.ask(space.space, cmd.InvitePerson(by, user))
        return say("invites", "The bot invites {user}.", user=user)

    async def _invite_followers(self, by: UserId, space: LiveSpace) -> Sentence:
        world, source = self._world, f"page:{secrets.token_hex(16)}"
        await invite_followers(self._spaces, world.outbox, world.followers, space, by, source)
        text = "The bot writes to those who follow you, little by little."
        return say("followers_invited", text)

    def _is_guest(self, user: UserId) -> bool:
        return is_ghost(user, self._world.settings.domain)

    # --- links --------------------------------------------------------------------------------

    async def _share(self, frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by, world = doer_of(you), self._world
        here = {room_alias(space, world.settings.domain), space.room}
        url, event = shared_link(text_of(frame, "url"), {name for name in here if name})
        await self._spaces.ask(space.space, cmd.SharePost(by, url, world.clock.now_ms(), event))
        return None

    # --- the plan -----------------------------------------------------------------------------

    async def _unschedule(self, _frame: Frame, you: You, space: LiveSpace) -> Sentence | None:
        by = doer_of(you)
        refuse_unless_host(space, by)
        if space.phase is Phase.LIVE:
            raise Rejected("already_live", "This live space is live already.")
        end = cmd.EndSpace(by, self._world.clock.now_ms(), "called off")
        await self._spaces.ask(space.space, end)
        return None


def _forwarding(report: int) -> Effect:
    return effect_of(wish.ForwardReport(report), f"report:{report}")


def _account_of(you: You) -> UserId:
    user = doer_of(you)
    if you.guest:
        raise Rejected("account_needed", "That takes a Matrix account: guests cannot do it.")
    return user


def _host_of(frame: Frame, space: LiveSpace) -> UserId:
    """Whom to follow: the host of this live space, unless the frame names somebody."""
    return user_of(frame) if "user" in frame else space.host
