"""An engine under test: something that speaks LiveKit's protocol, with rooms, tokens, an admin.

`livekit_server.py` is the real one. Scenarios (`scenarios.py`) know no more than this.
"""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt

from livekit import api

_ROOMS = itertools.count(1)
TOKEN_LIFE_S = 3600


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a client connects with: where to, its token, and who it will be."""

    url: str
    token: str
    identity: str


class Engine(Protocol):
    """What scenarios ask of an engine. Identities are those of tickets."""

    async def room(self) -> str:
        """Return the name of a room that nobody is in."""

    async def ticket(self, room: str, name: str, *, may_publish: bool) -> Ticket:
        """Return a ticket for somebody called so, who may publish a microphone or only listen."""

    async def permit(self, room: str, identity: str, *, may_publish: bool) -> None:
        """Grant or take back, while connected, that somebody may publish."""

    async def remove(self, room: str, identity: str) -> None:
        """Put somebody out of the room."""

    async def people(self, room: str) -> frozenset[str]:
        """Return the identities of those who are in the room."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """An engine whose API key and secret we hold, and whose server API does the admin's part."""

    url: str
    """As clients take it: `ws://HOST:PORT`, with a path if there is one."""
    key: str
    secret: str

    async def room(self) -> str:
        """A new name; the room is made when somebody joins."""
        return f"room-{next(_ROOMS)}"

    async def ticket(self, room: str, name: str, *, may_publish: bool) -> Ticket:
        """A ticket whose identity is the name."""
        video = {"room": room, "roomJoin": True, "canPublish": may_publish, "canSubscribe": True}
        return Ticket(self.url, self.signed({"sub": name, "video": video}), name)

    def signed(self, claims: Mapping[str, Any]) -> str:
        """Sign a token of these claims. Format: LiveKit's access token, a JWT by HS256."""
        now = int(time.time())
        frame = {"iss": self.key, "nbf": now - 10, "exp": now + TOKEN_LIFE_S}
        return jwt.encode(frame | dict(claims), self.secret, algorithm="HS256")

    async def permit(self, room: str, identity: str, *, may_publish: bool) -> None:
        """UpdateParticipant: permissions are replaced as a whole."""
        permission = api.ParticipantPermission(
            can_subscribe=True, can_publish=may_publish, can_publish_data=may_publish
        )
        async with self._admin() as admin:
            await admin.room.update_participant(
                api.UpdateParticipantRequest(room=room, identity=identity, permission=permission)
            )

    async def remove(self, room: str, identity: str) -> None:
        """RemoveParticipant."""
        async with self._admin() as admin:
            await admin.room.remove_participant(
                api.RoomParticipantIdentity(room=room, identity=identity)
            )

    async def people(self, room: str) -> frozenset[str]:
        """ListParticipants."""
        async with self._admin() as admin:
            listed = await admin.room.list_participants(api.ListParticipantsRequest(room=room))
        return frozenset(person.identity for person in listed.participants)

    def _admin(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.url, self.key, self.secret)
