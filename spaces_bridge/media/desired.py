"""What the app wants of one live space, remembered for workers that are still to come."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spaces_bridge.core.ids import UserId


@dataclass(slots=True)
class DesiredSpace:
    """The wanted state: since when the live space runs, who is on air, how loud.

    `elapsed_ms` is the time since its start at `told_at`, a time of the loop in seconds.
    """

    elapsed_ms: int
    told_at: float
    on_air: set[UserId] = field(default_factory=set)
    volumes: Mapping[UserId, int] = field(default_factory=dict)

    def elapsed_now_ms(self, now: float) -> int:
        """Return the time since the live space's start, in milliseconds."""
        return self.elapsed_ms + int((now - self.told_at) * 1000)
