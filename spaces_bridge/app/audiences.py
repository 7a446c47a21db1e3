"""Several audiences as one (the pages, the clients of calls), and one that only listens."""

from collections.abc import Mapping, Sequence

from spaces_bridge.app.chat import ChatNews
from spaces_bridge.app.ports import Audience, Draft
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence


class Audiences:
    """Several audiences as one, told in the order in which they were added.

    Implements `Audience`.
    """

    def __init__(self, *audiences: Audience) -> None:
        self._audiences = list(audiences)

    def add(self, audience: Audience) -> None:
        """Tell this one, too, from now on."""
        self._audiences.append(audience)

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """Tell all of the live space as it is now, and of the events that led there."""
        for audience in self._audiences:
            audience.changed(space, events)

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        """Tell all how loud each speaker is, 0..100."""
        for audience in self._audiences:
            audience.levels(space, levels)

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        """Tell all who is heard with gaps, and how much is missing, in percent."""
        for audience in self._audiences:
            audience.gaps(space, missing)

    def draft(self, space: SpaceId, draft: Draft) -> None:
        """Show all the draft of what a speaker is saying."""
        for audience in self._audiences:
            audience.draft(space, draft)

    def notice(self, space: SpaceId, said: Sentence, to: UserId | None = None) -> None:
        """Show a sentence to everybody there, or to one person."""
        for audience in self._audiences:
            audience.notice(space, said, to)

    def chatted(self, space: SpaceId, news: ChatNews) -> None:
        """Tell all the news of the chat."""
        for audience in self._audiences:
            audience.chatted(space, news)

    def guests(self, space: SpaceId) -> int:
        """Return the number of guests in all audiences right now."""
        return sum(audience.guests(space) for audience in self._audiences)


class QuietAudience:
    """The base of audiences that are told of all and want to know only some of it.

    Implements `Audience`; subclasses override what they want to know.
    """

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """Do nothing."""

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        """Do nothing."""

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        """Do nothing."""

    def draft(self, space: SpaceId, draft: Draft) -> None:
        """Do nothing."""

    def notice(self, space: SpaceId, said: Sentence, to: UserId | None = None) -> None:
        """Do nothing."""

    def chatted(self, space: SpaceId, news: ChatNews) -> None:
        """Do nothing."""

    def guests(self, space: SpaceId) -> int:
        """Return 0: nobody is here."""
        return 0
