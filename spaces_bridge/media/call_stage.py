"""The call stage port on the media worker of a `WorkerStage`, whose sessions it shares."""

import dataclasses
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Final

from spaces_bridge.app.call_ports import CallAnswer, CallListener, CallOffer, CallStream
from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.requests import ANSWER_S, Requests
from spaces_bridge.media.sessions import PeerSessions, Session
from spaces_bridge.media.supervision import Supervision
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection

_OVER: Final = "unknown_session"


class WorkerCallStage:
    """A worker call stage implements `spaces_bridge.app.call_ports.CallStage`."""

    def __init__(
        self,
        supervisor: Supervision,
        sessions: PeerSessions,
        requests: "Requests[messages.Answer | messages.CallNegotiated]",
        noted: Callable[[str, Session], None],
        hang_up: Callable[[str], object],
    ) -> None:
        """`noted` is called with what becomes of a session, to keep it and to tell of it.

        `hang_up` is called to end one.
        """
        self._supervisor, self._sessions, self._requests = supervisor, sessions, requests
        self._noted, self._hang_up = noted, hang_up
        self._listener: CallListener | None = None

    def attend_calls(self, listener: CallListener) -> None:
        """Part of the port."""
        self._listener = listener

    async def answer_call(
        self,
        space: SpaceId,
        user: UserId,
        session: str | None,
        sdp: str,
        streams: Sequence[CallStream],
    ) -> CallAnswer:
        """Part of the port."""
        peer, wanted = session or secrets.token_urlsafe(16), _wanted(streams)
        done = await self._negotiate(
            space,
            user,
            session,
            peer,
            lambda number: messages.AnswerCall(
                number, space, peer, user, session is not None, sdp, wanted
            ),
        )
        return CallAnswer(peer, done.sdp, done.sections, done.missing, done.microphone)

    async def offer_call(
        self, space: SpaceId, user: UserId, session: str | None, streams: Sequence[CallStream]
    ) -> CallOffer:
        """Part of the port."""
        peer, wanted = session or secrets.token_urlsafe(16), _wanted(streams)
        done = await self._negotiate(
            space,
            user,
            session,
            peer,
            lambda number: messages.OfferCall(
                number, space, peer, user, session is not None, wanted
            ),
        )
        return CallOffer(peer, done.sdp, done.sections)

    async def accept_call_answer(self, session: str, sdp: str) -> None:
        """Part of the port."""
        await self._ask(session, lambda number: messages.AcceptCallAnswer(number, session, sdp))

    def use_microphone(self, session: str) -> None:
        """Part of the port."""
        known = self._sessions.get(session)
        if known is None or not known.is_call:
            return
        self._supervisor.send(messages.UseMicrophone(session, True))
        if known.phase is PeerPhase.CONNECTED:
            self._noted(session, dataclasses.replace(known, speaks=True))

    def send_data(
        self, sessions: Collection[str], packets: Sequence[bytes], *, fades: bool
    ) -> None:
        """Part of the port."""
        peers = [
            each
            for each in sessions
            if each in self._sessions and self._sessions[each].phase is PeerPhase.CONNECTED
        ]
        if peers:
            self._supervisor.send(messages.SendData.of(peers, packets, fades=fades))

    def end_calls(self, space: SpaceId, user: UserId, keep: Collection[str]) -> None:
        """Part of the port."""
        for peer, session in self._sessions.of(space, user):
            if session.is_call and peer not in keep:
                self._hang_up(peer)

    # --- for the stage ---

    def drop_microphone(self, session: str) -> None:
        """Have a call's microphone be its user's no longer: the floor is gone."""
        self._supervisor.send(messages.UseMicrophone(session, False))
        self._sessions[session] = dataclasses.replace(self._sessions[session], speaks=False)

    def connected(self, session: str) -> None:
        """Tell that a call's peer has connected."""
        if self._listener is not None:
            self._listener.call_connected(session)

    def ended(self, session: str, reason: str) -> None:
        """Tell that a call's peer is gone."""
        if self._listener is not None:
            self._listener.call_ended(session, reason)

    # --- requests ---

    async def _negotiate(
        self,
        space: SpaceId,
        user: UserId,
        session: str | None,
        peer: str,
        request: Callable[[int], messages.CallRequest],
    ) -> messages.CallNegotiated:
        if session is not None:
            return await self._ask(session, request)
        await self._supervisor.attached(ANSWER_S)
        self._sessions[peer] = Session(space, user, StreamDirection.CALL, PeerPhase.NEW)
        try:
            return await self._ask(peer, request)
        except BaseException:
            if self._sessions.pop(peer, None) is not None:
                self._supervisor.send(messages.ClosePeer(peer))
            raise

    async def _ask(
        self, peer: str, request: Callable[[int], messages.CallRequest]
    ) -> messages.CallNegotiated:
        await self._supervisor.attached(ANSWER_S)
        self._refuse_ended(peer)
        try:
            reply = await self._requests.ask(lambda number: self._supervisor.send(request(number)))
        except OfferRefused as refusal:
            if refusal.code == _OVER:
                raise AdapterError(refusal.text) from refusal
            raise
        assert isinstance(reply, messages.CallNegotiated)
        self._refuse_ended(peer)  # it may have been hung up meanwhile
        return reply

    def _refuse_ended(self, peer: str) -> None:
        """Raise AdapterError unless there is this call peer."""
        known = self._sessions.get(peer)
        if known is None or not known.is_call:
            raise AdapterError("This connection is over. Join anew.")


def _wanted(streams: Sequence[CallStream]) -> tuple[messages.SpeakerStream, ...]:
    return tuple(messages.SpeakerStream(each.speaker, each.stream, each.track) for each in streams)
