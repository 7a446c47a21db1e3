"""Handlers of the floor commands: hands, the queue, invitations to speak."""

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import QueueOrder
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.commands.context import (
    CommandAnswers,
    CommandCall,
    CommandContext,
    is_in,
    moderates,
)
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.wording import FLOOR_COMES, STAYS_LISTENER

HANDS_SHOWN = 20
ORDERS = {
    QueueOrder.ARRIVAL: "First come, first served now.",
    QueueOrder.AIRTIME: "Who spoke least comes first now.",
}


class FloorCommands:
    """The floor commands: speak, accept, queue, approve and the like."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self.answers: CommandAnswers = {
            "speak": self._speak,
            "cancel": self._cancel,
            "accept": self._accept,
            "decline": self._decline,
            "leave-stage": self._leave_stage,
            "queue": self._queue,
            "next": self._next,
            "clear-queue": self._clear_queue,
            "approve": self._approve,
            "deny": self._deny,
        }

    # --- one's own hand ------------------------------------------------------------------------

    async def _speak(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: _is_on(s) and s.person(heard.by).joined)
        command = cmd.RequestToSpeak(heard.by, self._context.clock.now_ms())
        events = await self._context.ask(space, command, heard)
        if any(isinstance(event, ev.SpeakerApproved) for event in events):
            return FLOOR_COMES
        return f"Your hand is up{_place(self._context.now(space), heard.by)}."

    async def _cancel(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: heard.by in s.requests)
        await self._context.ask(space, cmd.CancelRequest(heard.by), heard)
        return "Your hand is down."

    async def _accept(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: heard.by in s.offers)
        await self._context.ask(space, cmd.AcceptInvitation(heard.by), heard)
        return FLOOR_COMES

    async def _decline(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: heard.by in s.offers)
        await self._context.ask(space, cmd.DeclineInvitation(heard.by), heard)
        return STAYS_LISTENER

    async def _leave_stage(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: s.role(heard.by).may_speak)
        await self._context.ask(space, cmd.LeaveStage(heard.by), heard)
        return "You are a listener again. Thank you for speaking!"

    # --- the queue -----------------------------------------------------------------------------

    async def _queue(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: _is_on(s) and is_in(s, heard.by))
        if heard.argument:
            return await self._order(space, heard)
        if not space.hands:
            return "No hand is up right now."
        shown = [people.shown(space, hand.user) for hand in space.hands[:HANDS_SHOWN]]
        lines = [f"{place}. {name}" for place, name in enumerate(shown, 1)]
        if len(space.hands) > HANDS_SHOWN:
            lines.append(f"… and {len(space.hands) - HANDS_SHOWN} more")
        place = _place(space, heard.by)
        return "\n".join([*lines, f"You are{place.lstrip(',')}."] if place else lines)

    async def _order(self, space: LiveSpace, heard: CommandCall) -> str:
        if heard.word not in list(QueueOrder):
            raise Rejected(
                "misunderstood",
                "`queue` alone shows the queue; `queue arrival` and `queue airtime` order it.",
            )
        order = QueueOrder(heard.word)
        await self._context.ask(space, cmd.OrderQueue(heard.by, order), heard)
        return ORDERS[order]

    async def _next(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: moderates(s, heard.by))
        events = await self._context.ask(space, cmd.ApproveNext(heard.by), heard)
        for event in events:
            if isinstance(event, ev.SpeakerApproved | ev.SpeakerUnmuted):
                return f"The floor goes to {people.shown(space, event.user)}."
        return "The floor goes to the first of the queue."  # it came again after a crash

    async def _clear_queue(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: moderates(s, heard.by))
        await self._context.ask(space, cmd.ClearQueue(heard.by), heard)
        return "All hands are down."

    async def _approve(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: moderates(s, heard.by))
        user = await self._context.whom(space, heard, people.with_hands)
        await self._context.ask(space, cmd.ApproveSpeaker(heard.by, user), heard)
        return f"The floor goes to {people.shown(space, user)}."

    async def _deny(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: moderates(s, heard.by))
        user = await self._context.whom(space, heard, people.with_hands)
        await self._context.ask(space, cmd.DenySpeaker(heard.by, user), heard)
        return f"Declined: {people.shown(space, user)} stays a listener."


def _is_on(space: LiveSpace) -> bool:
    return space.phase is Phase.LIVE


def _place(space: LiveSpace, user: UserId) -> str:
    """Return the person's place in the queue in words; empty when they are not in it."""
    waiting = [hand.user for hand in space.hands]
    return f", number {waiting.index(user) + 1} in the queue" if user in waiting else ""
