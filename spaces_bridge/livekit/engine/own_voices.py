"""Nobody's clients play what they say on the page: of that track of the bot's they get nothing.

LiveKit sends every track to everybody who takes all, and a client takes one of the bot's for
somebody else's.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from spaces_bridge.app.relay_ports import RelayedParticipant
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.engine.operations import Unsubscribe


class OwnVoices:
    """The own voices of people in one room; each connection is rid of each track once."""

    def __init__(self, bot: UserId) -> None:
        self._bot = bot
        self._done: set[tuple[str, str]] = set()

    def operations(
        self, people: Iterable[RelayedParticipant], holders: Mapping[str, UserId | None]
    ) -> Sequence[Unsubscribe]:
        """Return what is to be done still; `holders` are the people's users, by identity.

        A track of the bot's bears the name of the user who speaks.
        """
        everybody = list(people)
        tracks = [
            track
            for each in everybody
            if holders.get(each.identity) == self._bot
            for track in each.tracks
        ]
        wanted = {
            (each.sid, track.sid): each.identity
            for each in everybody
            for track in tracks
            if holders.get(each.identity) == track.name
        }
        self._done &= wanted.keys()
        return [
            Unsubscribe(identity, *pair, partial(self._done.add, pair))
            for pair, identity in wanted.items()
            if pair not in self._done
        ]
