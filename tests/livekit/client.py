"""A LiveKit client as scenarios drive it, whatever SDK it is made of.

`python_client.py` and `page_client.py` are the official SDKs for Python and JavaScript.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spaces_bridge_demo.expected import Event, Expected, Watch
from spaces_bridge_demo.patience import PATIENCE_S

RATE: Final = 48_000
Pcm: TypeAlias = NDArray[np.int16]
"""Sound, 48 kHz mono."""

TOPICS = ("lk.transcription", "lk.chat")
"""The topics of text streams that every client reads."""


class Refused(Exception):
    """The SDK refused what was asked for; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Track:
    """A published track: its id, and whether it is muted."""

    sid: str
    source: str
    muted: bool


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody in the room, as this client knows them."""

    identity: str
    sid: str
    attributes: Mapping[str, str]
    metadata: str
    tracks: tuple[Track, ...]


class Events:
    """What a client told of, oldest first: objects with a `kind` and what it is about.

    | kind | fields |
    |---|---|
    | `state` | `state`: connected, reconnecting, disconnected; `reason` of the last (the SDK's) |
    | `joined` | `identity` |
    | `left` | `identity`, `reason` (of the SDK for Python alone) |
    | `track_subscribed`, `track_unsubscribed` | `identity`, `sid` |
    | `track_muted`, `track_unmuted` | `identity`, `sid` |
    | `track_unpublished` | `identity`, `sid`; after it the track is in no list any more |
    | `own_track_unpublished` | `sid` |
    | `permissions` | `identity`, `can_publish`, `can_publish_data`, `can_subscribe` |
    | `attributes` | `identity`, `attributes` (those that changed) |
    | `metadata` | `identity`, `metadata` |
    | `text` | `topic`, `sender`, `text`, `attributes` |
    """

    def __init__(self, whose: str) -> None:
        self._watch = Watch()
        self._whose = whose

    @property
    def seen(self) -> list[Event]:
        """All that came."""
        return self._watch.seen

    def note(self, event: Event) -> None:
        """Note one that came."""
        self._watch.note(event)

    def next(self, kind: str, **fields: object) -> Expected:
        """Return the next of this kind with these fields, to be armed now and awaited later."""
        return self._watch.next(_like(kind, fields), self._what(kind, fields), PATIENCE_S)

    def once(self, kind: str, **fields: object) -> Expected:
        """Return the first such event, which may have come already."""
        like = _like(kind, fields)
        expected = self._watch.next(like, self._what(kind, fields), PATIENCE_S)
        for event in self.seen:
            expected.offer(event)
        return expected

    def _what(self, kind: str, fields: Mapping[str, object]) -> str:
        return f"{kind} {fields} at {self._whose}"


def _like(kind: str, fields: Mapping[str, object]) -> Callable[[Event], bool]:
    return lambda event: (
        event["kind"] == kind and all(event.get(name) == value for name, value in fields.items())
    )


class LiveKitClient(Protocol):
    """One client of a room. Its microphone hears a sound that was given when it was made."""

    @property
    def events(self) -> Events:
        """What it told of."""

    async def connect(self, url: str, token: str) -> None:
        """Connect, and return once media can flow. Raises Refused."""

    async def publish_microphone(self) -> str:
        """Publish the microphone, and return the track's id. Raises Refused."""

    async def mute(self) -> None:
        """Mute the microphone that is published."""

    async def unmute(self) -> None:
        """Unmute it."""

    async def participants(self) -> Mapping[str, Participant]:
        """Return the others in the room, by identity."""

    async def heard(self, identity: str) -> Pcm:
        """Return all sound received of somebody so far, 48 kHz mono; empty if there was none."""

    async def send_text(self, topic: str, text: str) -> None:
        """Send a text stream to everybody. Raises Refused."""

    async def disconnect(self) -> None:
        """Leave."""


def participants_of(listed: Sequence[Mapping[str, Any]]) -> Mapping[str, Participant]:
    """Read what a driver lists, by identity."""
    return {
        person["identity"]: Participant(
            person["identity"],
            person["sid"],
            person["attributes"],
            person["metadata"],
            tuple(Track(**track) for track in person["tracks"]),
        )
        for person in listed
    }
