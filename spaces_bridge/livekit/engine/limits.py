"""The bounds of the LiveKit engine: what others can make us do or keep.

Other waits of our own stand beside their code.
"""

from typing import Final

TOKEN_LIFE_S: Final = 600
"""Seconds for which a token lets somebody in: the longest that one can be shown again after the
floor was lost, or the live space has ended. LiveKit gives who is connected new ones by itself."""

RELAY_TOKEN_LIFE_S: Final = 600
"""Seconds for which a relay's token is good: each try to join asks for a new one."""

LOOK_EVERY_S: Final = 15.0
"""Seconds between two looks at who is in a room, whatever relays and webhooks say."""

LOOK_PAUSE_S: Final = 0.5
"""Seconds from one look to the next that a webhook asks for: a crowd's arrival is many of them."""

CALL_WITHIN_S: Final = 5.0
"""Seconds in which LiveKit has to answer a request of ours."""

CALLS_AT_ONCE: Final = 32
"""Requests to LiveKit at once."""

EMPTY_ROOM_S: Final = 300
"""Seconds for which LiveKit keeps a room that nobody is in: our relays come back to it."""

OVER_FOR_S: Final = TOKEN_LIFE_S + 60.0
"""Seconds for which the room of a live space that has ended is looked after: tokens of before its
end would open it anew."""

ENDED_MAX: Final = 500
"""Live spaces that have ended lately whose rooms are looked after again after a start."""
