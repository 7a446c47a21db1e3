"""LiveKit's ids of what is made anew: participants, tracks, rooms."""

import secrets
from typing import Final

from spaces_bridge.livekit.limits import SID_MAX

_TRACK: Final = "TR_"
_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH: Final = 12


def participant_sid() -> str:
    """Return a new participant's id."""
    return _new("PA_")


def track_sid() -> str:
    """Return a new track's id."""
    return _new(_TRACK)


def is_track_sid(text: str) -> bool:
    """Return whether this may be a track's id."""
    return text.startswith(_TRACK) and len(text) <= SID_MAX


def room_sid() -> str:
    """Return a new room's id."""
    return _new("RM_")


def _new(kind: str) -> str:
    return kind + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
