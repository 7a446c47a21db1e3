"""The plain call stage port on the media worker of a `WorkerStage`, whose sessions it shares."""

import asyncio
import dataclasses
from collections.abc import Callable, Collection
from typing import Final

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.plain_call_ports import (
    PlainCallAnswer,
    PlainCallListener,
    PlainCallOffer,
)
from spaces_bridge.app.ports import MediaSession
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.requests import ANSWER_S, Requests
from spaces_bridge.media.sessions import PeerSessions, Session
from spaces_bridge.media.supervision import Supervision
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection

_DUPLEX: Final = StreamDirection.DUPLEX
_OVER: Final = "unknown_session"

NewPeer = Callable[[SpaceId, UserId, StreamDirection], str]
"""Makes the id of a new peer, which nobody can guess."""


class WorkerPlainCallStage:
    """A worker plain call stage implements `spaces_bridge.app.plain_call_ports.PlainCallStage`."""

    def __init__(
        self,
        supervisor: Supervision,
        sessions: PeerSessions,
        requests: "Requests[messages.Answer | messages.CallNegotiated]",
        noted: Callable[[str, Session], None],
        hang_up: Callable[[str], object],
        new_peer: NewPeer,
    ) -> None:
        """`noted` is called with what becomes of a session, to keep it and to tell of it.

        `hang_up` is called to end one.
        """
        self._supervisor, self._sessions, self._requests = supervisor, sessions, requests
        self._noted, self._hang_up, self._new_peer = noted, hang_up, new_peer
        self._listener: PlainCallListener | None = None
        self._prompts: dict[str, list[str]] = {}
        """The prompts of each session that have not ended."""
        self._unclaimed: set[str] = set()
        """Sessions of an earlier run that nobody has taken up."""

    def attend_plain_calls(self, listener: PlainCallListener) -> None:
        """Part of the port."""
        self._listener = listener

    # --- negotiations ---

    async def answer(self, space: SpaceId, user: UserId, sdp: str) -> MediaSession:
        """Part of the port."""
        peer, done = await self._begin(
            space,
            user,
            lambda number, peer: messages.PeerOffer(number, space, peer, user, _DUPLEX, sdp),
        )
        return MediaSession(peer, done.sdp)

    async def dial(self, space: SpaceId, user: UserId) -> PlainCallOffer:
        """Part of the port."""
        peer, done = await self._begin(
            space,
            user,
            lambda number, peer: messages.OfferDuplex(number, space, peer, user),
        )
        return PlainCallOffer(peer, done.sdp)

    async def renegotiate(self, session: str, sdp: str) -> PlainCallAnswer:
        """Part of the port."""
        done = await self._ask(
            session, lambda number: messages.RenegotiateDuplex(number, session, sdp)
        )
        return PlainCallAnswer(done.sdp, done.is_held)

    async def accept(self, session: str, sdp: str) -> None:
        """Part of the port."""
        await self._ask(session, lambda number: messages.AcceptDuplexAnswer(number, session, sdp))

    def take_up(self, session: str) -> bool:
        """Part of the port."""
        self._unclaimed.discard(session)
        return self._of(session) is not None

    # --- sound ---

    def is_connected(self, session: str) -> bool:
        """Part of the port."""
        known = self._of(session)
        return known is not None and known.phase is PeerPhase.CONNECTED

    def is_microphone(self, session: str) -> bool:
        """Part of the port."""
        known = self._of(session)
        return known is not None and known.is_microphone

    def use_microphone(self, session: str) -> None:
        """Part of the port."""
        known = self._of(session)
        if known is None or known.phase is not PeerPhase.CONNECTED:
            return
        self._supervisor.send(messages.UseMicrophone(session, True))
        self._noted(session, dataclasses.replace(known, speaks=True))

    def play(self, session: str, prompt: str, language: str) -> None:
        """Part of the port."""
        known = self._of(session)
        if known is None:
            return
        self._prompts.setdefault(session, []).append(prompt)
        if known.phase is PeerPhase.CONNECTED and self._supervisor.is_attached:
            self._supervisor.send(messages.PlayPrompt(session, prompt, language))
        else:
            asyncio.get_running_loop().call_soon(self._prompt_ended, session, prompt)

    # --- for the stage ---

    def silence(self, session: str) -> None:
        """Have a microphone be its user's no longer: the floor is gone."""
        self._supervisor.send(messages.UseMicrophone(session, False))
        self._sessions[session] = dataclasses.replace(self._sessions[session], speaks=False)
        self.silenced(session)

    def silenced(self, session: str) -> None:
        """Tell that a microphone is its user's no longer."""
        if self._listener is not None:
            self._listener.plain_call_silenced(session)

    def connected(self, session: str, before: Session) -> None:
        """Tell that a peer has connected; one that another worker goes on with has before."""
        if before.phase is not PeerPhase.CONNECTED:
            if self._listener is not None:
                self._listener.plain_call_connected(session)
        elif before.speaks:
            self._supervisor.send(messages.UseMicrophone(session, True))

    def ended(self, session: str, reason: str) -> None:
        """Tell that a peer is gone, if there is a reason that is not known."""
        self._prompts.pop(session, None)
        self._unclaimed.discard(session)
        if reason and self._listener is not None:
            self._listener.plain_call_ended(session, reason)

    def hear(self, message: messages.KeyPressed | messages.PromptEnded) -> None:
        """Tell of a key, or that a prompt is over."""
        if isinstance(message, messages.PromptEnded):
            self._prompt_ended(message.peer, message.prompt)
        elif self._of(message.peer) is not None and self._listener is not None:
            self._listener.key_pressed(message.peer, message.key)

    def _prompt_ended(self, session: str, prompt: str) -> None:
        """Tell that a prompt is over, once."""
        waiting = self._prompts.get(session, [])
        if prompt not in waiting:
            return
        waiting.remove(prompt)
        if not waiting:
            del self._prompts[session]
        if self._listener is not None:
            self._listener.prompt_ended(session, prompt)

    def attached(self) -> None:
        """Tell that all prompts are over: the worker has lost them, or cannot say so any more."""
        for session, prompts in list(self._prompts.items()):
            for prompt in list(prompts):
                self._prompt_ended(session, prompt)

    def found(self, sessions: Collection[str]) -> None:
        """Note the calls of an earlier run, which are to be taken up."""
        self._unclaimed.update(sessions)

    def close_unclaimed(self) -> None:
        """Hang up the calls of an earlier run that nobody has taken up."""
        for session in list(self._unclaimed):
            self._hang_up(session)
        self._unclaimed.clear()

    # --- requests ---

    def _of(self, session: str) -> Session | None:
        known = self._sessions.get(session)
        return known if known is not None and known.direction is _DUPLEX else None

    async def _begin(
        self,
        space: SpaceId,
        user: UserId,
        request: Callable[[int, str], messages.ToMediaWorker],
    ) -> tuple[str, messages.Answer]:
        await self._supervisor.attached(ANSWER_S)
        peer = self._new_peer(space, user, _DUPLEX)
        self._sessions[peer] = Session(space, user, _DUPLEX, PeerPhase.NEW)
        try:
            return peer, await self._ask(peer, lambda number: request(number, peer))
        except BaseException:
            if self._sessions.pop(peer, None) is not None:
                self._supervisor.send(messages.ClosePeer(peer))
            raise

    async def _ask(
        self, session: str, request: Callable[[int], messages.ToMediaWorker]
    ) -> messages.Answer:
        await self._supervisor.attached(ANSWER_S)
        self._refuse_ended(session)
        try:
            reply = await self._requests.ask(lambda number: self._supervisor.send(request(number)))
        except OfferRefused as refusal:
            if refusal.code == _OVER:
                raise AdapterError(refusal.text) from refusal
            raise
        assert isinstance(reply, messages.Answer)
        self._refuse_ended(session)  # it may have been hung up meanwhile
        return reply

    def _refuse_ended(self, session: str) -> None:
        """Raise AdapterError unless there is this session."""
        if self._of(session) is None:
            raise AdapterError("This connection is over. Call anew.")
