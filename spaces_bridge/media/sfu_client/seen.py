"""What the SDK knows of a room's participants, as messages within the bounds. Pure."""

from collections.abc import Iterable, Mapping

from livekit import rtc
from spaces_bridge.media.sfu_client.limits import (
    LONGEST_ATTRIBUTE,
    LONGEST_IDENTITY,
    LONGEST_NAME,
    MOST_ATTRIBUTES,
    MOST_PARTICIPANTS,
    MOST_TRACKS_TOLD,
)
from spaces_bridge.media.sfu_client.messages import SfuParticipant, SfuTrack


def participants(people: Iterable[rtc.Participant]) -> tuple[SfuParticipant, ...]:
    """Return the participants; if they are too many, those who may publish first."""
    seen = [_participant(person) for person in people if len(person.identity) <= LONGEST_IDENTITY]
    seen.sort(key=lambda person: not person.may_publish)
    return tuple(seen[:MOST_PARTICIPANTS])


def _participant(person: rtc.Participant) -> SfuParticipant:
    tracks = [
        SfuTrack(each.sid, _short(each.name), each.muted)
        for each in person.track_publications.values()
        if each.kind == rtc.TrackKind.KIND_AUDIO
        and each.source == rtc.TrackSource.SOURCE_MICROPHONE
        and len(each.sid) <= LONGEST_NAME
    ]
    return SfuParticipant(
        person.identity,
        _short(person.sid),
        _attributes(person.attributes),
        person.permissions.can_publish,
        tuple(tracks[:MOST_TRACKS_TOLD]),
    )


def _attributes(attributes: Mapping[str, str]) -> Mapping[str, str]:
    short = [
        (key, value)
        for key, value in sorted(attributes.items())
        if len(key) <= LONGEST_ATTRIBUTE and len(value) <= LONGEST_ATTRIBUTE
    ]
    return dict(short[:MOST_ATTRIBUTES])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else ""
