"""What LiveKit clients ask for once they are in (`SignalRequest`); the unknown is ignored."""

from collections.abc import Callable

from google.protobuf.message import DecodeError
from livekit.protocol import rtc

from spaces_bridge.livekit import responses
from spaces_bridge.livekit.allowances import Allowances
from spaces_bridge.livekit.client import CallClient
from spaces_bridge.livekit.participants import fit
from spaces_bridge.livekit.responses import CallEnd
from spaces_bridge.livekit.rooms import CallRooms
from spaces_bridge.livekit.tracks import is_microphone

Reason = rtc.RequestResponse


class CallRequests:
    """The requests of clients, obeyed one after the other for each client."""

    def __init__(
        self, rooms: CallRooms, allowances: Allowances, now_ms: Callable[[], int]
    ) -> None:
        self._rooms = rooms
        self._allowances = allowances
        self._now_ms = now_ms
        self.ignored = 0
        """Messages that could not be read, or that ask for what there is not here."""

    def parsed(self, message: object) -> rtc.SignalRequest | None:
        """Return a client's message; None if it cannot be read."""
        try:
            if isinstance(message, bytes):
                return rtc.SignalRequest.FromString(message)
        except DecodeError:
            pass
        self.ignored += 1
        return None

    async def obey(self, client: CallClient, request: rtc.SignalRequest) -> None:
        """Do what a client asks for."""
        match request.WhichOneof("message"):
            case "offer":
                await client.offered(request.offer)
            case "answer":
                await client.answered(request.answer)
            case "leave":
                self._rooms.end(client, CallEnd.LEFT)
            case _:
                self._at_once(client, request)

    def _at_once(self, client: CallClient, request: rtc.SignalRequest) -> None:
        match request.WhichOneof("message"):
            case "add_track":
                add_track(client, request.add_track)
            case "mute":
                client.microphone.set_muted(request.mute.sid, muted=request.mute.muted)
            case "ping":
                client.send(responses.pong(self._now_ms()))
            case "ping_req":
                client.send(responses.pong_to(request.ping_req, self._now_ms()))
                client.negotiation.streams_changed()  # again, where a nudge came to nothing
            case "update_metadata":
                self._update_metadata(client, request.update_metadata)
            case "subscription":
                _subscribe(client, request.subscription)
            case "publish_data_track_request":
                _refuse_data_track(client, request.publish_data_track_request)
            case (
                "trickle"  # our candidates are in our descriptions, and we find the client's
                | "track_setting"
                | "sync_state"
                | "simulate"
                | "update_layers"
                | "update_audio_track"
                | "subscription_permission"
            ):
                pass
            case _:
                self.ignored += 1

    def _update_metadata(self, client: CallClient, asked: rtc.UpdateParticipantMetadata) -> None:
        participant = client.participant
        told = rtc.RequestResponse(request_id=asked.request_id)
        attributes = {**participant.attributes, **asked.attributes}
        attributes = {key: value for key, value in attributes.items() if value}
        if asked.name not in {"", participant.name}:
            told.reason, told.message = Reason.NOT_ALLOWED, "Names are those of the Matrix room."
        elif not fit(asked.metadata, attributes):
            told.reason, told.message = Reason.LIMIT_EXCEEDED, "That is too long to be kept."
        elif not self._allowances.take_metadata(participant.user):
            text = "You change that too often. Wait a few seconds."
            told.reason, told.message = Reason.LIMIT_EXCEEDED, text
        else:
            participant.metadata, participant.attributes = asked.metadata, attributes
            client.changed()
        client.send(responses.request_response(told))


def add_track(client: CallClient, request: rtc.AddTrackRequest) -> None:
    """Publish a microphone; whatever else, or without the floor, is refused."""
    if not client.participant.may_publish:
        text = "You do not have the floor. Ask to speak first."
    elif not is_microphone(request):
        text = "Only a microphone can be published here, without end-to-end encryption."
    else:
        client.microphone.publish(request)
        return
    refused = rtc.RequestResponse(reason=Reason.NOT_ALLOWED, message=text)
    refused.add_track.cid = request.cid
    refused.add_track.type = request.type
    refused.add_track.source = request.source
    client.send(responses.request_response(refused))


def _subscribe(client: CallClient, request: rtc.UpdateSubscription) -> None:
    tracks = [*request.track_sids]
    for of_participant in request.participant_tracks:
        tracks += of_participant.track_sids
    client.participant.subscriptions.set(tracks, wanted=request.subscribe)
    client.negotiation.streams_changed()


def _refuse_data_track(client: CallClient, request: rtc.PublishDataTrackRequest) -> None:
    refused = rtc.RequestResponse(
        reason=Reason.NOT_ALLOWED, message="There are no data tracks here."
    )
    refused.publish_data_track.pub_handle = request.pub_handle
    client.send(responses.request_response(refused))
