"""What the bridge may run on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Combination:
    """`room_version`: of the rooms the bridge makes. `database`: `sqlite` or `postgres`."""

    room_version: str
    database: str

    def __str__(self) -> str:
        return f"v{self.room_version}-{self.database}"


COMBINATIONS = [Combination(v, d) for v in ("11", "12") for d in ("sqlite", "postgres")]
PAIRS = [Combination("12", "sqlite"), Combination("11", "postgres")]
"""The fewest that hold each value."""
