"""The names of LiveKit's rooms and participants, made of Matrix's. Pure. Source: MSC4195."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence

from spaces_bridge.app.call_ports import CALL_SLOT
from spaces_bridge.core.ids import RoomId, UserId


def room_name(room: RoomId, slot: str = CALL_SLOT) -> str:
    """Return the name of a Matrix room's LiveKit room, which tells nobody the Matrix room."""
    return _hash([room, slot])


def device_identity(user: UserId, device: str) -> str:
    """Return the identity of a participant in the older form, which other members can read."""
    return f"{user}:{device}"


def device_of(identity: str, user: UserId) -> str:
    """Return the device that an identity of the older form tells, "" for any other."""
    whose, _, device = identity.rpartition(":")
    return device if whose == user else ""


def member_identity(user: UserId, device: str, member: str) -> str:
    """Return the identity of a participant in MSC4195's form; `member` is its MatrixRTC id."""
    return _hash([user, device, member])


def sender_identity(user: UserId, member: str) -> str:
    """Return the identity of a participant in MSC4195's newest form, which knows no device."""
    return _hash([user, member])


def _hash(values: Sequence[str]) -> str:
    """Return the unpadded base64 of the SHA-256 of the values' canonical JSON."""
    canonical = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
