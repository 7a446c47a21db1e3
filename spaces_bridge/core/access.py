"""Access to a live space as values: what guests may do, and removals of people."""

from dataclasses import dataclass
from enum import StrEnum

from spaces_bridge.core.ids import UserId


class GuestPolicy(StrEnum):
    """A guest policy says what people without an account may do."""

    OFF = "off"
    LISTEN = "listen"
    SPEAK = "speak"


@dataclass(frozen=True, slots=True)
class Removal:
    """A removal keeps a person out of a live space.

    `by` None: a rule of the bridge removed the person. `blocked`: the removal outlasts the live
    space. `in_force`: the homeserver was seen to hold the ban.
    """

    by: UserId | None
    reason: str
    blocked: bool
    in_force: bool = False
