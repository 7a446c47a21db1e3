"""The door: who is let in, and who was shown out."""

from dataclasses import dataclass
from enum import StrEnum

from spaces_bridge.core.ids import UserId


class GuestPolicy(StrEnum):
    """What people without an account may do."""

    OFF = "off"
    LISTEN = "listen"
    SPEAK = "speak"


@dataclass(frozen=True, slots=True)
class Removal:
    """Somebody is kept out. `in_force`: the homeserver was seen to hold the ban.

    `by` None: a rule of the bridge. `blocked`: it outlasts the live space.
    """

    by: UserId | None
    reason: str
    blocked: bool
    in_force: bool = False
