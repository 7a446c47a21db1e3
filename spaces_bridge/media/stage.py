"""The stage port on one media worker: what the app wants of the sound, sent to the worker.

Only `offer` waits for the worker. What the app wants is remembered, so that a worker that replaces
another is brought to the same state at once.
"""

import asyncio
import dataclasses
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from typing import Final

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.ports import Direction, MediaSession, StageListener
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.call_stage import WorkerCallStage
from spaces_bridge.media.desired import DesiredSpace
from spaces_bridge.media.live_ogg import LiveOgg
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.plain_call_stage import NewPeer, WorkerPlainCallStage
from spaces_bridge.media.requests import ANSWER_S, Requests
from spaces_bridge.media.resumption import Resumption
from spaces_bridge.media.room_sounds import RoomSounds
from spaces_bridge.media.sessions import PeerSessions, Session
from spaces_bridge.media.supervision import OnAttached, OnMessage, Supervise
from spaces_bridge.media.supervisor import Supervisor
from spaces_bridge.media.worker.values import UNSPOKEN_KEY, PeerPhase
from spaces_bridge.media.worker.values import StreamDirection as PeerDirection
from spaces_bridge.wire.pcm import length_ms

log = logging.getLogger(__name__)

CLAIM_S: Final = 60.0
"""Live spaces of a worker that was found are closed if nobody has opened them by then."""


def random_peer(_space: SpaceId, _user: UserId, _direction: PeerDirection) -> str:
    """Return the id of a new peer of a worker on this machine."""
    return secrets.token_urlsafe(16)


class WorkerStage:
    """A worker stage implements `spaces_bridge.app.ports.Stage` with one media worker."""

    def __init__(
        self,
        worker: MediaOptions | Supervise,
        *,
        claim_s: float = CLAIM_S,
        tasks: TaskSupervisor | None = None,
        new_peer: NewPeer = random_peer,
    ) -> None:
        """`worker`: the options of one on this machine, or what supervises one elsewhere."""
        supervise = (
            partial(_supervise, worker, tasks) if isinstance(worker, MediaOptions) else worker
        )
        self._supervisor = supervise(self._hear, self._attached)
        self._new_peer = new_peer
        self._claim_s = claim_s
        self._listener: StageListener | None = None
        self._wanted: dict[SpaceId, DesiredSpace] = {}
        self._sessions = PeerSessions()
        self._resumption = Resumption(self._supervisor.send, self._given_up)
        self._requests = Requests[messages.Answer | messages.CallNegotiated]()
        self.calls = WorkerCallStage(
            self._supervisor, self._sessions, self._requests, self._note, self.hang_up
        )
        """The `CallStage` port on the same worker."""
        self.plain_calls = WorkerPlainCallStage(
            self._supervisor,
            self._sessions,
            self._requests,
            self._note,
            self.hang_up,
            new_peer,
        )
        """The `PlainCallStage` port on the same worker."""
        self.room_sounds = RoomSounds(self._supervisor.send)
        """What the worker takes from rooms at an SFU, for its relay."""
        self._heard_ms: dict[tuple[SpaceId, UserId], int] = {}
        self._ogg = LiveOgg(self._ogg_changed)
        self._measured: Mapping[str, float] = {}
        self._claim: asyncio.TimerHandle | None = None
        self._claimable: set[SpaceId] = set()
        self._has_worked = False

    # --- life ---

    def listen(self, listener: StageListener) -> None:
        """Part of the port."""
        self._listener = listener

    async def start(self) -> None:
        """Find or start the worker. Raises StartUpError, AdapterError."""
        await self._supervisor.start()

    async def stop(self) -> None:
        """End the sound and the worker."""
        if self._claim is not None:
            self._claim.cancel()
        self.end_streams()
        await self._supervisor.stop()
        self._requests.give_up()

    def end_streams(self) -> None:
        """End the streams over HTTP, so that the pages can close: the bridge is about to stop."""
        self._ogg.end_all()

    @property
    def port(self) -> int:
        """The public UDP and TCP port."""
        return self._supervisor.port

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id; None while there is no worker."""
        return self._supervisor.pid

    @property
    def is_attached(self) -> bool:
        """Whether the worker can be reached now."""
        return self._supervisor.is_attached

    @property
    def restarts(self) -> int:
        """The number of times the worker had to be replaced."""
        return self._supervisor.restarts

    @property
    def load(self) -> int:
        """The number of the worker's sessions."""
        return len(self._sessions)

    @property
    def all_listening(self) -> int:
        """The number of sessions that listen, in all live spaces."""
        return sum(each.is_listening for each in self._sessions.values())

    async def check(self) -> None:
        """Part of the `Health` port."""
        if not self._supervisor.is_attached:
            raise AdapterError("The media worker is being restarted.")

    def metrics(self) -> Mapping[str, float]:
        """Return the worker's numbers of up to a second ago, and the control process's own."""
        return {
            **self._measured,
            "worker_up": float(self._supervisor.is_attached),
            "worker_restarts": float(self._supervisor.restarts),
            "http_listeners": float(sum(map(self._ogg.count, self._wanted))),
        }

    # --- live spaces and gates ---

    def open_space(self, space: SpaceId, elapsed_ms: int) -> None:
        """Part of the port."""
        now = asyncio.get_running_loop().time()
        wanted = self._wanted.setdefault(space, DesiredSpace(elapsed_ms, now))
        self._supervisor.send(messages.OpenSpace(space, wanted.elapsed_now_ms(now)))
        if self._ogg.count(space):
            self._supervisor.send(messages.SubscribeMix(space, True))
        self.room_sounds.tell(space)
        self._resumption.go_on(space)

    def close_space(self, space: SpaceId) -> None:
        """Part of the port."""
        self._wanted.pop(space, None)
        self._claimable.discard(space)
        self._heard_ms = {key: ms for key, ms in self._heard_ms.items() if key[0] != space}
        self._resumption.close(space)
        self.room_sounds.close(space)
        self._supervisor.send(messages.CloseSpace(space))
        self._ogg.end(space)

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        """Part of the port."""
        wanted = self._wanted.get(space)
        if wanted is not None:
            wanted.on_air = set(users)
        self._supervisor.send(messages.SetGates(space, tuple(sorted(users))))

    def set_volumes(self, space: SpaceId, volumes: Mapping[UserId, int]) -> None:
        """Part of the port."""
        wanted = self._wanted.get(space)
        if wanted is not None:
            wanted.volumes = volumes
        self._supervisor.send(messages.SetVolumes(space, volumes))

    def open_microphone(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        wanted = self._wanted.get(space)
        if wanted is not None:
            wanted.on_air.add(user)
        self._supervisor.send(messages.SetGate(space, user, True))

    def close_microphone(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        self._supervisor.send(messages.SetGate(space, user, False))
        wanted = self._wanted.get(space)
        if wanted is not None:
            wanted.on_air.discard(user)

    def end_microphone_session(self, space: SpaceId, user: UserId, spare: str = "") -> None:
        """Part of the port. The app is not told that the microphone is lost: it knows."""
        self.close_microphone(space, user)
        for peer in self._sessions.microphones(space, user):
            if peer == spare:
                continue
            if self._sessions[peer].is_call:  # its client goes on listening
                self.calls.drop_microphone(peer)
            elif self._sessions[peer].is_duplex:
                self.plain_calls.silence(peer)
            else:
                del self._sessions[peer]
                self._close_peer(peer)

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        for peer, session in self._sessions.of(space, user):
            if session.direction is not PeerDirection.SPEAK:
                self._send_away(peer, session)

    def end_guests(self, space: SpaceId, domain: str) -> None:
        """Part of the port."""
        for peer in self._sessions.of_guests(space, domain):
            self._send_away(peer, self._sessions[peer])

    def drop_microphones(self) -> None:
        """Hang up every microphone of pages, and plain calls: another worker takes them now."""
        for peer, session in list(self._sessions.items()):
            if session.direction is PeerDirection.SPEAK or session.is_duplex:
                self._send_away(peer, session)

    def end_all(self, reason: str) -> None:
        """Forget all sessions, as the worker is gone for good; nobody is left to be told."""
        for peer in list(self._sessions):
            self._gone(peer, reason)

    def end_stream(self, space: SpaceId) -> None:
        """End the stream over HTTP of a live space that goes on elsewhere."""
        self._ogg.end(space)

    def knows(self, session: str) -> bool:
        """Return whether this is one of the worker's sessions."""
        return session in self._sessions

    # --- connections ---

    async def offer(
        self, space: SpaceId, user: UserId, direction: Direction, sdp: str
    ) -> MediaSession:
        """Part of the port."""
        await self._supervisor.attached(ANSWER_S)
        side = PeerDirection(direction.value)
        peer = self._new_peer(space, user, side)
        self._sessions[peer] = Session(space, user, side, PeerPhase.NEW)

        def send(number: int) -> None:
            self._supervisor.send(messages.PeerOffer(number, space, peer, user, side, sdp))

        try:
            return MediaSession(peer, (await self._requests.ask(send)).sdp)
        except (AdapterError, asyncio.CancelledError):
            if self._sessions.pop(peer, None) is not None:
                self._close_peer(peer)
            raise

    def hang_up(self, session: str) -> bool:
        """Part of the port."""
        if session not in self._sessions:
            return False
        self._close_peer(session)
        self._gone(session)
        return True

    def _send_away(self, peer: str, session: Session) -> None:
        """End a session; a plain call's client is still to be told."""
        self._close_peer(peer)
        self._gone(peer, "it was sent away" if session.is_duplex else "")

    def is_cut(self, session: str) -> bool:
        """Part of the port."""
        return session in self._sessions and self._sessions[session].is_cut

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Part of the port. A room's sound is a microphone, too."""
        return self.has_page_microphone(space, user) or self.room_sounds.has(space, user)

    def has_page_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Return whether one of the worker's peers is the user's microphone, and not a room."""
        return bool(self._sessions.microphones(space, user))

    def listeners(self, space: SpaceId) -> int:
        """Part of the port. Streams over HTTP count, too."""
        return self._sessions.listening(space) + self._ogg.count(space)

    def mix(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Part of the port."""
        return self._ogg.stream(space, tags)

    # --- sound for the captions ---

    def audio_taken(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        """Part of the port."""
        self._supervisor.send(messages.AudioTaken(space, user, until_ms))

    def replay_audio(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        """Part of the port."""
        self._supervisor.send(messages.ReplayAudio(space, user, from_ms))

    # --- the worker ---

    def _attached(self, hello: messages.Hello, records: Mapping[str, messages.Record]) -> None:
        """Bring an attached worker to the wanted state: the first, the same again, a new one."""
        self._requests.give_up()
        self.plain_calls.attached()
        self._take_sessions({peer.peer: peer for peer in hello.peers}, records)
        if not self._has_worked:
            of_records = {kept.space for kept in records.values()}
            self._await_claims(hello.gates.keys() | of_records)
        for space in hello.gates.keys() - self._wanted.keys() - self._claimable:
            # the live space ended while nobody could tell the worker: no gate stays open
            self._supervisor.send(messages.CloseSpace(space))
        for space, wanted in self._wanted.items():
            self.open_space(space, 0)
            self.set_volumes(space, wanted.volumes)
            self.set_gates(space, wanted.on_air)
        for (space, user), until_ms in self._heard_ms.items():
            self.replay_audio(space, user, until_ms)  # a known worker begins with all it kept
        if self._has_worked and not hello.gates and self._wanted and self._listener is not None:
            self._listener.worker_restarted(tuple(self._wanted))
        self._has_worked = True

    def _take_sessions(
        self, now: dict[str, messages.PeerSeat], records: Mapping[str, messages.Record]
    ) -> None:
        """Take the peers that the worker has, and have it go on with those of the records."""
        if self._has_worked:
            records = self._close_strangers(now, records)
        for peer in self._sessions.keys() - now.keys() - records.keys():
            self._gone(peer, "the sound was restarted")
        for peer, seat in now.items():
            if not self._has_worked and seat.direction is PeerDirection.CALL:
                # an earlier run's: its client was told by nobody, and joins anew as another peer
                self._close_peer(peer)
            else:
                self._sessions[peer] = self._seated(peer, seat)
        for peer, kept in records.items():
            before = self._sessions.get(peer)
            speaks = before is not None and before.is_duplex and before.speaks
            self._sessions[peer] = Session(
                kept.space, kept.user, kept.direction, PeerPhase.CONNECTED, speaks=speaks
            )
        if not self._has_worked:
            plain = [peer for peer, session in self._sessions.items() if session.is_duplex]
            self.plain_calls.found(plain)
        self._resumption.begin(records)

    def _seated(self, peer: str, seat: messages.PeerSeat) -> Session:
        """Return the session of a peer that the worker has; of ours it is told what is wanted."""
        before, seated = self._sessions.get(peer), Session.seated(seat)
        if before is None or not before.is_duplex:
            return seated
        self._supervisor.send(messages.UseMicrophone(peer, before.speaks))
        return dataclasses.replace(seated, speaks=before.speaks)

    def _close_strangers(
        self, now: dict[str, messages.PeerSeat], records: Mapping[str, messages.Record]
    ) -> Mapping[str, messages.Record]:
        """Close the peers that were hung up while no worker could be told; return the others."""
        for peer in (now.keys() | records.keys()) - self._sessions.keys():
            now.pop(peer, None)
            self._supervisor.forget(peer)
            self._close_peer(peer)
        return {peer: record for peer, record in records.items() if peer in self._sessions}

    def _await_claims(self, spaces: Collection[SpaceId]) -> None:
        """Close what an earlier run has left in the worker, unless it is wanted again in time."""
        self._claimable.update(spaces)

        def close_unclaimed() -> None:
            for space in self._claimable - self._wanted.keys():
                log.warning("live space %s of an earlier run is closed: nobody wants it", space)
                self._supervisor.send(messages.CloseSpace(space))
                self._forget_sessions(space)
            self._claimable.clear()
            self.plain_calls.close_unclaimed()

        loop = asyncio.get_running_loop()
        self._claim = loop.call_later(self._claim_s, close_unclaimed)

    def _forget_sessions(self, space: SpaceId) -> None:
        """Forget all sessions of a live space: the worker may never have had it."""
        for peer, session in list(self._sessions.items()):
            if session.space == space:
                self._supervisor.forget(peer)
                self._close_peer(peer)
                self._gone(peer)

    def _hear(self, message: messages.FromMediaWorker) -> None:
        match message:
            case messages.Answer():
                self._requests.settle(message.request, message)
            case messages.CallNegotiated():
                self._negotiated(message)
            case messages.PeerRefused():
                refusal = OfferRefused(message.code, message.text)
                self._requests.settle(message.request, refusal)
            case messages.PeerChanged():
                self._peer_changed(message)
            case messages.KeyPressed() | messages.PromptEnded():
                self.plain_calls.hear(message)
            case messages.MixPacket():
                self._ogg.feed(message)
            case messages.Stats():
                self._measured = message.numbers
            case messages.AudioLevels() | messages.SoundGaps():
                self._of_speakers(message)
            case messages.SpeakerAudio():
                self._speaker_audio(message)
            case _:
                pass  # the supervisor has dealt with it

    def _of_speakers(self, message: messages.AudioLevels | messages.SoundGaps) -> None:
        if self._listener is None:
            return
        if isinstance(message, messages.AudioLevels):
            self._listener.levels(message.space, message.levels)
        else:
            self._listener.gaps(message.space, message.missing)

    def _speaker_audio(self, message: messages.SpeakerAudio) -> None:
        end_ms = message.at_ms + length_ms(message.pcm)
        if message.space in self._wanted:  # what was on its way when it closed is not kept
            self._heard_ms[message.space, message.user] = end_ms
        if self._listener is not None:
            self._listener.audio(message.space, message.user, message.at_ms, message.pcm)

    def _given_up(self, peer: str) -> None:
        log.warning("a peer is not resumed any more: two workers in a row have died of it")
        self._supervisor.forget(peer)
        self._gone(peer, "it could not be resumed")

    def _peer_changed(self, message: messages.PeerChanged) -> None:
        self._resumption.settled(message.peer)
        if message.phase is PeerPhase.CLOSED:
            if message.reason.startswith(UNSPOKEN_KEY):
                log.warning("a program cannot connect: %s", message.reason)
            self._gone(message.peer, message.reason)
        elif (known := self._sessions.get(message.peer)) is not None:
            is_cut = bool(message.reason)
            now = Session.seated(message, is_cut=is_cut)
            if known.is_duplex:  # another worker than was told may go on with it
                now = dataclasses.replace(now, speaks=known.speaks)
            self._note(message.peer, now)
            if is_cut and self._listener is not None:
                self._listener.microphone_cut(message.space, message.user)
            elif message.direction is PeerDirection.CALL:
                self.calls.connected(message.peer)
            elif known.is_duplex:
                self.plain_calls.connected(message.peer, known)
        else:  # hung up before it connected
            self._close_peer(message.peer)

    def _negotiated(self, message: messages.CallNegotiated) -> None:
        """Note what a call's peer has negotiated; it may have been hung up meanwhile."""
        known = self._sessions.get(message.peer)
        if known is not None:
            now = dataclasses.replace(known, speaks=message.speaks, listens=message.listens)
            self._note(message.peer, now)
        self._requests.settle(message.request, message)

    def _note(self, peer: str, session: Session) -> None:
        """Keep a session as it is now, and tell what differs for others."""
        before = self._sessions.get(peer)
        for replaced in self._sessions.note(peer, session):
            if self._sessions[replaced].is_duplex:
                self.plain_calls.silenced(replaced)
        if session.is_microphone and session.phase is PeerPhase.CONNECTED:
            self.room_sounds.replaced(session.space, session.user)
        if self._listener is None:
            return
        if session.is_listening != (before is not None and before.is_listening):
            self._listener.listeners_changed(session.space)
        if before is not None and before.is_microphone and not session.is_microphone:
            self._tell_if_lost(session)

    def _gone(self, peer: str, reason: str = "") -> None:
        """Forget a session that has ended; calls' listeners are told why, if there is a reason."""
        session = self._sessions.pop(peer, None)
        if session is None:
            return
        if session.is_call and reason:
            self.calls.ended(peer, reason)
        if session.is_duplex:
            self.plain_calls.ended(peer, reason)
        if self._listener is None:
            return
        if session.is_listening:
            self._listener.listeners_changed(session.space)
        if session.is_microphone:
            self._tell_if_lost(session)

    def _tell_if_lost(self, session: Session) -> None:
        if self._listener is not None and not self.has_microphone(session.space, session.user):
            self._listener.microphone_lost(session.space, session.user)

    def _close_peer(self, peer: str) -> None:
        self._resumption.forget(peer)
        self._supervisor.send(messages.ClosePeer(peer))

    def _ogg_changed(self, space: SpaceId) -> None:
        self._supervisor.send(messages.SubscribeMix(space, self._ogg.count(space) > 0))
        if self._listener is not None:
            self._listener.listeners_changed(space)


def _supervise(
    options: MediaOptions,
    tasks: TaskSupervisor | None,
    on_message: OnMessage,
    on_attached: OnAttached,
) -> Supervisor:
    return Supervisor(options, on_message=on_message, on_attached=on_attached, tasks=tasks)
