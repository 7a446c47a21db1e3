"""Limits of live spaces. What may happen within a time: as many past times are remembered."""

from typing import Final

VOLUME_MAX: Final = 200
"""The highest volume a moderator may set, in percent of the sound as it is sent."""

HANDS_A_MINUTE: Final = 6
"""The hands one person may raise in a minute."""

GRANTS: Final = 4
GRANTS_WITHIN_MS: Final = 90_000
"""The policy gives `GRANTS` floors within this time without a host, guests counting twice.

Each costs the room two events, a guest's four, and a person who leaves the stage may ask again at
once.
"""

MOVES: Final = 3
MOVES_WITHIN_MS: Final = 600_000
"""The scheduled time may change `MOVES` times within this time.

Everybody who asked for a reminder is told each time.
"""
