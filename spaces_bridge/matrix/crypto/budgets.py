"""What people may make the bot keep or compute: each of them, and all of a homeserver together."""

from spaces_bridge.core.ids import UserId
from spaces_bridge.pacing.token_bucket import TokenBuckets

Budget = tuple[float, float]
"""What is allowed at once, and then a second."""


class SenderBudget:
    """A budget for each person, and a larger one for all people of a foreign homeserver.

    A homeserver has as many people as it likes. Those of the bot's own are counted one by one
    only: its admin decides who gets an account.
    """

    def __init__(self, own: UserId, person: Budget, server: Budget) -> None:
        """`own`: the bot, whose homeserver is the own one."""
        self._own = _server_of(own)
        self._people = TokenBuckets(*person)
        self._servers = TokenBuckets(*server)

    def take(self, user: UserId) -> bool:
        """Take one from the person's budget and their homeserver's; False: there is none."""
        server = _server_of(user)
        # one person's flood is refused here, and costs their homeserver nothing
        if not self._people.take(user):
            return False
        return server == self._own or self._servers.take(server)


def _server_of(user: UserId) -> str:
    return user.partition(":")[2]
