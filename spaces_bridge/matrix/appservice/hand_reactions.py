"""Hands raised by a reaction to a live card or in a call, and the answers to those refused.

A crowd that taps for the sake of tapping is neither answered nor cleaned up after: both would use
up the room's events and the direct messages that others need.
"""

import logging

from spaces_bridge.app import tasks
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.limits import HANDS_A_MINUTE
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.commands.flood import FloodGate, Patience
from spaces_bridge.matrix.events.translate import Reaction

log = logging.getLogger(__name__)

REFUSALS_A_MINUTE = 2
"""Times a minute that one person is told why the hand stays down."""

WORDS_A_MINUTE = 30
"""People of one room told in a minute; an answer may need a direct room yet to be made."""


CLEANED_A_MINUTE = 60
"""Refused hands of one room redacted in a minute; people beyond that take back their own."""


class HandReactions:
    """The handler of ✋ on a live card: it asks for the floor.

    `raised` raises AdapterError when something is away.
    """

    def __init__(self, spaces: Spaces, clock: Clock) -> None:
        self._spaces = spaces
        self._clock = clock
        self._tapped = FloodGate()
        self._refused = FloodGate()
        self._told = FloodGate()
        self._cleaned = FloodGate()

    async def raised(self, space: LiveSpace, reaction: Reaction) -> None:
        """Act on a ✋ on the card of this live space."""
        now_ms, person = self._clock.now_ms(), (reaction.room, reaction.sender)
        if self._tapped.judge(person, 2 * HANDS_A_MINUTE, now_ms) is not Patience.ANSWER:
            return
        command = cmd.RequestToSpeak(reaction.sender, now_ms, reaction=reaction.event)
        try:
            await self._spaces.ask(space.space, command, reaction.event)
        except Rejected as refusal:
            log.info("a hand stays down: %s", refusal.code)
            if self._refused.judge(person, REFUSALS_A_MINUTE, now_ms) is Patience.ANSWER:
                await self._answer(space, reaction, refusal, now_ms)

    async def _answer(
        self, space: LiveSpace, reaction: Reaction, refusal: Rejected, now_ms: int
    ) -> None:
        if self._cleaned.judge(reaction.room, CLEANED_A_MINUTE, now_ms) is Patience.ANSWER:
            redaction = tasks.RedactEvent(space.space, reaction.event, crowd=True)
            await self._spaces.enqueue_task(redaction, f"refused-hand:{reaction.event}")
        if self._told.judge(reaction.room, WORDS_A_MINUTE, now_ms) is Patience.ANSWER:
            word = tasks.TellUser(reaction.sender, f"❌ “{space.title}”: {refusal.text}")
            await self._spaces.enqueue_task(word, f"why:{reaction.event}")
