"""How often a client may change its call: what comes beyond that is answered by a word."""

from typing import Final

from spaces_bridge.matrix.events import call_signals as signals
from spaces_bridge.matrix.plain_calls import words
from spaces_bridge.matrix.plain_calls.book import Ongoing
from spaces_bridge.matrix.plain_calls.call import HangupReason
from spaces_bridge.matrix.plain_calls.signalling import CallSignalling
from spaces_bridge.matrix.plain_calls.telling import CallTelling
from spaces_bridge.pacing.token_bucket import TokenBuckets

CHANGES_BURST, CHANGES_PER_S = 10, 0.5
"""Offers in a call, and unmutings, of one person's client."""
WORDS_PER_S: Final = 1 / 60
"""Words to one person about unmuting too often."""


class CallChanges:
    """The changes of calls by their clients, counted for each person."""

    def __init__(self, telling: CallTelling, signalling: CallSignalling) -> None:
        self._telling = telling
        self._signalling = signalling
        self._changes = TokenBuckets(CHANGES_BURST, CHANGES_PER_S)
        self._words = TokenBuckets(1, WORDS_PER_S)

    async def came_too_often(self, ongoing: Ongoing, said: signals.CallSignal) -> bool:
        """Return whether an event is to be passed over, which the person has been told of then.

        An unmuting that came too often is not followed. An offer that did ends the call: a client
        whose offer has no answer negotiates no more. Muting counts always. Raises StorageError.
        """
        if not _is_change(ongoing, said) or self._changes.take(said.head.sender):
            return False
        if isinstance(said, signals.CallRenegotiated):
            await self._signalling.leave(ongoing, HangupReason.USER_HANGUP, words.TOO_MANY_OFFERS)
        elif self._words.take(said.head.sender):
            await self._telling.write(said.head.room, words.STILL_MUTED, said.head.event)
        return True


def _is_change(ongoing: Ongoing, said: signals.CallSignal) -> bool:
    """Return whether an event of the person's client changes the call, but by silence."""
    match said:
        case signals.CallMuted(is_muted=is_muted):
            changes = ongoing.floor.is_muted and not is_muted
        case signals.CallRenegotiated():
            changes = True
        case _:
            changes = False
    return changes and ongoing.call.is_from_peer(said.head)
