"""The call of one live space: who is in it, which tracks it has, and what its clients are told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from aiohttp import WSCloseCode
from livekit.protocol import models, rtc

from spaces_bridge.app.call_ports import BOT_DEVICE, CallMembers, CallStage, CallStream
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.relay_ports import RoomText
from spaces_bridge.app.usecases.calls import CallPermit, Calls
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.livekit import responses
from spaces_bridge.livekit.call_streams import seat_speakers, streams_of, voice_of
from spaces_bridge.livekit.call_texts import CallTexts
from spaces_bridge.livekit.captions import Captions
from spaces_bridge.livekit.client import CallClient
from spaces_bridge.livekit.loudness import Loudness
from spaces_bridge.livekit.news import CallNews
from spaces_bridge.livekit.outgoing import SignalQueue
from spaces_bridge.livekit.participants import BotParticipant, CallParticipant
from spaces_bridge.livekit.relevant_changes import RelevantChanges
from spaces_bridge.livekit.responses import CallEnd
from spaces_bridge.livekit.sids import room_sid
from spaces_bridge.livekit.transcriptions import CallVoice


class RoomOwner(Protocol):
    """The owner of a room."""

    def left(self, room: "CallRoom", client: CallClient, end: CallEnd) -> None:
        """A session in the room has ended."""
        ...

    def guard(self, room: "CallRoom", act: Callable[[], None]) -> None:
        """Do something for the room; a bug in it ends the room's sessions, and nothing else."""
        ...

    def lost(self, room: "CallRoom", user: UserId, why: str) -> None:
        """A client of this person has to join anew: the log says why, once for a flood."""
        ...


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
        owner: RoomOwner,
    ) -> None:
        self._space = view.space
        self.name = name
        """LiveKit's name of the room."""
        self._spaces = spaces
        self._calls = calls
        self._stage = stage
        self._members = members
        self._owner = owner
        self._sid = room_sid()
        self._made_at_ms = spaces.context.clock.now_ms()
        bot = spaces.context.settings.bot
        self._bot = BotParticipant(f"{bot}:{BOT_DEVICE}", "Spaces", self._made_at_ms)
        self._clients: dict[str, CallClient] = {}
        self._closing: set[UserId] = set()
        """Who is on air only until the live space has closed their microphone."""
        self._loudness = Loudness()
        self._texts = CallTexts(stage, self._sid, spaces.context.clock.now_ms)
        self.captions = Captions(self._say, self._voice_of)
        self._news = CallNews(lambda: owner.guard(self, self._tell))
        self._seen = RelevantChanges()
        """What `refresh` has brought the participants to."""
        seat_speakers(self._bot, view, (), frozenset())
        self._streams: Sequence[CallStream] = streams_of((), self._bot)

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
        self._gather(participant)
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
        self._hang_up_strays(participant.user)
        if end is not CallEnd.STOPPING:
            participant.send(responses.leave(end))
        if participant.queue is not None:
            _close(participant.queue, end)
        if self._clients:
            self._gather(participant)
        else:
            self._news.stop()
        if self._members is not None and participant.device:
            self._members.gone(self._space, participant.user, participant.device)
        self._owner.left(self, client, end)

    def end_all(self, end: CallEnd) -> None:
        """End every session."""
        for client in self.clients:
            self.end(client, end)

    def _hang_up_strays(self, user: UserId) -> None:
        """Hang up what no client of this person owns: nobody listens without being in the list."""
        negotiations = [c.negotiation for c in self.clients if c.participant.user == user]
        if any(negotiation.is_beginning for negotiation in negotiations):
            return  # its session is not known yet; when it ends, the others end with it
        keep = {session for negotiation in negotiations for session in negotiation.sessions}
        self._stage.end_calls(self._space, user, keep)

    # --- RoomOfClient -------------------------------------------------------------------------

    def streams_for(self, participant: CallParticipant) -> Sequence[CallStream]:
        of_others = [each for each in self._streams if each.speaker != participant.user]
        return [each for each in of_others if participant.subscriptions.include(each.track)]

    def participant_changed(self, participant: CallParticipant) -> None:
        if participant.ended is None:
            self._gather(participant)

    def microphone_opened(self, participant: CallParticipant) -> None:
        for client in self.clients:
            other = client.participant
            if other.user == participant.user and other is not participant:
                client.microphone.mute()
        self.participant_changed(participant)

    def microphone_closing(self, participant: CallParticipant) -> None:
        view = self._spaces.view(self._space)
        if view is not None and participant.user in view.on_air:
            self._closing.add(participant.user)

    def lost(self, participant: CallParticipant, why: str) -> None:
        self._owner.lost(self, participant.user, why)

    # --- the live space -----------------------------------------------------------------------

    def refresh(self, view: LiveSpace) -> None:
        """Bring all participants to what the live space is now."""
        if view.phase is not Phase.LIVE:
            self.end_all(CallEnd.OVER)
            return
        if not self._seen.is_news(view):
            return
        self._closing &= view.on_air
        for client in self.clients:
            try:
                permit = self._calls.permit(self._space, client.participant.user)
            except Rejected:
                self.end(client, CallEnd.REMOVED)
            else:
                _adapt(client, permit, is_on_air=client.participant.user in view.on_air)
                self._note(client.participant, permit)
        if self._clients:
            self._gather()

    def levels(self, levels: Mapping[UserId, int]) -> None:
        """Tell the clients how loud the speakers are, 0..100."""
        sids = {c.participant.user: c.participant.sid for c in self.clients if _is_heard(c)}
        changed = self._loudness.changed(levels, sids, self._bot.sid)
        if changed:
            message = responses.speakers(changed)
            for client in self.clients:
                client.participant.send(message, fades=True)

    def _note(self, participant: CallParticipant, permit: CallPermit) -> None:
        if (participant.name, participant.may_publish) != (permit.name, permit.may_publish):
            participant.name, participant.may_publish = permit.name, permit.may_publish
            self._gather(participant)

    # --- captions -----------------------------------------------------------------------------

    def _say(self, text: RoomText, *, fades: bool) -> None:
        self._texts.send(text, self.clients, fades=fades)

    def _voice_of(self, speaker: UserId) -> CallVoice:
        return voice_of(speaker, [client.participant for client in self.clients], self._bot)

    # --- news ---------------------------------------------------------------------------------

    def _gather(self, *changed: CallParticipant) -> None:
        """Take note of who is to be told of, and of the streams that may be others now."""
        view = self._spaces.view(self._space)
        participants = (client.participant for client in self.clients)
        if view is not None and seat_speakers(self._bot, view, participants, self._closing):
            self._news.gather(self._bot)
        self._news.gather(*changed)

    def _tell(self) -> None:
        """Tell all clients the news, and then have them carry the streams that there are now."""
        participants = [client.participant for client in self.clients]
        infos = self._news.take()
        if infos:
            message = responses.update(infos)
            for participant in participants:
                participant.tell(message)
        streams = streams_of(participants, self._bot)
        if streams != self._streams:
            self._streams = streams
            for client in self.clients:
                client.negotiation.streams_changed()


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
