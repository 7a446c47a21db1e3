"""The command dispatcher: it hands each command to its handler. Every command is answered."""

from collections.abc import Callable
from dataclasses import replace

from spaces_bridge.app import tasks
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.commands.access import AccessCommands
from spaces_bridge.matrix.commands.context import (
    CommandAnswers,
    CommandCall,
    CommandContext,
    moderates,
)
from spaces_bridge.matrix.commands.edits import Edits
from spaces_bridge.matrix.commands.flood import FloodGate, Patience
from spaces_bridge.matrix.commands.floor import FloorCommands
from spaces_bridge.matrix.commands.lifecycle import LifecycleCommands
from spaces_bridge.matrix.commands.outreach import OutreachCommands
from spaces_bridge.matrix.commands.social import SocialCommands
from spaces_bridge.matrix.commands.stage import StageCommands
from spaces_bridge.matrix.commands.verification import VerificationCommands
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.events.translate import Message
from spaces_bridge.matrix.text.addressed import names_of, slip
from spaces_bridge.matrix.text.commands import (
    Misunderstood,
    Request,
    parse,
    without_quoted_reply,
)
from spaces_bridge.matrix.text.pills import with_ids
from spaces_bridge.matrix.text.verbs import VERBS

COMMANDS_A_MINUTE = 20
MORE_COMMANDS_A_MINUTE = 60
"""The limit for hosts and co-hosts, and for anybody alone with the bot."""
TOO_MANY = "Too many commands at once: wait a minute."
OWN_WORDS = {
    "ours": "That is me.",
    "pattern_of_bot": "That would keep me out, too.",
    "unschedule_live": "It is live already: `end` ends it for everybody.",
}
"""The bot's own sentences in place of a use case's, by the refusal's code."""
CROWDED = "Too many commands in this room at once: write to me alone, and I answer there."


class CommandDispatcher:
    """The command dispatcher parses commands, calls their handlers, and answers in the room."""

    def __init__(
        self,
        context: CommandContext,
        dms: DirectRooms,
        is_full: Callable[[RoomId], bool] = lambda _: False,
    ) -> None:
        """`is_full` says whether an answer in a room would have to wait for the room's budget."""
        self._is_full = is_full
        self._context = context
        self._dms = dms
        self._flood = FloodGate()
        self._answered = FloodGate()
        parts = (
            LifecycleCommands(context),
            FloorCommands(context),
            StageCommands(context),
            AccessCommands(context),
            SocialCommands(context),
            OutreachCommands(context),
            VerificationCommands(context),
        )
        self.answers: CommandAnswers = {
            verb: answer for part in parts for verb, answer in part.answers.items()
        }

    async def hear(self, said: Message) -> None:
        """Answer the message if it was meant for the bot.

        Raises AdapterError when something is away.
        """
        here = self._context.spaces.by_room(said.room)
        if here is not None and here.host_left_page and said.sender == here.host:
            self._context.spaces.tell(here.space, cmd.NoteHostBack(said.sender))
        past = await self._context.archive.space_of(said.room) if here is None else None
        direct = here is None and past is None and await self._dms.is_direct(said.room)
        request = self._understood(said, direct=direct, at_home=(here or past) is not None)
        if request is None:
            return
        patience = self._patience(said, here, direct=direct)
        if patience is Patience.IGNORE:
            return
        if said.rewords is not None:
            edits = Edits(
                self._context.bot,
                self._context.notes,
                lambda s: self._understood(s, direct=direct),
            )
            said, request = await edits.look(said, said.rewords)
            if request is None:
                return
        if past is not None:
            here = await self._context.spaces.find(past)
        try:
            if patience is Patience.WARN:
                raise Rejected("too_many_commands", TOO_MANY)
            answer, ok = await self._answer(said, request, here, direct=direct), True
        except Rejected as refusal:
            answer, ok = OWN_WORDS.get(refusal.code, refusal.text), False
        reply = await self._reply(said, here, answer, ok=ok)
        if reply is not None:
            await self._context.spaces.enqueue_task(reply, f"reply:{said.event}")

    def _understood(
        self, said: Message, *, direct: bool, at_home: bool = False
    ) -> Request | Misunderstood | None:
        names = names_of(self._context.settings.bot, said.pills)
        request = parse(said.text, direct=direct, names=names)
        if request is not None or said.rewords is not None:
            return request
        better = slip(without_quoted_reply(said.text), at_home=at_home)
        return Misunderstood(f"Did you mean `{better}`?") if better else None

    async def _reply(
        self, said: Message, here: LiveSpace | None, answer: str, *, ok: bool
    ) -> tasks.Reply | tasks.TellUser | None:
        """Return the answer as an outbox task: a reply, or beyond the room's budget a DM.

        So a crowd's commands hold up no host's. Strangers in a crowd are told once, all
        together, to write to the bot: a mob must not make it open a direct room for each of
        them. None: no answer.
        """
        reply = tasks.Reply(said.room, said.rewords or said.event, answer, ok, said.thread)
        if here is None:
            return reply
        settings, now_ms = self._context.settings, self._context.clock.now_ms()
        hosts = moderates(here, said.sender)
        limit = settings.answers_to_hosts_per_minute if hosts else settings.answers_per_minute
        patience = self._answered.judge(said.room, limit, now_ms)
        if patience is Patience.ANSWER and not self._is_full(said.room):
            return reply
        if hosts or await self._dms.have_met(said.sender):
            sign, about = "" if ok else "❌ ", f"“{here.title}”"
            text = answer if answer.startswith(about) else f"{about}: {answer}"
            return tasks.TellUser(said.sender, sign + text)
        if patience is Patience.ANSWER:
            return reply
        if patience is Patience.WARN:
            return replace(reply, text=CROWDED, ok=False)
        return None

    async def _answer(
        self,
        said: Message,
        request: Request | Misunderstood,
        here: LiveSpace | None,
        *,
        direct: bool,
    ) -> str:
        if isinstance(request, Misunderstood):
            raise Rejected("misunderstood", request.text)
        if VERBS[request.verb].names_people:
            request = replace(request, argument=with_ids(request.argument, said.pills))
        return await self.answers[request.verb](CommandCall(said, request, here, direct))

    def _patience(self, said: Message, here: LiveSpace | None, *, direct: bool) -> Patience:
        may_more = direct or (here is not None and moderates(here, said.sender))
        limit = MORE_COMMANDS_A_MINUTE if may_more else COMMANDS_A_MINUTE
        return self._flood.judge((said.room, said.sender), limit, self._context.clock.now_ms())
