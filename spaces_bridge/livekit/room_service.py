"""LiveKit's RoomService: live spaces' calls for programs that hold the API key and its secret.

Whoever holds them acts as the server's admin; what an admin may not do by the rules of live spaces
is refused. The journal names nobody for a removal and an end. A floor that is taken stands there
as taken in the host's name, as whenever the admin takes it, and a microphone that is closed as
closed by its owner. What the methods mean here:

| method | meaning |
|---|---|
| ListRooms, ListParticipants, GetParticipant | the calls that somebody is in, and who that is |
| CreateRoom | nothing is made: the call of a live space is there as long as that is live |
| UpdateParticipant, `can_publish` false | the floor is taken, as if a host had demoted them |
| UpdateParticipant, `can_publish` true | refused without the floor: a host has to give it |
| UpdateParticipant, `metadata`, `attributes` | set |
| MutePublishedTrack | the microphone is closed; its owner may open it again. Never opened |
| RemoveParticipant | the person is removed from the live space until it ends |
| DeleteRoom | the live space ends |

The others, such as SendData, are not implemented. Source: livekit_room.proto.
"""

from aiohttp import web
from livekit.protocol import models
from livekit.protocol import room as service

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.blocking import Blocking
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit.call_room import CallRoom
from spaces_bridge.livekit.client import CallClient
from spaces_bridge.livekit.names import room_name
from spaces_bridge.livekit.participants import fit
from spaces_bridge.livekit.rooms import CallRooms
from spaces_bridge.livekit.tokens import CallGrant, TokenRefused, TokenSigner
from spaces_bridge.livekit.twirp import Method, TwirpError, answer

BY_ADMIN = "by the server's admin"

UNIMPLEMENTED = (
    "ForwardParticipant",
    "MoveParticipant",
    "PerformRpc",
    "SendData",
    "UpdateRoomMetadata",
    "UpdateSubscriptions",
)


class RoomService:
    """The handler of RoomService; without a `signer` (no secret is configured) it is off."""

    def __init__(
        self, rooms: CallRooms, spaces: Spaces, blocking: Blocking, signer: TokenSigner | None
    ) -> None:
        self._rooms = rooms
        self._spaces = spaces
        self._blocking = blocking
        self._signer = signer
        self._methods = {
            "ListRooms": Method(service.ListRoomsRequest, self._list_rooms),
            "CreateRoom": Method(service.CreateRoomRequest, self._create_room),
            "DeleteRoom": Method(service.DeleteRoomRequest, self._delete_room),
            "ListParticipants": Method(service.ListParticipantsRequest, self._list_participants),
            "GetParticipant": Method(service.RoomParticipantIdentity, self._get_participant),
            "UpdateParticipant": Method(service.UpdateParticipantRequest, self._update),
            "MutePublishedTrack": Method(service.MuteRoomTrackRequest, self._mute),
            "RemoveParticipant": Method(service.RoomParticipantIdentity, self._remove),
            **{name: Method(service.ListRoomsRequest, _unimplemented) for name in UNIMPLEMENTED},
        }

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the service's address below `prefix`."""
        router.add_post(f"{prefix}/twirp/livekit.RoomService/{{method}}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        return await answer(request, self._methods, self._grant)

    def _grant(self, request: web.Request) -> CallGrant:
        if self._signer is None:
            text = "RoomService is off: the config has no livekit.api_secret."
            raise TwirpError("permission_denied", text)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            return self._signer.read(token.strip() if scheme.lower() == "bearer" else "")
        except TokenRefused as refused:
            raise TwirpError("unauthenticated", refused.text) from None

    # --- rooms --------------------------------------------------------------------------------

    async def _list_rooms(
        self, grant: CallGrant, asked: service.ListRoomsRequest
    ) -> service.ListRoomsResponse:
        _refuse_unless(grant.room_list, "roomList")
        rooms = self._rooms.all()
        wanted = [room for room in rooms if not asked.names or room.name in asked.names]
        return service.ListRoomsResponse(rooms=[room.info() for room in wanted])

    async def _create_room(
        self, grant: CallGrant, asked: service.CreateRoomRequest
    ) -> models.Room:
        _refuse_unless(grant.room_create, "roomCreate")
        view = self._live_space(asked.name)
        room = self._rooms.room(view.space)
        return room.info() if room is not None else models.Room(name=asked.name)

    async def _delete_room(
        self, grant: CallGrant, asked: service.DeleteRoomRequest
    ) -> service.DeleteRoomResponse:
        _refuse_unless(grant.room_create, "roomCreate")
        view = self._live_space(asked.room)
        now_ms = self._spaces.context.clock.now_ms()
        await self._spaces.ask(view.space, cmd.EndSpace(None, now_ms, f"ended {BY_ADMIN}"))
        return service.DeleteRoomResponse()

    # --- participants -------------------------------------------------------------------------

    async def _list_participants(
        self, grant: CallGrant, asked: service.ListParticipantsRequest
    ) -> service.ListParticipantsResponse:
        _refuse_unless_admin(grant, asked.room)
        room = self._rooms.room(self._live_space(asked.room).space)
        infos = room.infos() if room is not None else []
        return service.ListParticipantsResponse(participants=infos)

    async def _get_participant(
        self, grant: CallGrant, asked: service.RoomParticipantIdentity
    ) -> models.ParticipantInfo:
        _refuse_unless_admin(grant, asked.room)
        for info in self._room(asked.room).infos():
            if info.identity == asked.identity:
                return info
        raise _no_participant()

    async def _update(
        self, grant: CallGrant, asked: service.UpdateParticipantRequest
    ) -> models.ParticipantInfo:
        _refuse_unless_admin(grant, asked.room)
        client = self._client(asked.room, asked.identity)
        participant = client.participant
        if asked.name not in {"", participant.name}:
            raise TwirpError("permission_denied", "Names are those of the Matrix room.")
        if asked.HasField("permission"):
            await self._permit(client, asked.permission)
        attributes = {**participant.attributes, **asked.attributes}
        attributes = {key: value for key, value in attributes.items() if value}
        if not fit(asked.metadata, attributes):
            raise TwirpError("invalid_argument", "That is too long to be kept.")
        participant.attributes = attributes
        participant.metadata = asked.metadata or participant.metadata
        client.changed()
        return participant.info()

    async def _permit(self, client: CallClient, wanted: models.ParticipantPermission) -> None:
        if not wanted.can_subscribe:
            text = "Who is in a call hears it. Remove the participant instead."
            raise TwirpError("unimplemented", text)
        if wanted.can_publish and not client.participant.may_publish:
            text = "Only a host gives the floor: approve or bring them in the live space."
            raise TwirpError("permission_denied", text)
        if not wanted.can_publish and client.participant.may_publish:
            self._refuse_host(client)
            demote = cmd.DemoteSpeaker(None, client.participant.user)
            await self._spaces.ask(client.space, demote)

    async def _mute(
        self, grant: CallGrant, asked: service.MuteRoomTrackRequest
    ) -> service.MuteRoomTrackResponse:
        _refuse_unless_admin(grant, asked.room)
        if not asked.muted:
            text = "Nobody's microphone is opened but by themselves."
            raise TwirpError("permission_denied", text)
        room = self._room(asked.room)
        speaker = _speaker_of(room, asked.identity, asked.track_sid)
        await self._spaces.ask(room.space, cmd.CloseMicrophone(speaker))
        for info in room.infos():
            for track in info.tracks:
                if track.sid == asked.track_sid:
                    return service.MuteRoomTrackResponse(track=track)
        raise _no_participant()

    async def _remove(
        self, grant: CallGrant, asked: service.RoomParticipantIdentity
    ) -> service.RemoveParticipantResponse:
        _refuse_unless_admin(grant, asked.room)
        client = self._client(asked.room, asked.identity)
        self._refuse_host(client)
        view = self._live_space(asked.room)
        await self._blocking.remove(view, None, client.participant.user, f"removed {BY_ADMIN}")
        return service.RemoveParticipantResponse()

    # --- parts --------------------------------------------------------------------------------

    def _live_space(self, name: str) -> LiveSpace:
        for view in self._spaces.open():
            if view.room is not None and room_name(view.room) == name:
                return view
        raise TwirpError("not_found", "There is no live space with a call of that name.")

    def _room(self, name: str) -> CallRoom:
        room = self._rooms.room(self._live_space(name).space)
        if room is None:
            raise _no_participant()
        return room

    def _refuse_host(self, client: CallClient) -> None:
        view = self._spaces.view(client.space)
        if view is not None and client.participant.user == view.host:
            text = "That person hosts this live space: end it instead."
            raise TwirpError("failed_precondition", text)

    def _client(self, name: str, identity: str) -> CallClient:
        client = self._room(name).client(identity)
        if client is None:
            raise _no_participant()
        return client


async def _unimplemented(_grant: CallGrant, _asked: object) -> service.ListRoomsResponse:
    raise TwirpError("unimplemented", "The calls of live spaces have no such thing.")


def _speaker_of(room: CallRoom, identity: str, sid: str) -> UserId:
    """Return whose microphone a track is. Raises TwirpError."""
    client = room.client(identity)
    if client is not None:
        track = client.participant.microphone
        if track is not None and track.sid == sid:
            return client.participant.user
    if identity == room.bot.identity:
        for speaker, seat in room.bot.tracks.items():
            if seat.sid == sid:
                return speaker
    raise TwirpError("not_found", "There is no such track.")


def _refuse_unless(allowed: bool, grant: str) -> None:
    if not allowed:
        raise TwirpError("permission_denied", f"The token does not grant {grant}.")


def _refuse_unless_admin(grant: CallGrant, room: str) -> None:
    _refuse_unless(grant.admin and grant.room == room, "roomAdmin for that room")


def _no_participant() -> TwirpError:
    return TwirpError("not_found", "There is no such participant.")
