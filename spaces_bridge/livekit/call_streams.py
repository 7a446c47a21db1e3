"""The streams of a call: whose voice is carried by which participant's track. Pure."""

from collections.abc import Iterable, Sequence, Set
from itertools import chain

from spaces_bridge.app.call_ports import CallStream
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit.participants import BotParticipant, CallParticipant
from spaces_bridge.livekit.tracks import SpeakerTrack
from spaces_bridge.livekit.transcriptions import CallVoice


def seat_speakers(
    bot: BotParticipant,
    view: LiveSpace,
    participants: Iterable[CallParticipant],
    closing: Set[UserId],
) -> bool:
    """Give the bot a track for each speaker who is not in the call; True: something changed.

    One who has closed the microphone keeps the track, muted, for as long as the floor lasts.
    `closing` are those whose microphone is being closed: they get none.
    """
    in_call = {participant.user for participant in participants if participant.microphone}
    before = bot.tracks
    kept = {user for user in before if view.role(user).may_speak and view.person(user).joined}
    tracks = {
        user: before.get(user) or SpeakerTrack(user, "", muted=True)
        for user in sorted((view.on_air | kept) - in_call - view.closing - closing)
    }
    changed = tracks.keys() != before.keys()
    for user, track in tracks.items():
        seen = (view.person(user).name, user not in view.on_air)
        changed |= (track.name, track.muted) != seen
        track.name, track.muted = seen
    bot.tracks = tracks
    return changed


def streams_of(
    participants: Iterable[CallParticipant], bot: BotParticipant
) -> tuple[CallStream, ...]:
    """Return one stream for each voice in the call."""
    return tuple(chain(_of_participants(participants), _of_bot(bot)))


def voice_of(
    speaker: UserId, participants: Sequence[CallParticipant], bot: BotParticipant
) -> CallVoice:
    """Return as which participant a speaker is heard in the call.

    Captions come late: of somebody whose track is gone, the participant remains, and the bot of
    somebody who is not in the call.
    """
    for stream in streams_of(participants, bot):
        if stream.speaker == speaker:
            sid = stream.stream.partition("|")[0]
            heard = next((each for each in participants if each.sid == sid), bot)
            return CallVoice(heard.identity, stream.track)
    own = next((each for each in participants if each.user == speaker), bot)
    return CallVoice(own.identity)


def _of_participants(participants: Iterable[CallParticipant]) -> Iterable[CallStream]:
    """Yield one stream for each person: of the device that was opened last."""
    voices: dict[UserId, CallParticipant] = {}
    for participant in participants:
        other = voices.get(participant.user)
        if _number(participant) > (_number(other) if other is not None else -1):
            voices[participant.user] = participant
    for user, participant in voices.items():
        track = participant.microphone
        if track is not None:
            yield _stream(user, participant.sid, track.sid)


def _of_bot(bot: BotParticipant) -> Iterable[CallStream]:
    for user, track in bot.tracks.items():
        yield _stream(user, bot.sid, track.sid)


def _number(participant: CallParticipant) -> int:
    """Return the number of the last opening of a track that is negotiated; -1 without one."""
    track = participant.microphone
    return track.opened if track is not None and track.section else -1


def _stream(speaker: UserId, participant_sid: str, track_sid: str) -> CallStream:
    return CallStream(speaker, f"{participant_sid}|{track_sid}", track_sid)
