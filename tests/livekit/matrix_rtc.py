"""MatrixRTC outside the bridge: a homeserver that supports it, its names, and member events."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixUser

MEMBER = "org.matrix.msc3401.call.member"
CALL = "org.matrix.msc3401.call"
SLOT = "m.call#ROOM"
MEMBER_LIFE_MS = 14_400_000


class RtcHomeserver(Homeserver):
    """A Synapse with delayed events (MSC4140) and RTC transports (MSC4143)."""

    def __init__(self, directory: Path, livekit_service_url: str = "", **options: Any) -> None:  # noqa: ANN401
        """`livekit_service_url` is the authoriser that it names; without, it names none."""
        super().__init__(directory, **options)
        self._livekit_service_url = livekit_service_url

    def config(self) -> dict[str, Any]:
        """With what calls need."""
        service = self._livekit_service_url
        transports = [{"type": "livekit", "livekit_service_url": service}] if service else []
        return super().config() | {
            "experimental_features": {
                "msc4143_enabled": bool(service),
                "msc4222_enabled": True,
                "msc4354_enabled": True,
            },
            "max_event_delay_duration": "24h",
            "matrix_rtc": {"transports": transports},
        }


def livekit_room(room: str) -> str:
    """The LiveKit room of a Matrix room's call. Source: MSC4195."""
    return _hash([room, SLOT])


def legacy_identity(user: str, device: str) -> str:
    """The LiveKit identity of a device whose membership is a state event."""
    return f"{user}:{device}"


def _hash(parts: list[str]) -> str:
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def member_content(
    user: str, device: str, room: str, livekit_service_url: str
) -> Mapping[str, object]:
    """A member event's content, as Element Call writes it by default."""
    focus = {
        "type": "livekit",
        "livekit_alias": room,
        "livekit_service_url": livekit_service_url,
    }
    return {
        "application": "m.call",
        "call_id": "",
        "scope": "m.room",
        "device_id": device,
        "membershipID": f"{user}:{device}",
        "expires": MEMBER_LIFE_MS,
        "focus_active": {"type": "livekit", "focus_selection": "multi_sfu"},
        "foci_preferred": [focus],
    }


async def say_in_call(user: MatrixUser, device: str, room: str, livekit_service_url: str) -> str:
    """Write the user's member event, and return its id: others show who has one."""
    content = member_content(user.id, device, room, livekit_service_url)
    return await user.put_state(room, MEMBER, content, f"_{user.id}_{device}_m.call")


async def call_room(host: MatrixUser) -> str:
    """Make a public room in which everybody may take part in a call, and return its id."""
    levels = {"events": {MEMBER: 0, CALL: 0}}
    body = {"preset": "public_chat", "name": "Call", "power_level_content_override": levels}
    return str((await host.request("POST", "createRoom", body))["room_id"])
