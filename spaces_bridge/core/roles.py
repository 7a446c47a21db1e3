"""Roles and the power levels that stand for them."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """A role says what a person may do in a live space, least first."""

    LISTENER = 0
    SPEAKER = 1
    COHOST = 2
    HOST = 3

    @property
    def may_speak(self) -> bool:
        """True when the role carries the floor."""
        return self >= Role.SPEAKER

    @property
    def may_moderate(self) -> bool:
        """True when the role may grant and take the floor."""
        return self >= Role.COHOST

    @property
    def may_end(self) -> bool:
        """True when the role may start and end the live space."""
        return self is Role.HOST


@dataclass(frozen=True, slots=True)
class RoleLevels:
    """The Matrix power level from which each role counts (`m.room.power_levels`)."""

    host: int = 90
    cohost: int = 60
    speaker: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.speaker < self.cohost < self.host < 100:
            raise ValueError("levels must satisfy 0 < speaker < cohost < host < 100")

    def of(self, role: Role) -> int | None:
        """Return the level that stands for the role. None: no entry."""
        return {
            Role.LISTENER: None,
            Role.SPEAKER: self.speaker,
            Role.COHOST: self.cohost,
            Role.HOST: self.host,
        }[role]

    def role(self, level: int | None) -> Role:
        """Return the role of a person whose own `users` entry is `level` (None: no entry)."""
        if level is None or level < self.speaker:
            return Role.LISTENER
        if level < self.cohost:
            return Role.SPEAKER
        return Role.COHOST if level < self.host else Role.HOST


DEFAULT_LEVELS = RoleLevels()
"""The levels without a setting: host 90, co-host 60, speaker 10."""
