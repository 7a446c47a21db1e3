"""RoomService of a LiveKit server, by `livekit-api`: who is there, and what they may do.

Needs the extra `livekit`. Source: LiveKit's documentation, "Server APIs".
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final, TypeVar

import aiohttp
from livekit.protocol import models

from livekit import api
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.relay_ports import RelayedParticipant, RelayedTrack
from spaces_bridge.livekit.engine.limits import CALL_WITHIN_S, CALLS_AT_ONCE, EMPTY_ROOM_S

log = logging.getLogger(__name__)

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

OUTAGE: Final = 2
"""Failures in a row that are one: of who has just left, LiveKit does not answer either."""

_GONE: Final = api.ServerErrorCode.NOT_FOUND


class LiveKitAnswers(AdapterError):
    """LiveKit answers, and does not do what it is asked; asked again, it hardly will."""


class LiveKitRefused(LiveKitAnswers):
    """LiveKit does not take our key and secret."""


class LiveKitApi:
    """RoomService of one LiveKit server or cluster. All methods raise AdapterError.

    What is gone already is no error. An outage is logged once, and so is its end.
    """

    def __init__(self, url: str, key: str, secret: str) -> None:
        """`url` may be http(s) or ws(s). To be made where an event loop runs."""
        self._api = api.LiveKitAPI(url, key, secret, failover=False)
        self._url = url
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self._failures = 0
        """How many requests have failed since one was answered."""

    async def close(self) -> None:
        """Close the connections."""
        await self._api.aclose()

    async def check(self) -> int:
        """Return the number of rooms there. Raises LiveKitRefused, AdapterError."""
        listed = await self._call(self._api.room.list_rooms, api.ListRoomsRequest())
        return len(listed.rooms) if listed is not None else 0

    async def make(self, room: str) -> None:
        """Make a room unless it is there."""
        async with self._turns:
            await self.probe(room)

    async def probe(self, room: str) -> None:
        """Make a room unless it is there, whatever else waits for its turn."""
        wanted = api.CreateRoomRequest(name=room, empty_timeout=EMPTY_ROOM_S)
        await self._call_now(self._api.room.create_room, wanted)

    async def delete(self, room: str) -> None:
        """End a room for all who are in it."""
        await self._call(self._api.room.delete_room, api.DeleteRoomRequest(room=room))

    async def people(self, room: str) -> Sequence[RelayedParticipant]:
        """Return the participants of a room, hidden ones included."""
        asked = api.ListParticipantsRequest(room=room)
        listed = await self._call(self._api.room.list_participants, asked)
        found = listed.participants if listed is not None else ()
        gone = models.ParticipantInfo.DISCONNECTED
        return tuple(_participant(info) for info in found if info.state != gone)

    async def permit(self, room: str, identity: str, *, may_publish: bool) -> None:
        """Let a participant publish its microphone, or end that: its track ends, too."""
        permission = models.ParticipantPermission(
            can_subscribe=True,
            can_publish=may_publish,
            can_publish_sources=[models.MICROPHONE],
            can_publish_data=False,
            can_update_metadata=False,
        )
        asked = api.UpdateParticipantRequest(room=room, identity=identity, permission=permission)
        await self._call(self._api.room.update_participant, asked)

    async def mute(self, room: str, identity: str, sid: str) -> None:
        """Mute a participant's track."""
        asked = api.MuteRoomTrackRequest(room=room, identity=identity, track_sid=sid, muted=True)
        await self._call(self._api.room.mute_published_track, asked)

    async def remove(self, room: str, identity: str) -> None:
        """Put a participant out of the room."""
        asked = api.RoomParticipantIdentity(room=room, identity=identity)
        await self._call(self._api.room.remove_participant, asked)

    async def unsubscribe(self, room: str, identity: str, sid: str) -> None:
        """Send a participant a track no longer. Raises AdapterError, also while either is to come.

        Once both are there LiveKit sends the track to who takes all, whatever was said before.
        """
        listed = await self._call(
            self._api.room.list_participants, api.ListParticipantsRequest(room=room)
        )
        people = listed.participants if listed is not None else ()
        active = {each.identity for each in people if each.state == models.ParticipantInfo.ACTIVE}
        if identity not in active or sid not in {t.sid for each in people for t in each.tracks}:
            raise AdapterError("LiveKit does not list the participant and the track yet")
        asked = api.UpdateSubscriptionsRequest(
            room=room, identity=identity, track_sids=[sid], subscribe=False
        )
        await self._call(self._api.room.update_subscriptions, asked)

    async def _call(
        self, method: Callable[[Asked], Awaitable[Answer]], asked: Asked
    ) -> Answer | None:
        """Return the answer, None if what was asked about is gone. Raises AdapterError."""
        async with self._turns:
            return await self._call_now(method, asked)

    async def _call_now(
        self, method: Callable[[Asked], Awaitable[Answer]], asked: Asked
    ) -> Answer | None:
        try:
            async with asyncio.timeout(CALL_WITHIN_S):  # the session's is not heeded
                answer = await method(asked)
        except api.ServerError as error:
            if error.code != _GONE:
                raise self._away(error) from error
            answer = None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from error
        failures, self._failures = self._failures, 0
        if failures >= OUTAGE:
            log.warning("LiveKit at %s answers again", self._url)
        return answer

    def _away(self, error: Exception) -> AdapterError:
        if isinstance(error, api.ServerError):
            reason = f"{error.code}: {error.message}"
        else:
            reason = str(error) or type(error).__name__
        self._failures += 1
        if self._failures == OUTAGE:
            log.warning(
                "LiveKit at %s cannot be steered (%s); tried again until it can", self._url, reason
            )
        return _kind(error)(f"LiveKit at {self._url} cannot be steered ({reason})")


def _kind(error: Exception) -> type[AdapterError]:
    status = error.status if isinstance(error, api.ServerError) else None
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return LiveKitRefused
    # one node of a cluster says so of another one that does not answer it
    is_away = status is None or status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT
    return AdapterError if is_away else LiveKitAnswers


def _participant(info: models.ParticipantInfo) -> RelayedParticipant:
    tracks = (track for track in info.tracks if track.source == models.MICROPHONE)
    return RelayedParticipant(
        info.identity,
        info.sid,
        dict(info.attributes),
        info.permission.can_publish,
        tuple(RelayedTrack(track.sid, track.name, track.muted) for track in tracks),
    )
