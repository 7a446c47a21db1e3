"""The call of one live space: who is in it, which tracks it has, and what its clients are told."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from aiohttp import WSCloseCode
from livekit.protocol import models, rtc

from spaces_bridge.app.call_ports import BOT_DEVICE, CallMembers, CallStage, CallStream
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calls import CallPermit, Calls
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.livekit import responses
from spaces_bridge.livekit.client import CallClient
from spaces_bridge.livekit.loudness import Loudness
from spaces_bridge.livekit.outgoing import SignalQueue
from spaces_bridge.livekit.participants import BotParticipant, CallParticipant
from spaces_bridge.livekit.responses import CallEnd
from spaces_bridge.livekit.sids import room_sid
from spaces_bridge.livekit.tracks import SpeakerTrack


class CallRoom:
    """The call of one live space (`RoomOfClient`). All happens on one event loop."""

    def __init__(
        self,
        view: LiveSpace,
        name: str,
        spaces: Spaces,
        calls: Calls,
        stage: CallStage,
        members: CallMembers | None,
        left: "Callable[[CallRoom, CallClient, CallEnd], None]",
    ) -> None:
        """`left` is called when a session has ended."""
        self._space = view.space
        self.name = name
        """LiveKit's name of the room."""
        self._spaces = spaces
        self._calls = calls
        self._stage = stage
        self._members = members
        self._left = left
        self._sid = room_sid()
        self._made_at_ms = spaces.context.clock.now_ms()
        bot = spaces.context.settings.bot
        self._bot = BotParticipant(f"{bot}:{BOT_DEVICE}", "Spaces", self._made_at_ms)
        self._clients: dict[str, CallClient] = {}
        self._streams: tuple[CallStream, ...] = ()
        self._closing: set[UserId] = set()
        """Who is on air only until the live space has closed their microphone."""
        self._loudness = Loudness()
        self._seat_speakers(view)

    @property
    def space(self) -> SpaceId:
        return self._space

    @property
    def clients(self) -> Sequence[CallClient]:
        """The clients in the call, those whose signalling is lost included."""
        return tuple(self._clients.values())

    @property
    def bot(self) -> BotParticipant:
        """The bot as a participant."""
        return self._bot

    def client(self, identity: str) -> CallClient | None:
        """Return the client with this identity."""
        return self._clients.get(identity)

    def info(self) -> models.Room:
        """Return LiveKit's description of the room."""
        return models.Room(
            sid=self._sid,
            name=self.name,
            creation_time=self._made_at_ms // 1000,
            creation_time_ms=self._made_at_ms,
            num_participants=len(self._clients) + 1,
            num_publishers=sum(c.participant.microphone is not None for c in self.clients) + 1,
            enabled_codecs=[responses.OPUS],
        )

    def infos(self, besides: CallParticipant | None = None) -> list[models.ParticipantInfo]:
        """Return LiveKit's descriptions of all participants, the bot first."""
        others = [c.participant for c in self.clients if c.participant is not besides]
        return [self._bot.info(), *(participant.info() for participant in others)]

    # --- coming and going ---------------------------------------------------------------------

    def enter(self, participant: CallParticipant) -> CallClient:
        """Let a participant in, who is told first of all who is there; others are told of it."""
        earlier = self._clients.get(participant.identity)
        if earlier is not None:
            self.end(earlier, CallEnd.ELSEWHERE)
        client = CallClient(self, participant, self._spaces, self._stage)
        self._clients[participant.identity] = client
        participant.send(
            responses.join(
                self.info(),
                participant.info(),
                self.infos(besides=participant),
                subscriber_primary=not participant.is_single,
            )
        )
        self._tell([participant.info()], besides=participant)
        if self._members is not None and participant.device:
            self._members.connected(self._space, participant.user, participant.device)
        return client

    def end(self, client: CallClient, end: CallEnd) -> None:
        """End a client's session; others are told."""
        participant = client.participant
        if self._clients.get(participant.identity) is not client:
            return
        del self._clients[participant.identity]
        participant.ended = end
        client.stop()
        if end is not CallEnd.STOPPING:
            participant.send(responses.leave(end))
        if participant.queue is not None:
            _close(participant.queue, end)
        self._tell([participant.info()])
        self._tracks_changed()
        if self._members is not None and participant.device:
            self._members.gone(self._space, participant.user, participant.device)
        self._left(self, client, end)

    def end_all(self, end: CallEnd) -> None:
        """End every session."""
        for client in self.clients:
            self.end(client, end)

    # --- RoomOfClient -------------------------------------------------------------------------

    def streams_for(self, participant: CallParticipant) -> Sequence[CallStream]:
        return [
            stream
            for stream in self._streams
            if stream.speaker != participant.user and participant.wishes.want(stream.track)
        ]

    def participant_changed(self, participant: CallParticipant) -> None:
        if participant.ended is None:
            self._tell([participant.info()])
            self._tracks_changed()

    def microphone_opened(self, participant: CallParticipant) -> None:
        for client in self.clients:
            other = client.participant
            if other.user == participant.user and other is not participant:
                client.microphone.mute()
        self.participant_changed(participant)

    def microphone_closing(self, participant: CallParticipant) -> None:
        self._closing.add(participant.user)

    # --- the live space -----------------------------------------------------------------------

    def refresh(self, view: LiveSpace) -> None:
        """Bring all participants to what the live space is now."""
        if view.phase is not Phase.LIVE:
            self.end_all(CallEnd.OVER)
            return
        for client in self.clients:
            try:
                permit = self._calls.permit(self._space, client.participant.user)
            except Rejected:
                self.end(client, CallEnd.REMOVED)
            else:
                _adapt(client, permit, is_on_air=client.participant.user in view.on_air)
                self._tell_if_new(client.participant, permit)
        self._tracks_changed()

    def levels(self, levels: Mapping[UserId, int]) -> None:
        """Tell the clients how loud the speakers are, 0..100."""
        sids = {c.participant.user: c.participant.sid for c in self.clients if _is_heard(c)}
        changed = self._loudness.changed(levels, sids, self._bot.sid)
        if changed:
            message = responses.speakers(changed)
            for client in self.clients:
                client.participant.send(message, fades=True)

    def _tell_if_new(self, participant: CallParticipant, permit: CallPermit) -> None:
        if (participant.name, participant.has_floor) != (permit.name, permit.may_publish):
            participant.name, participant.has_floor = permit.name, permit.may_publish
            self._tell([participant.info()])

    # --- tracks -------------------------------------------------------------------------------

    def _tracks_changed(self) -> None:
        view = self._spaces.view(self._space)
        if view is not None and self._seat_speakers(view):
            self._tell([self._bot.info()])
        streams = (*self._streams_of_clients(), *self._streams_of_bot())
        if streams != self._streams:
            self._streams = streams
            for client in self.clients:
                client.negotiation.streams_changed()

    def _seat_speakers(self, view: LiveSpace) -> bool:
        """Give the bot a track for each speaker who is not in the call; True: something changed.

        One who has closed the microphone keeps the track, muted, for as long as the floor lasts.
        """
        in_call = {c.participant.user for c in self.clients if c.participant.microphone}
        before = self._bot.tracks
        self._closing &= view.on_air
        kept = {user for user in before if view.role(user).may_speak and view.person(user).joined}
        tracks = {
            user: before.get(user) or SpeakerTrack(user, "", muted=True)
            for user in sorted((view.on_air | kept) - in_call - view.closing - self._closing)
        }
        changed = tracks.keys() != before.keys()
        for user, track in tracks.items():
            seen = (view.person(user).name, user not in view.on_air)
            changed |= (track.name, track.muted) != seen
            track.name, track.muted = seen
        self._bot.tracks = tracks
        return changed

    def _streams_of_clients(self) -> Iterable[CallStream]:
        """Yield one stream for each person: of the device that was opened last."""
        voices: dict[UserId, CallParticipant] = {}
        for client in self.clients:
            participant = client.participant
            other = voices.get(participant.user)
            if _number(participant) > (_number(other) if other is not None else -1):
                voices[participant.user] = participant
        for user, participant in voices.items():
            track = participant.microphone
            if track is not None:
                yield _stream(user, participant.sid, track.sid)

    def _streams_of_bot(self) -> Iterable[CallStream]:
        for user, track in self._bot.tracks.items():
            yield _stream(user, self._bot.sid, track.sid)

    def _tell(
        self, infos: Sequence[models.ParticipantInfo], besides: CallParticipant | None = None
    ) -> None:
        message = responses.update(infos)
        for client in self.clients:
            if client.participant is not besides:
                client.participant.tell(message)


def _close(queue: SignalQueue, end: CallEnd) -> None:
    """End the connection after what is queued.

    A client that is to join anew closes it by itself. Where it was closed from here as well,
    livekit-client 2.23 was seen to swallow the events of its new session.
    """
    if end is CallEnd.STOPPING:
        queue.close(WSCloseCode.GOING_AWAY, "restart")
    elif end.action == rtc.LeaveRequest.DISCONNECT:
        queue.close(1000, end.name.lower())
    else:
        queue.close_later(1000, end.name.lower())


def _adapt(client: CallClient, permit: CallPermit, *, is_on_air: bool) -> None:
    """Take from a client's microphone what the live space does not allow any more."""
    track = client.participant.microphone
    if track is None:
        return
    if not permit.may_publish:
        client.microphone.unpublish()
    elif track.is_open and not is_on_air:
        client.microphone.mute()


def _is_heard(client: CallClient) -> bool:
    track = client.participant.microphone
    return track is not None and track.is_open


def _number(participant: CallParticipant) -> int:
    """Return the number of the last opening of a track that is negotiated; -1 without one."""
    track = participant.microphone
    return track.opened if track is not None and track.section else -1


def _stream(speaker: UserId, participant_sid: str, track_sid: str) -> CallStream:
    return CallStream(speaker, f"{participant_sid}|{track_sid}", track_sid)
