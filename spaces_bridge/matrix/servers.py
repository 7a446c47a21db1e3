"""Other people's homeservers that do not answer: left alone for a while, so that their users'
messages do not use up the turns of everybody else.
"""

from collections.abc import Callable
from dataclasses import dataclass

from spaces_bridge.matrix.errors import Away

REST_S = 30.0
REST_MAX_S = 1800.0


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    rests_until: float = 0.0


class RemoteServers:
    """Which servers rest. After a rest one try goes ahead; the others wait for its outcome."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def refuse_if_resting(self, server: str) -> None:
        """Raises Away with the time to wait. Without it, this try is the one that goes ahead."""
        trouble = self._troubles.get(server)
        if trouble is None:
            return
        rest_s = trouble.rests_until - self._clock()
        if rest_s > 0:
            raise Away(f"{server} does not answer.", retry_after_s=rest_s)
        trouble.rests_until = self._clock() + REST_S

    def answered(self, server: str) -> None:
        """It works."""
        self._troubles.pop(server, None)

    def failed(self, server: str, *, certain: bool) -> float:
        """It does not; seconds to leave it alone, each time longer.

        Not ``certain``: it may have been our own homeserver that does not answer.
        """
        trouble = self._troubles.setdefault(server, _Trouble())
        rest_s: float = min(REST_MAX_S, REST_S * 2.0 ** min(trouble.failures, 10))
        trouble.failures += certain
        trouble.rests_until = self._clock() + rest_s
        return rest_s
