"""The allowances of people in calls: what all connections of one person may ask for together."""

import logging
import time
from collections.abc import Callable

from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.limits import (
    FLOODS_PER_S,
    JOINS_BURST,
    JOINS_PER_S,
    MESSAGES_BURST,
    MESSAGES_PER_S,
    METADATA_BURST,
    METADATA_PER_S,
    OFFERS_BURST,
    OFFERS_PER_S,
)
from spaces_bridge.pacing.token_bucket import TokenBuckets

log = logging.getLogger(__name__)


class Allowances:
    """The allowances of all people. Each method takes one, and returns whether there was one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._joins = TokenBuckets(JOINS_BURST, JOINS_PER_S, clock)
        self._messages = TokenBuckets(MESSAGES_BURST, MESSAGES_PER_S, clock)
        self._offers = TokenBuckets(OFFERS_BURST, OFFERS_PER_S, clock)
        self._metadata = TokenBuckets(METADATA_BURST, METADATA_PER_S, clock)
        self._floods = TokenBuckets(1, FLOODS_PER_S, clock)

    def take_join(self, user: UserId) -> bool:
        """Take a join, or the resumption of a session."""
        return self._joins.take(user) or self._refused(user, "joins calls too often")

    def take_message(self, user: UserId, *, is_offer: bool) -> bool:
        """Take a message; an SDP offer counts as such, too."""
        if self._messages.take(user) and (not is_offer or self._offers.take(user)):
            return True
        return self._refused(user, "sends too much in calls")

    def take_metadata(self, user: UserId) -> bool:
        """Take a change of metadata and attributes, which everybody in the call is told."""
        return self._metadata.take(user)

    def _refused(self, user: UserId, what: str) -> bool:
        """Return False, with one line in the log for a flood."""
        if self._floods.take(user):
            log.warning("%s %s: refused, and not logged again for a minute", user, what)
        return False
