"""The stage port on one media worker: what the app wants of the sound, sent to the worker.

Only `offer` waits for the worker. What the app wants is remembered, so that a worker that replaces
another is brought to the same state at once.
"""

import asyncio
import itertools
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.ports import Direction, MediaSession, StageListener
from spaces_bridge.app.registry import is_ghost
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.live_ogg import LiveOgg
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.resumption import Resumption
from spaces_bridge.media.supervisor import Supervisor
from spaces_bridge.media.worker.values import UNSPOKEN_KEY, PeerPhase
from spaces_bridge.media.worker.values import StreamDirection as PeerDirection
from spaces_bridge.wire.pcm import length_ms

log = logging.getLogger(__name__)

OFFER_S: Final = 5.0
CLAIM_S: Final = 60.0
"""Live spaces of a worker that was found are closed if nobody has opened them by then."""


@dataclass(slots=True)
class _Wanted:
    """The state that the app wants of one live space."""

    elapsed_ms: int
    told_at: float
    on_air: set[UserId] = field(default_factory=set)

    def elapsed_now_ms(self, now: float) -> int:
        return self.elapsed_ms + int((now - self.told_at) * 1000)


@dataclass(frozen=True, slots=True)
class _Session:
    space: SpaceId
    user: UserId
    direction: PeerDirection
    phase: PeerPhase
    is_cut: bool = False


class WorkerStage:
    """A worker stage implements `spaces_bridge.app.ports.Stage` with one media worker."""

    def __init__(
        self,
        options: MediaOptions,
        *,
        claim_s: float = CLAIM_S,
        tasks: TaskSupervisor | None = None,
    ) -> None:
        self._supervisor = Supervisor(
            options, on_message=self._hear, on_attached=self._attached, tasks=tasks
        )
        self._claim_s = claim_s
        self._listener: StageListener | None = None
        self._wanted: dict[SpaceId, _Wanted] = {}
        self._sessions: dict[str, _Session] = {}
        self._resumption = Resumption(self._supervisor.send, self._given_up)
        self._offers: dict[int, asyncio.Future[str]] = {}
        self._numbers = itertools.count(1)
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
        self._give_up_offers()

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
        wanted = self._wanted.setdefault(space, _Wanted(elapsed_ms, now))
        self._supervisor.send(messages.OpenSpace(space, wanted.elapsed_now_ms(now)))
        if self._ogg.count(space):
            self._supervisor.send(messages.SubscribeMix(space, True))
        self._resumption.go_on(space)

    def close_space(self, space: SpaceId) -> None:
        """Part of the port."""
        self._wanted.pop(space, None)
        self._claimable.discard(space)
        self._heard_ms = {key: ms for key, ms in self._heard_ms.items() if key[0] != space}
        self._supervisor.send(messages.CloseSpace(space))
        self._ogg.end(space)

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        """Part of the port."""
        wanted = self._wanted.get(space)
        if wanted is not None:
            wanted.on_air = set(users)
        self._supervisor.send(messages.SetGates(space, tuple(sorted(users))))

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
        for peer in self._microphones(space, user):
            if peer != spare:
                del self._sessions[peer]
                self._close_peer(peer)

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        for peer, session in list(self._sessions.items()):
            if (session.space, session.user) == (space, user) and (
                session.direction is PeerDirection.LISTEN
            ):
                self.hang_up(peer)

    def end_guests(self, space: SpaceId, domain: str) -> None:
        """Part of the port."""
        for peer, session in list(self._sessions.items()):
            if session.space == space and is_ghost(session.user, domain):
                self.hang_up(peer)

    # --- connections ---

    async def offer(
        self, space: SpaceId, user: UserId, direction: Direction, sdp: str
    ) -> MediaSession:
        """Part of the port."""
        await self._supervisor.attached(OFFER_S)
        loop = asyncio.get_running_loop()
        number, peer = next(self._numbers), secrets.token_urlsafe(16)
        side = PeerDirection(direction.value)
        answered: asyncio.Future[str] = loop.create_future()
        self._offers[number] = answered
        self._sessions[peer] = _Session(space, user, side, PeerPhase.NEW)
        self._supervisor.send(messages.PeerOffer(number, space, peer, user, side, sdp))
        try:
            return MediaSession(peer, await asyncio.wait_for(answered, OFFER_S))
        except TimeoutError as problem:
            self._forget_offer(peer)
            raise AdapterError("The sound does not answer. Try again in a moment.") from problem
        except (AdapterError, asyncio.CancelledError):
            self._forget_offer(peer)
            raise
        finally:
            del self._offers[number]

    def hang_up(self, session: str) -> bool:
        """Part of the port."""
        if session not in self._sessions:
            return False
        self._close_peer(session)
        self._gone(session)
        return True

    def is_cut(self, session: str) -> bool:
        """Part of the port."""
        return session in self._sessions and self._sessions[session].is_cut

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Part of the port."""
        return bool(self._microphones(space, user))

    def listeners(self, space: SpaceId) -> int:
        """Part of the port. Streams over HTTP count, too."""
        connected = sum(
            session.space == space
            and session.direction is PeerDirection.LISTEN
            and session.phase is PeerPhase.CONNECTED
            for session in self._sessions.values()
        )
        return connected + self._ogg.count(space)

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
        self._give_up_offers()
        now = {peer.peer: peer for peer in hello.peers}
        for peer in self._sessions.keys() - now.keys() - records.keys():
            self._gone(peer)
        for peer, entry in now.items():
            self._sessions[peer] = _Session(entry.space, entry.user, entry.direction, entry.phase)
        for peer, kept in records.items():
            self._sessions[peer] = _Session(
                kept.space, kept.user, kept.direction, PeerPhase.CONNECTED
            )
        self._resumption.begin(records)
        if not self._has_worked:
            self._await_claims(hello.gates.keys())
        for space in hello.gates.keys() - self._wanted.keys() - self._claimable:
            # the live space ended while nobody could tell the worker: no gate stays open
            self._supervisor.send(messages.CloseSpace(space))
        for space, wanted in self._wanted.items():
            self.open_space(space, 0)
            self.set_gates(space, wanted.on_air)
        for (space, user), until_ms in self._heard_ms.items():
            self.replay_audio(space, user, until_ms)  # a known worker begins with all it kept
        if self._has_worked and not hello.gates and self._wanted and self._listener is not None:
            self._listener.worker_restarted(tuple(self._wanted))
        self._has_worked = True

    def _await_claims(self, spaces: Collection[SpaceId]) -> None:
        """Close what an earlier run has left in the worker, unless it is wanted again in time."""
        self._claimable.update(spaces)

        def close_unclaimed() -> None:
            for space in self._claimable - self._wanted.keys():
                log.warning("live space %s of an earlier run is closed: nobody wants it", space)
                self._supervisor.send(messages.CloseSpace(space))
            self._claimable.clear()

        loop = asyncio.get_running_loop()
        self._claim = loop.call_later(self._claim_s, close_unclaimed)

    def _hear(self, message: messages.FromMediaWorker) -> None:
        match message:
            case messages.Answer():
                self._settle(message.request, message.sdp)
            case messages.PeerRefused():
                self._settle(message.request, OfferRefused(message.code, message.text))
            case messages.PeerChanged():
                self._peer_changed(message)
            case messages.MixPacket():
                self._ogg.feed(message)
            case messages.Stats():
                self._measured = message.numbers
            case messages.AudioLevels() if self._listener is not None:
                self._listener.levels(message.space, message.levels)
            case messages.SpeakerAudio():
                self._speaker_audio(message)
            case _:
                pass  # the supervisor has dealt with it

    def _speaker_audio(self, message: messages.SpeakerAudio) -> None:
        end_ms = message.at_ms + length_ms(message.pcm)
        self._heard_ms[message.space, message.user] = end_ms
        if self._listener is not None:
            self._listener.audio(message.space, message.user, message.at_ms, message.pcm)

    def _given_up(self, peer: str) -> None:
        log.warning("a peer is not resumed any more: two workers in a row have died of it")
        self._supervisor.forget(peer)
        self._gone(peer)

    def _peer_changed(self, message: messages.PeerChanged) -> None:
        self._resumption.settled(message.peer)
        if message.phase is PeerPhase.CLOSED:
            if message.reason.startswith(UNSPOKEN_KEY):
                log.warning("a program cannot connect: %s", message.reason)
            self._gone(message.peer)
        elif message.peer in self._sessions:
            is_cut = bool(message.reason)
            self._sessions[message.peer] = _Session(
                message.space, message.user, message.direction, message.phase, is_cut
            )
            if is_cut and self._listener is not None:
                self._listener.microphone_cut(message.space, message.user)
            if message.direction is PeerDirection.LISTEN and self._listener is not None:
                self._listener.listeners_changed(message.space)
        else:  # hung up before it connected
            self._close_peer(message.peer)

    def _gone(self, peer: str) -> None:
        session = self._sessions.pop(peer, None)
        if session is None or self._listener is None:
            return
        if session.direction is PeerDirection.LISTEN:
            self._listener.listeners_changed(session.space)
        elif not self._microphones(session.space, session.user):
            self._listener.microphone_lost(session.space, session.user)

    def _microphones(self, space: SpaceId, user: UserId) -> list[str]:
        return [
            peer
            for peer, session in self._sessions.items()
            if session.direction is PeerDirection.SPEAK
            and session.user == user
            and session.space == space
        ]

    def _close_peer(self, peer: str) -> None:
        self._resumption.forget(peer)
        self._supervisor.send(messages.ClosePeer(peer))

    def _ogg_changed(self, space: SpaceId) -> None:
        self._supervisor.send(messages.SubscribeMix(space, self._ogg.count(space) > 0))
        if self._listener is not None:
            self._listener.listeners_changed(space)

    # --- offers ---

    def _settle(self, number: int, outcome: str | OfferRefused) -> None:
        answered = self._offers.get(number)
        if answered is None or answered.done():
            return
        if isinstance(outcome, OfferRefused):
            answered.set_exception(outcome)
        else:
            answered.set_result(outcome)

    def _forget_offer(self, peer: str) -> None:
        if self._sessions.pop(peer, None) is not None:
            self._close_peer(peer)

    def _give_up_offers(self) -> None:
        for answered in self._offers.values():
            if not answered.done():
                answered.set_exception(AdapterError("The sound was restarted. Try again."))
