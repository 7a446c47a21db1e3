"""What the app needs of the world. Adapters implement these.

Methods that are not `async` only *tell*: they queue and return at once, never raise for the
outside's faults, and may be repeated safely. No port calls back into a live space's actor and
waits; what comes back comes through the listeners below, which only tell, too.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from spaces_bridge.app.chat import ChatNews
from spaces_bridge.app.notes.record import Key, N, Note
from spaces_bridge.app.records import (
    Block,
    InboxEvent,
    InboxRow,
    OutboxEntry,
    OutboxRow,
    PolicyRule,
    Report,
    SpaceSummary,
    StoredEvent,
    Token,
)
from spaces_bridge.core.commands import CaptionUtterance
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence


class Clock(Protocol):
    """Time, so that tests can set it."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        ...


# --- storage ---------------------------------------------------------------------------------


class Journal(Protocol):
    """The events of every live space, and with them the wishes they lead to."""

    async def append(
        self,
        space: SpaceId,
        events: Sequence[StoredEvent],
        effects: Sequence[OutboxEntry],
        summary: SpaceSummary,
    ) -> None:
        """Store all in one transaction. Raises JournalConflict, StorageError."""
        ...

    async def replay(self, space: SpaceId) -> list[StoredEvent]:
        """The whole journal of one live space, in order; empty for an unknown one."""
        ...

    async def open_spaces(self) -> list[SpaceId]:
        """All live spaces that have not ended."""
        ...


class Directory(Protocol):
    """Look-ups over all live spaces, ended ones included."""

    async def by_slug(self, slug: str) -> SpaceSummary | None: ...

    async def by_room(self, room: RoomId) -> SpaceSummary | None: ...

    async def listing(self, phases: Collection[str], limit: int) -> list[SpaceSummary]:
        """Newest first."""
        ...


class Outbox(Protocol):
    """Wishes towards Matrix, kept until done."""

    async def enqueue(self, effects: Sequence[OutboxEntry]) -> None:
        """Store; a known key is ignored (collapse: done once more)."""
        ...

    async def pending(self, after_id: int, limit: int) -> list[OutboxRow]: ...

    async def complete(self, key: str, generation: int, result: str | None) -> bool:
        """Done. False: a collapse effect was wished again meanwhile and stays."""
        ...

    async def postpone(self, key: str, due_at_ms: int, error: str) -> None: ...

    async def bury(self, key: str, error: str) -> None:
        """Give up on it, and keep it for people to look at."""
        ...

    async def absorb(self, key: str, body: Mapping[str, object], absorbed: Sequence[str]) -> None:
        """`key` takes the place of `absorbed`, with a new body, in one transaction."""
        ...

    async def recall(self, key: str) -> str | None:
        """The result of a done effect."""
        ...

    async def prune(self, before_ms: int) -> None: ...


class NoteStore(Protocol):
    """Keeps notes. Each call is one transaction; all raise StorageError."""

    async def put(self, note: Note) -> None:
        """Write the note; it replaces the one with the same key."""
        ...

    async def get(self, key: Key[N]) -> N | None:
        """The note with this key.

        A note that cannot be read counts as absent; the log says so once.
        """
        ...

    async def drop(self, key: Key[N]) -> None:
        """Delete the note with this key, if there is one."""
        ...

    async def prune(self) -> None:
        """Delete every note whose expiry has passed, a few at a time."""
        ...


class Inbox(Protocol):
    """Events the homeserver has handed over, kept until handled."""

    async def store(self, events: Sequence[InboxEvent]) -> bool:
        """Store durably, each event id once. False: every one was known.

        Transaction ids say nothing: a homeserver may begin to count them anew.
        """
        ...

    async def pending(self, after_seq: int, limit: int) -> list[InboxRow]: ...

    async def done(self, seq: int) -> None: ...

    async def bury(self, seq: int, error: str) -> None: ...

    async def newest_ms(self) -> int | None:
        """When the last event came; None: none ever did, or all are forgotten."""
        ...

    async def prune(self, before_ms: int) -> None: ...


class Tokens(Protocol):
    """Hashed secrets of personal links and page sessions."""

    async def put(self, token: Token) -> None: ...

    async def find(self, hash_: str) -> Token | None: ...

    async def revoke(self, space: SpaceId, user: UserId) -> None: ...

    async def prune(self, before_ms: int) -> None:
        """Delete the tokens of live spaces that ended before then, a few at a time."""
        ...


class Followers(Protocol):
    """Who follows whom, and who wants no invitations. Kept for ever; all raise StorageError."""

    async def follow(self, host: UserId, follower: UserId, at_ms: int) -> bool:
        """Follow; lifts the silence towards this host. False: followed already."""
        ...

    async def unfollow(self, host: UserId, follower: UserId) -> bool:
        """False: did not follow."""
        ...

    async def follows(self, host: UserId, follower: UserId) -> bool: ...

    async def count(self, host: UserId) -> int: ...

    async def of(self, host: UserId, after: UserId | None, limit: int) -> list[UserId]:
        """Followers in the order of their ids, those behind `after`."""
        ...

    async def silence(self, user: UserId, host: UserId | None, at_ms: int) -> None:
        """No invitations from this host (None: from anybody); follows of it end."""
        ...

    async def hear_again(self, user: UserId, host: UserId | None) -> None:
        """The end of `silence`."""
        ...

    async def is_silent(self, user: UserId, host: UserId) -> bool:
        """Whether this person wants no invitations from this host.

        Silence towards everybody spares those whom the person follows (again) since.
        """
        ...


class Blocks(Protocol):
    """Hosts' block lists. All raise StorageError."""

    async def put(self, block: Block) -> None: ...

    async def drop(self, host: UserId, target: str) -> bool:
        """False: was not blocked."""
        ...

    async def all(self) -> list[Block]: ...


class PolicyRules(Protocol):
    """Rules of the policy lists the bridge follows. All raise StorageError."""

    async def put(self, rule: PolicyRule) -> None:
        """Store; the same room, kind and key again replaces it."""
        ...

    async def drop(self, room: RoomId, kind: str, key: str) -> bool: ...

    async def replace(self, room: RoomId, rules: Sequence[PolicyRule]) -> None:
        """These are all the rules of one list."""
        ...

    async def all(self) -> list[PolicyRule]: ...


class Reports(Protocol):
    """Reports of people. All raise StorageError."""

    async def file(
        self, report: Report, source: str, then: Callable[[int], OutboxEntry] | None = None
    ) -> int:
        """Store once per `source`, and with it the wish made of its id; the report's id."""
        ...

    async def is_filed(self, source: str) -> bool:
        """Whether a report of this `source` is stored."""
        ...

    async def filed_by(self, reporter: UserId, since_ms: int) -> int:
        """How many reports this person has filed since then."""
        ...

    async def reporters_in(self, space: SpaceId, since_ms: int) -> list[UserId]:
        """Who has filed the reports in this live space since then, one for each report."""
        ...

    async def find(self, report: int) -> Report | None: ...

    async def listing(self, limit: int) -> list[Report]:
        """Newest first."""
        ...


class Health(Protocol):
    """Whether an adapter works."""

    async def check(self) -> None:
        """Raises AdapterError with a plain sentence when it does not."""
        ...


# --- Matrix ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """A room as the homeserver holds it now: own level entries, the joined by name, the banned."""

    levels: Mapping[UserId, int]
    joined: Mapping[UserId, str]
    banned: frozenset[UserId] = frozenset()


class RoomReader(Protocol):
    """Reads the current state of rooms."""

    async def read_room(self, room: RoomId) -> RoomSnapshot:
        """Raises AdapterError while the homeserver is away."""
        ...


@dataclass(frozen=True, slots=True)
class Portrait:
    """Somebody's picture, of a kind that browsers draw and never run."""

    content_type: str
    body: bytes


class Pictures(Protocol):
    """What people look like."""

    async def portrait(self, user: UserId) -> Portrait | None:
        """A small picture from the person's profile. None: there is none, or none to be had now.

        Never raises; takes seconds at most.
        """
        ...


class OutboxSignal(Protocol):
    """Carries out the outbox."""

    def wake(self) -> None:
        """There is something new in the outbox."""
        ...


class Identities(Protocol):
    """Knows who holds an OpenID token, as widgets get one from the client they are in."""

    async def verify(self, server: str, token: str) -> UserId | None:
        """The account by the word of its own server; None: nobody's token.

        Raises AdapterError when the server cannot be asked.
        """
        ...


# --- sound -----------------------------------------------------------------------------------


class Direction(StrEnum):
    """Which way sound flows, seen from the peer."""

    LISTEN = "listen"
    SPEAK = "speak"


@dataclass(frozen=True, slots=True)
class MediaSession:
    """A negotiated WebRTC connection."""

    id: str
    answer: str
    """SDP."""


class Stage(Protocol):
    """The sound of all live spaces."""

    def listen(self, listener: "StageListener") -> None:
        """Who is told what the stage notices; set once, before start."""
        ...

    def open_space(self, space: SpaceId, elapsed_ms: int) -> None:
        """Sound flows from now on; `elapsed_ms` since the live space started.

        Of a live space that a worker has kept up, all sound not taken yet is sent again.
        """
        ...

    def close_space(self, space: SpaceId) -> None: ...

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        """Exactly these are heard."""
        ...

    def open_microphone(self, space: SpaceId, user: UserId) -> None: ...

    def close_microphone(self, space: SpaceId, user: UserId) -> None:
        """Silence at the next tick; waits for nothing."""
        ...

    def end_microphone_session(self, space: SpaceId, user: UserId, spare: str = "") -> None:
        """The floor is gone, or the session `spare` is the microphone now: hang up the rest."""
        ...

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        """The person may not listen any more: hang up, also what an earlier run has let in."""
        ...

    def end_guests(self, space: SpaceId, domain: str) -> None:
        """No guest may listen or speak any more: hang up all of theirs. `domain`: our own."""
        ...

    async def offer(
        self, space: SpaceId, user: UserId, direction: Direction, sdp: str
    ) -> MediaSession:
        """Answer an SDP offer. Raises OfferRefused, AdapterError (no worker)."""
        ...

    def hang_up(self, session: str) -> bool:
        """End one connection. False: not known."""
        ...

    def is_cut(self, session: str) -> bool:
        """Whether a part of what this session sent was dropped because it was too much."""
        ...

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Whether the person has a microphone connection."""
        ...

    def listeners(self, space: SpaceId) -> int:
        """Connections that listen."""
        ...

    def mix(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The mix as an Ogg Opus stream (RFC 7845) from now on; `tags` name it to players."""
        ...

    def audio_taken(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        """Everything this speaker said before is captioned; forget it."""
        ...

    def replay_audio(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        """Send again what was not taken, as far as it is kept."""
        ...


class StageListener(Protocol):
    """What the stage notices."""

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        """How loud each speaker is, 0..100."""
        ...

    def audio(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        """What an open microphone said: signed 16-bit little-endian, 16 kHz, mono."""
        ...

    def microphone_lost(self, space: SpaceId, user: UserId) -> None:
        """The microphone's connection is gone."""
        ...

    def microphone_cut(self, space: SpaceId, user: UserId) -> None:
        """The microphone sends more than is taken: a part of its sound is dropped."""
        ...

    def listeners_changed(self, space: SpaceId) -> None: ...

    def worker_restarted(self, spaces: Collection[SpaceId]) -> None:
        """A media worker died and a new one took over; these spaces were on it."""
        ...


# --- captions --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """An utterance that is being spoken, as far as `end_ms`. Shown, never kept.

    The first `committed` characters (code points) of `text` are in all its later drafts. Its
    final bears the same id. No text: the utterance came to nothing, its draft goes.
    """

    utterance: UtteranceId
    speaker: UserId
    text: str
    committed: int
    start_ms: int
    end_ms: int
    language: str

    @classmethod
    def taken_back(cls, said: CaptionUtterance) -> "Draft":
        """That nothing is to be shown of the utterance but its final, if there is one."""
        return cls(said.utterance, said.speaker, "", 0, said.start_ms, said.end_ms, said.language)


class Captioner(Protocol):
    """Turns speech into words."""

    def listen(self, listener: "CaptionListener") -> None: ...

    def open_track(self, space: SpaceId, user: UserId, language: str) -> None:
        """`language`: ISO 639-1 or "auto"."""
        ...

    def hear(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        """Signed 16-bit little-endian, 16 kHz, mono; never blocks."""
        ...

    def close_track(self, space: SpaceId, user: UserId) -> None:
        """The microphone closed: the last words are final now."""
        ...


class CaptionListener(Protocol):
    """What the captioner has to say."""

    def drafted(self, space: SpaceId, draft: Draft) -> None:
        """What is being said; every draft ends in a final or in one without text."""
        ...

    def captioned(self, space: SpaceId, said: CaptionUtterance) -> None:
        """An utterance is finished."""
        ...

    def heard(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        """Everything before is in finals that were handed over, or was no speech."""
        ...

    def missed(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        """The worker lost what came since; it is to be played again if it is kept."""
        ...

    def paused(self, paused: bool) -> None:
        """Captioning stopped (a crash, too much to do) or goes on."""
        ...


# --- moderation ------------------------------------------------------------------------------


class BanLists(Protocol):
    """Knows the block lists and policy lists."""

    def entered(self, space: LiveSpace, user: UserId) -> None:
        """Somebody has come into the room: whoever may not be there is shown out."""
        ...

    def readmitted(self, space: LiveSpace, user: UserId, by: UserId | None) -> None:
        """Somebody's ban was lifted."""
        ...


# --- the page --------------------------------------------------------------------------------


class Audience(Protocol):
    """Everybody who follows a live space on its page."""

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """The live space as it is now, and what has just happened."""
        ...

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None: ...

    def draft(self, space: SpaceId, draft: Draft) -> None:
        """What somebody is saying; without text: no more of that."""
        ...

    def notice(self, space: SpaceId, said: Sentence, to: UserId | None = None) -> None:
        """A sentence for everybody there, or for one person's pages."""
        ...

    def chatted(self, space: SpaceId, news: ChatNews) -> None:
        """Somebody wrote, or what was written is another thing now, or gone."""
        ...

    def guests(self, space: SpaceId) -> int:
        """Guests on the page right now."""
        ...
