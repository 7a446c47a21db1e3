"""The budgets of the outbox's lanes: tasks a minute, and when a lane waits for its room."""

from typing import Protocol

from spaces_bridge.app.lanes import Lane, LaneName
from spaces_bridge.core.ids import RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.pace import RoomBudgets
from spaces_bridge.matrix.events import captions, chat
from spaces_bridge.matrix.settings import MatrixSettings

SHARES = {
    LaneName.UNBANS: 1.0,
    LaneName.REPLIES: 0.8,
    LaneName.RINGS: 0.75,
    LaneName.TIMELINE: 0.75,
    LaneName.STATE: 0.7,
    LaneName.CALL: 0.65,
    LaneName.CARD: 0.6,
    LaneName.CHAT: 0.6,
}
"""The share of a room's events a minute that may be used before the lane waits.

The floors given without a host (`core.limits.GRANTS`) need what the crowd's card and chat leave.
Those two wait for the same moment, and the chat has a limit of its own: neither starves the other.
Tasks that free somebody's next act do not wait: levels and bans have no share, answered hands have
a budget of their own, and unbans go out as long as there is any event left.
"""
HANDS_PER_MINUTE = 60
"""Answered hands redacted in one room; as many again of crowds."""
ARRANGEMENTS_PER_MINUTE = 10
"""Tasks that write locking, chat and server rules to one room; each takes two events."""
PROMPTS_PER_MINUTE = 6
"""Raised hands that one host is asked about; those answered meanwhile are never asked about."""


class OpenSpaces(Protocol):
    """The part of `Spaces` that is needed here."""

    def view(self, space: SpaceId) -> LiveSpace | None: ...

    def by_room(self, room: RoomId) -> LiveSpace | None: ...


class LaneBudgets:
    """The lane budgets, which the outbox dispatcher asks before a lane's next task."""

    def __init__(self, settings: MatrixSettings, spaces: OpenSpaces, budgets: RoomBudgets) -> None:
        self._settings = settings
        self._spaces = spaces
        self._budgets = budgets

    def per_minute(self, lane: Lane) -> int | None:
        """Return how many tasks of a lane may be carried out a minute; None: any number."""
        match lane.name:
            case LaneName.PROMPTS:
                return PROMPTS_PER_MINUTE
            case LaneName.PERMISSIONS:
                return ARRANGEMENTS_PER_MINUTE
            case LaneName.CAPTIONS:
                return captions.PER_MINUTE
            case LaneName.CHAT:
                return chat.PER_MINUTE
            case LaneName.HANDS | LaneName.CROWD:
                return HANDS_PER_MINUTE
            case LaneName.REDACTIONS:
                return self._settings.redactions_per_minute
            case LaneName.REPLIES if self._spaces.by_room(RoomId(lane.partition)) is not None:
                return self._settings.answers_to_hosts_per_minute
            case _:
                return None

    def is_full(self, room: RoomId) -> bool:
        """Return whether an answer in the room would have to wait."""
        return self._budgets.wait_s(room, SHARES[LaneName.REPLIES]) > 0

    def room_wait_s(self, lane: Lane) -> float:
        """Return the seconds until the room has an event left for this lane.

        Lanes without a share, and those of no live space's room, do not wait.
        """
        share = SHARES.get(lane.name)
        if share is None:
            return 0.0
        place = lane.partition
        space = self._spaces.view(SpaceId(place)) or self._spaces.by_room(RoomId(place))
        if space is None or space.room is None:
            return 0.0
        return self._budgets.wait_s(space.room, share)
