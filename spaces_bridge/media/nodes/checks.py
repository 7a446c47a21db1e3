"""What the bridge takes of a node's messages: of its own peers alone, and within bounds. Pure.

Whoever holds a node can lie about its own listeners; nothing it says reaches another's sessions.
"""

import dataclasses

from spaces_bridge.app.plain_call_ports import KEYS
from spaces_bridge.media import messages
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.messages import WorkerAttached
from spaces_bridge.media.nodes.signed_peer_ids import SignedPeerIds
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.sfu_client.limits import (
    LONGEST_REASON,
    MOST_PARTICIPANTS,
    MOST_TAKEN,
)
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge.wire.messages import BadMessage

Seat = messages.PeerSeat | messages.PeerChanged


def admitted(
    message: messages.MediaMessage, names: SignedPeerIds, *, is_home: bool
) -> messages.FromMediaWorker | None:
    """Return what is to be taken of a worker's message, None if nothing is.

    Raises BadMessage for what no worker sends.
    """
    match message:
        case messages.Answer() | messages.PeerRefused():
            return _reply(message)
        case messages.PeerChanged() if is_own(message, names):
            reason = message.reason[: limits.LONGEST_TEXT]
            return dataclasses.replace(message, reason=reason, speaks=False, listens=False)
        case messages.KeyPressed() | messages.PromptEnded():
            return _of_plain_call(message)
        case messages.Stats():
            return _numbers(message)
        case messages.AudioLevels() | messages.SoundGaps() if is_home:
            return _of_speakers(message)
        case messages.SpeakerAudio() if is_home:
            if len(message.pcm) > limits.MOST_PCM or message.at_ms < 0:
                raise BadMessage("sound of an impossible length or time")
            _refuse_longer(message.user, limits.LONGEST_ID)
            return message
        case messages.MixPacket() if is_home:
            if len(message.opus) > limits.MOST_OPUS or message.sequence < 0:
                raise BadMessage("a packet of an impossible size or time")
            return message
    return None


def checked(message: sfu.FromSfuClient) -> sfu.FromSfuClient:
    """Return an SFU client's message. Raises BadMessage for what is beyond the client's bounds."""
    match message:
        case sfu.SfuParticipants():
            if len(message.participants) > MOST_PARTICIPANTS:
                raise BadMessage("more participants than are told of")
        case sfu.SfuTracksTaken():
            if len(message.sids) > MOST_TAKEN:
                raise BadMessage("more tracks than are taken")
        case sfu.SfuRoomLost():
            return dataclasses.replace(message, reason=message.reason[:LONGEST_REASON])
        case sfu.SfuStats():
            if len(message.numbers) > limits.MOST_NUMBERS:
                raise BadMessage("more numbers than there are")
        case _:
            pass
    return message


def is_own(seat: Seat, names: SignedPeerIds) -> bool:
    """Return whether a peer is of the node that tells of it. Calls have none on nodes."""
    if seat.direction is StreamDirection.CALL or len(seat.peer) > limits.LONGEST_ID:
        return False
    return names.are_of(seat.peer, seat.space, seat.user, seat.direction)


def admitted_state(told: WorkerAttached, names: SignedPeerIds) -> WorkerAttached:
    """Return what a node's worker has, without what is not the node's. Raises BadMessage."""
    gates = told.hello.gates
    if len(gates) > limits.MOST_SPACES or any(len(each) > limits.LONGEST_ID for each in gates):
        raise BadMessage("more live spaces than there can be")
    if max(len(told.hello.peers), len(told.kept)) > limits.MOST_PEERS:
        raise BadMessage("more peers than there can be")
    hello = messages.Hello(
        told.hello.pid,
        dict.fromkeys(gates, ()),
        tuple(_plain(seat) for seat in told.hello.peers if is_own(seat, names)),
    )
    kept = tuple(_plain(seat) for seat in told.kept if is_own(seat, names))
    return WorkerAttached(hello, kept, told.restarts)


def strangers(told: WorkerAttached, names: SignedPeerIds) -> list[str]:
    """Return the ids of peers that the node's worker has, and that are not the node's."""
    seats = (*told.hello.peers, *told.kept)
    return [seat.peer for seat in seats if not is_own(seat, names)]


def _reply(
    message: messages.Answer | messages.PeerRefused,
) -> messages.Answer | messages.PeerRefused:
    if isinstance(message, messages.Answer):
        _refuse_longer(message.sdp, limits.LONGEST_SDP)
        return message
    code, text = message.code[: limits.LONGEST_NAME], message.text[: limits.LONGEST_TEXT]
    return dataclasses.replace(message, code=code, text=text)


def _of_plain_call(
    message: messages.KeyPressed | messages.PromptEnded,
) -> messages.KeyPressed | messages.PromptEnded:
    """Return what happened to a peer, which counts if it is the node's: its stage looks."""
    _refuse_longer(message.peer, limits.LONGEST_ID)
    if isinstance(message, messages.PromptEnded):
        _refuse_longer(message.prompt, limits.LONGEST_NAME)
    elif message.key not in tuple(KEYS):
        raise BadMessage("a key that no keypad has")
    return message


def _plain(seat: messages.PeerSeat) -> messages.PeerSeat:
    return dataclasses.replace(seat, speaks=False, listens=False)


def _of_speakers(
    message: messages.AudioLevels | messages.SoundGaps,
) -> messages.AudioLevels | messages.SoundGaps:
    said = message.levels if isinstance(message, messages.AudioLevels) else message.missing
    if len(said) > limits.MOST_LEVELS:
        raise BadMessage("word of more people than can speak")
    within = {user: min(100, max(0, each)) for user, each in said.items()}
    if isinstance(message, messages.AudioLevels):
        return dataclasses.replace(message, levels=within)
    return dataclasses.replace(message, missing=within)


def _numbers(message: messages.Stats) -> messages.Stats:
    if len(message.numbers) > limits.MOST_NUMBERS:
        raise BadMessage("more numbers than there are")
    return message


def _refuse_longer(text: str, most: int) -> None:
    if len(text) > most:
        raise BadMessage("a text that is too long")
