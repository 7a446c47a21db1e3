"""Handlers of the outreach commands: what is on, invitations, links, numbers, help."""

from spaces_bridge.app import tasks
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.commands.context import (
    LISTED_MAX,
    CommandAnswers,
    CommandCall,
    CommandContext,
    Fits,
    is_in,
    moderates,
)
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.help_texts import help_text
from spaces_bridge.matrix.text.statistics import statistics
from spaces_bridge.matrix.text.times import shown_time

INVITES_AT_ONCE = 10


class OutreachCommands:
    """The outreach commands: live, invite, share, link, callme, stats, help."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self.answers: CommandAnswers = {
            "live": self._live,
            "invite": self._invite,
            "share": self._share,
            "link": self._link,
            "callme": self._call_me,
            "stats": self._stats,
            "help": self._help,
        }

    async def _live(self, heard: CommandCall) -> str:
        """List the public live spaces; in a direct room also the private ones the person is in."""
        shown = [
            s
            for s in self._context.spaces.open()
            if s.room is not None and (not s.private or (heard.direct and is_in(s, heard.by)))
        ]
        on = [s for s in shown if s.phase is Phase.LIVE]
        soon = [s for s in shown if s.phase is Phase.SCHEDULED]
        soon.sort(key=lambda s: (s.scheduled_at_ms is None, s.scheduled_at_ms or 0))
        lines = [f"🔴 {self._context.listed(s)}" for s in on[:LISTED_MAX]]
        soon = soon[: LISTED_MAX - len(lines)]
        zone = await self._context.zone_of(heard.by) if soon else self._context.own_zone
        for space in soon:
            at_ms = space.scheduled_at_ms
            when = "Soon" if at_ms is None else shown_time(at_ms, zone)
            lines.append(f"{when}: {self._context.listed(space)}")
        return "\n".join(lines) or "Nothing is on right now."

    # --- invitations ---------------------------------------------------------------------------

    async def _invite(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: is_in(s, heard.by))
        if heard.word == "followers":
            return await self._invite_followers(space, heard)
        refused: list[str] = []
        for place, user in enumerate(self._invited(heard)):
            try:
                source = f"{heard.said.event}/{place}"
                await self._context.use_cases.inviting.invite(space, heard.by, user, source)
            except Rejected as refusal:
                refused.append(f"{user}: {refusal.text}")
        if refused:
            raise Rejected("not_invited", "\n".join(refused))
        return "I write to them now."

    def _invited(self, heard: CommandCall) -> list[UserId]:
        words = list(dict.fromkeys(heard.argument.replace(",", " ").split()))
        if len(words) > INVITES_AT_ONCE:
            raise Rejected("too_many", f"At most {INVITES_AT_ONCE} people at once, please.")
        users = [people.user_id(word) for word in words]
        strange = [word[:40] for word, user in zip(words, users, strict=True) if user is None]
        if strange:
            raise Rejected(
                "no_user_id",
                f"{', '.join(strange)}: that is no Matrix ID. Write it like @ann:example.org.",
            )
        known = [user for user in users if user is not None]
        others = [user for user in known if not self._context.settings.is_ours(user)]
        if not others:
            raise Rejected(
                "names_bot", "I am here already. Name people, such as @ann:example.org."
            )
        return others

    async def _invite_followers(self, space: LiveSpace, heard: CommandCall) -> str:
        inviting, source = self._context.use_cases.inviting, heard.said.event
        count = await inviting.invite_followers(space, heard.by, source)
        whom = "the one who follows" if count == 1 else f"the {count} who follow"
        return f"I write to {whom} you, little by little."

    # --- links ---------------------------------------------------------------------------------

    async def _share(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: moderates(s, heard.by))
        sharing = self._context.use_cases.sharing
        await sharing.share(space, heard.by, heard.argument, heard.said.event)
        return "Everybody sees it now."

    async def _link(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: is_in(s, heard.by))
        if not is_in(space, heard.by):
            raise Rejected("not_joined", "Join the room first, then ask for your link.")
        wanted = tasks.SendLink(space.space, heard.by)
        await self._context.spaces.enqueue_task(wanted, f"link:{heard.said.event}")
        return "I send you your personal link by direct message."

    async def _call_me(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, self._may_call_about(heard.by))
        if heard.argument and heard.word != "off":
            raise Rejected("misunderstood", "`callme` takes `off`, or nothing.")
        calling = self._context.use_cases.calling
        if heard.word == "off":
            await calling.do_not_call(space.space, heard.by)
            return f"I do not call you about “{space.title}”."
        if await calling.call_me(space, heard.by, heard.said.event):
            return "I call you now."
        return f"I call you when “{space.title}” goes live."

    def _may_call_about(self, user: UserId) -> Fits:
        """Return which live spaces are likely meant: those they are in, else the public ones."""
        spaces = self._context.spaces.open()
        mine = {space.space for space in spaces if is_in(space, user)}
        return lambda space: space.space in mine or not (mine or space.private)

    # --- numbers and help ----------------------------------------------------------------------

    async def _stats(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: is_in(s, heard.by), ended_too=True)
        listeners = self._context.spaces.audience_size(space.space)
        return statistics(space, listeners, self._context.clock.now_ms())

    async def _help(self, heard: CommandCall) -> str:
        return help_text(heard.word, direct=heard.direct)
