"""Call peers as the control process wants them: negotiated, and each user's microphone chosen.

Of all microphones of one user the one opened last is heard. A page's that is replaced is hung up;
a call's, or a duplex peer's, is only ignored, as its client hears the others by the same
connection. A call's that is only published may be muted: it takes the place of no other before
the control process says so; a duplex peer's, of none at all.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.worker.edge.edge import Edge
from spaces_bridge.media.worker.mix.room_speaker import ROOM
from spaces_bridge.media.worker.mix.space_mix import Admission, SpaceMix
from spaces_bridge.media.worker.values import (
    Member,
    Negotiated,
    PeerPhase,
    RtpPacket,
    SdpRefused,
    StreamDirection,
    WantedStream,
    no_sound,
)

_CALL = StreamDirection.CALL


def _source(space: SpaceId, user: UserId) -> str:
    return f"{space} {user}"


class CallPeers:
    """The call peers of a worker; `members` and `spaces` are the worker's own, kept up to date."""

    def __init__(
        self,
        edge: Edge,
        members: MutableMapping[str, Member],
        spaces: Mapping[SpaceId, SpaceMix],
        send: Callable[[messages.FromMediaWorker], None],
    ) -> None:
        self._edge, self._members, self._spaces, self._send = edge, members, spaces, send

    def obey(
        self, message: messages.CallRequest | messages.UseMicrophone | messages.SendData
    ) -> None:
        """Do what a message of the control process says."""
        if isinstance(message, messages.UseMicrophone):
            self._use_microphone(message)
        elif isinstance(message, messages.SendData):
            self._edge.send_data(message.peers, message.messages(), fades=message.fades)
        else:
            self._negotiate(message)

    # --- sound ---

    def forward(self, member: Member, packet: RtpPacket, admission: Admission, now: float) -> None:
        """Forward a packet of this member that the mix has heard, and no other."""
        if admission is Admission.HEARD:
            self._edge.forwarding.forward(_source(member.space, member.user), packet, now)
        elif admission is Admission.GATE_SHUT:
            self._edge.forwarding.withhold(_source(member.space, member.user))

    def connected(self, peer: str, member: Member) -> None:
        """Note that a peer has connected, and joined the mix."""
        if member.direction is StreamDirection.SPEAK:
            self._begin_stream(member)
        elif member.direction is _CALL and self._edge.microphone(peer):
            self._speak_first(peer, member)

    def _use_microphone(self, message: messages.UseMicrophone) -> None:
        """Take a connected two-way peer's microphone for its user's, or no longer."""
        member = self._members.get(message.peer)
        if member is None or not member.direction.is_two_way:
            return
        if not message.on:
            self._hush(message.peer, member)
        elif self._edge.microphone(message.peer) and self._is_connected(message.peer):
            self._speak(message.peer, member)

    def replaced(self, peer: str | None) -> None:
        """Hang up a microphone that another one has replaced, unless its peer hears by it, too."""
        member = self._members.get(peer) if peer is not None else None
        if peer is not None and member is not None and not member.direction.is_two_way:
            self._edge.close(peer)

    def speaks(self, peer: str, member: Member) -> bool:
        """Return whether this two-way peer is its user's microphone."""
        mix, is_two_way = self._spaces.get(member.space), member.direction.is_two_way
        return is_two_way and mix is not None and mix.speaks(peer, member.user)

    def _speak(self, peer: str, member: Member) -> None:
        """Make this peer its user's microphone, in place of any other."""
        mix = self._spaces.get(member.space)
        if mix is not None and not mix.speaks(peer, member.user):
            self._begin_stream(member)
            self.replaced(mix.speak(peer, member.user))

    def _speak_first(self, peer: str, member: Member) -> None:
        """Make this peer its user's microphone, unless they speak by a page, or from a room.

        Another call peer of theirs may be one that the client has left behind as it joined anew.
        """
        mix = self._spaces.get(member.space)
        held_by = mix.microphone_of(member.user) if mix is not None else None
        if held_by == ROOM:
            return
        holder = self._members.get(held_by) if held_by is not None else None
        if holder is None or holder.direction is _CALL:
            self._speak(peer, member)

    def _begin_stream(self, member: Member) -> None:
        """Let what is forwarded of a user follow at once: it comes from another peer now."""
        self._edge.forwarding.withhold(_source(member.space, member.user))

    def _hush(self, peer: str, member: Member) -> None:
        mix = self._spaces.get(member.space)
        if mix is not None:
            mix.mute(peer, member.user)

    def _is_connected(self, peer: str) -> bool:
        state = self._edge.peers().get(peer)
        return state is not None and state.phase is PeerPhase.CONNECTED

    # --- negotiations ---

    def _negotiate(self, request: messages.CallRequest) -> None:
        """Carry out a negotiation, and reply."""
        try:
            member = self._member(request)
            sent_before = self._edge.microphone(request.peer)
            negotiated = self._negotiated(request, member)
        except SdpRefused as refusal:
            self._send(messages.PeerRefused(request.request, refusal.code, refusal.text))
            return
        self._members[request.peer] = member
        if self._is_connected(request.peer):
            if negotiated.microphone and not sent_before:
                self._speak_first(request.peer, member)
            elif sent_before and not negotiated.microphone:
                self._hush(request.peer, member)
        self._send(
            messages.CallNegotiated(
                request.request,
                request.peer,
                negotiated.sdp,
                negotiated.sections,
                negotiated.missing,
                negotiated.microphone,
                self.speaks(request.peer, member),
                self._edge.carries(request.peer),
            )
        )

    def _member(self, request: messages.CallRequest) -> Member:
        """Return the member a request is about. Raises SdpRefused if there is none."""
        known = self._members.get(request.peer)
        if isinstance(request, messages.AcceptCallAnswer) or request.is_known:
            if known is None or known.direction is not _CALL:
                raise SdpRefused("unknown_session", "This connection is over. Join anew.")
            return known
        if request.space not in self._spaces:
            raise no_sound()
        return Member(request.space, request.user, _CALL)

    def _negotiated(self, request: messages.CallRequest, member: Member) -> Negotiated:
        match request:
            case messages.AnswerCall():
                wanted = _wanted(member, request.streams)
                return self._edge.answer_call(request.peer, request.sdp, wanted)
            case messages.OfferCall():
                return self._edge.offer_call(request.peer, _wanted(member, request.streams))
            case messages.AcceptCallAnswer():
                return self._edge.accept_call_answer(request.peer, request.sdp)


def _wanted(member: Member, streams: Sequence[messages.SpeakerStream]) -> list[WantedStream]:
    """Return the streams for a member, never its own voice."""
    return [
        WantedStream(_source(member.space, each.speaker), each.stream, each.track)
        for each in streams
        if each.speaker != member.user
    ]
