"""What the SDK knows of a room's participants, as messages within the bounds. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from livekit import rtc
from spaces_bridge.media.sfu_client.limits import (
    LONGEST_ATTRIBUTE,
    LONGEST_IDENTITY,
    LONGEST_NAME,
    MOST_ATTRIBUTES,
    MOST_PARTICIPANTS,
    MOST_SNAPSHOT,
    MOST_TRACKS_TOLD,
    OUR_ATTRIBUTES,
)
from spaces_bridge.media.sfu_client.messages import SfuParticipant, SfuTrack

_NAMES: Final = 128
"""Bytes of JSON, at most, around what a participant or a track says of itself."""


def participants(people: Iterable[rtc.Participant]) -> tuple[SfuParticipant, ...]:
    """Return the participants; if they are too many or say too much, who may publish first."""
    seen = [_participant(person) for person in people if len(person.identity) <= LONGEST_IDENTITY]
    seen.sort(key=lambda person: not person.may_publish)
    return tuple(_fitting(seen[:MOST_PARTICIPANTS]))


def _fitting(people: Iterable[SfuParticipant]) -> Iterator[SfuParticipant]:
    """Yield those that fit into one message together, however long each of them is."""
    left = MOST_SNAPSHOT
    for person in people:
        size = _size(person)
        if size <= left:
            left -= size
            yield person


def _size(person: SfuParticipant) -> int:
    """Return how many bytes of JSON tell of a participant, at most."""
    texts = [person.identity, person.sid]
    for each in person.tracks:
        texts += each.sid, each.name
    for item in person.attributes.items():
        texts += item
    return _NAMES * (1 + len(person.tracks)) + len(json.dumps(texts))


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
        if key.startswith(OUR_ATTRIBUTES)
        and len(key) <= LONGEST_ATTRIBUTE
        and len(value) <= LONGEST_ATTRIBUTE
    ]
    return dict(short[:MOST_ATTRIBUTES])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else ""
