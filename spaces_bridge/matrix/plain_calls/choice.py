"""Which live space a call to the bot is for. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase

LISTED_MAX: Final = 9
_NUMBER: Final = re.compile(r"\s*#?([1-9])[.)]?\s*")


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be meant: one live space, or several to ask about; none: there is none."""

    among: Sequence[LiveSpace]

    @property
    def only(self) -> LiveSpace | None:
        """The live space that is meant, if there is no doubt."""
        return self.among[0] if len(self.among) == 1 else None


def choose(audible: Sequence[LiveSpace], user: UserId, invited: SpaceId | None) -> Choice:
    """Return which of the live spaces that the person may hear is meant.

    Those that the chat is about come first: where the person hosts or has the floor, and the one
    they were invited to last.
    """
    about = [
        space
        for space in audible
        if space.space == invited or space.host == user or space.role(user).may_speak
    ]
    return Choice((about or list(audible))[:LISTED_MAX])


def question(among: Sequence[LiveSpace]) -> str:
    """Return the question which live space is meant."""
    lines = [f"{number}. “{space.title}”" for number, space in enumerate(among, 1)]
    listed = "\n".join(lines)
    return f"Which one would you like to hear? Answer with its number:\n{listed}"


def chosen(text: str, among: Sequence[SpaceId]) -> SpaceId | None:
    """Return the live space whose number somebody has written; None: it is no such number."""
    match = _NUMBER.fullmatch(text)
    place = int(match[1]) - 1 if match is not None else -1
    return among[place] if 0 <= place < len(among) else None


def next_one(known: Sequence[LiveSpace]) -> LiveSpace | None:
    """Return the scheduled live space that starts next, of those the person may know of."""
    timed = [
        space
        for space in known
        if space.phase is Phase.SCHEDULED and space.scheduled_at_ms is not None
    ]
    return min(timed, key=lambda space: space.scheduled_at_ms or 0, default=None)
