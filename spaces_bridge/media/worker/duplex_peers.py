"""Duplex peers as the control process wants them: negotiated, and prompted.

They hear the mix as every listener does, and become their user's microphone as call peers do.
"""

import logging
from collections.abc import Callable, Mapping, MutableMapping

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media import messages
from spaces_bridge.media.worker.edge.edge import Edge
from spaces_bridge.media.worker.mix.prompts import PromptBook
from spaces_bridge.media.worker.mix.space_mix import SpaceMix
from spaces_bridge.media.worker.values import (
    CONNECTED,
    DuplexNegotiated,
    Member,
    SdpRefused,
    StreamDirection,
    no_sound,
)

log = logging.getLogger(__name__)


class DuplexPeers:
    """The duplex peers of a worker; `members` are the worker's own, kept up to date.

    `is_open` says whether a live space is, `mix_of` returns its mix, also for a while after its
    end; `send_record` sends a peer's resume record.
    """

    def __init__(
        self,
        edge: Edge,
        members: MutableMapping[str, Member],
        is_open: Callable[[SpaceId], bool],
        mix_of: Callable[[SpaceId], SpaceMix | None],
        prompts: PromptBook,
        send: Callable[[messages.FromMediaWorker], None],
        send_record: Callable[[str], None],
    ) -> None:
        self._edge, self._members = edge, members
        self._is_open, self._mix_of = is_open, mix_of
        self._prompts, self._send, self._send_record = prompts, send, send_record

    def obey(
        self, message: messages.DuplexRequest | messages.PeerOffer | messages.PlayPrompt
    ) -> None:
        """Do what a message of the control process says."""
        if isinstance(message, messages.PlayPrompt):
            self._play(message)
        else:
            self._negotiate(message)

    def _negotiate(self, request: messages.DuplexRequest | messages.PeerOffer) -> None:
        """Carry out a negotiation, and reply."""
        try:
            negotiated = self._negotiated(request)
        except SdpRefused as refusal:
            if isinstance(request, messages.OfferDuplex | messages.PeerOffer):
                self._members.pop(request.peer, None)
            self._send(messages.PeerRefused(request.request, refusal.code, refusal.text))
            return
        member, known = self._members.get(request.peer), self._edge.duplexes.of(request.peer)
        if member is not None and known is not None and known.state == CONNECTED:
            self._hold(request.peer, member, is_held=negotiated.is_held)
            self._send_record(request.peer)  # its credentials may be others now
        self._send(messages.Answer(request.request, negotiated.sdp, negotiated.is_held))

    def _negotiated(
        self, request: messages.DuplexRequest | messages.PeerOffer
    ) -> DuplexNegotiated:
        duplexes = self._edge.duplexes
        match request:
            case messages.RenegotiateDuplex():
                return duplexes.renegotiate(request.peer, request.sdp)
            case messages.AcceptDuplexAnswer():
                return duplexes.accept(request.peer, request.sdp)
            case messages.PeerOffer():
                self._admit(request)
                return duplexes.answer(request.peer, request.sdp)
            case messages.OfferDuplex():
                self._admit(request)
                return duplexes.offer(request.peer)

    def _admit(self, request: messages.OfferDuplex | messages.PeerOffer) -> None:
        """Take a new member. Raises SdpRefused if its live space has no sound."""
        if not self._is_open(request.space):
            raise no_sound()
        self._members[request.peer] = Member(request.space, request.user, StreamDirection.DUPLEX)

    def connected(self, peer: str, member: Member) -> None:
        """Note that a peer has connected, and joined the mix; one that is held hears nothing."""
        known = self._edge.duplexes.of(peer)
        if known is not None:
            self._hold(peer, member, is_held=known.is_held)

    def _hold(self, peer: str, member: Member, *, is_held: bool) -> None:
        mix = self._mix_of(member.space)
        if mix is None:
            return
        if not is_held:
            mix.listen(peer, member.user)
            return
        self.ended({peer: name} if (name := mix.stop_listening(peer)) is not None else {})

    # --- prompts ---

    def _play(self, message: messages.PlayPrompt) -> None:
        """Play a prompt, if there is such a peer and such a prompt; say so if it is over."""
        member = self._members.get(message.peer)
        mix = self._mix_of(member.space) if member is not None else None
        if member is None or member.direction is not StreamDirection.DUPLEX or mix is None:
            return
        try:
            prompt = self._prompts.find(message.prompt, message.language)
        except (LookupError, ValueError, OSError) as problem:
            log.warning("a prompt cannot be played: %s", type(problem).__name__)
            self.ended({message.peer: message.prompt})
            return
        for over in mix.prompt(message.peer, message.prompt, prompt):
            self.ended({message.peer: over})

    def ended(self, prompts: Mapping[str, str]) -> None:
        """Say that prompts are over; by peer."""
        for peer, prompt in prompts.items():
            self._send(messages.PromptEnded(peer, prompt))
