"""The ports: what the app needs of the outside world. Adapters implement them.

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
    CallAlert,
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
    """The clock, a port so that tests can set the time."""

    def now_ms(self) -> int:
        """Return the Unix time in milliseconds."""
        ...


# --- storage ---------------------------------------------------------------------------------


class Journal(Protocol):
    """The journal stores the events of every live space, and the outbox tasks they lead to."""

    async def append(
        self,
        space: SpaceId,
        events: Sequence[StoredEvent],
        effects: Sequence[OutboxEntry],
        summary: SpaceSummary,
    ) -> None:
        """Store events, outbox entries and summary in one transaction.

        Raises JournalConflict, StorageError.
        """
        ...

    async def replay(self, space: SpaceId) -> list[StoredEvent]:
        """Return the whole journal of one live space, in order; empty for an unknown one."""
        ...

    async def open_spaces(self) -> list[SpaceId]:
        """Return all live spaces that have not ended."""
        ...


class Directory(Protocol):
    """The directory looks up live spaces, ended ones included."""

    async def by_slug(self, slug: str) -> SpaceSummary | None: ...

    async def by_room(self, room: RoomId) -> SpaceSummary | None: ...

    async def listing(self, phases: Collection[str], limit: int) -> list[SpaceSummary]:
        """Return live spaces in these phases, newest first."""
        ...


class Outbox(Protocol):
    """The outbox keeps tasks towards Matrix until they are done."""

    async def enqueue(self, effects: Sequence[OutboxEntry]) -> None:
        """Store the entries; a known key is ignored (collapse: the task is done once more)."""
        ...

    async def pending(self, after_id: int, limit: int) -> list[OutboxRow]:
        """Return the tasks that are not done, in order, from behind `after_id`."""
        ...

    async def complete(self, key: str, generation: int, result: str | None) -> bool:
        """Mark a task as done. False: a collapse task was stored again meanwhile and stays."""
        ...

    async def postpone(self, key: str, due_at_ms: int, error: str) -> None:
        """Note that a task failed for now; it is not due before `due_at_ms`."""
        ...

    async def bury(self, key: str, error: str) -> None:
        """Give up on a task, and keep it for people to look at."""
        ...

    async def absorb(self, key: str, body: Mapping[str, object], absorbed: Sequence[str]) -> None:
        """Let the task `key` take the place of `absorbed`, with a new body, in one transaction."""
        ...

    async def recall(self, key: str) -> str | None:
        """Return the result of a task that is done."""
        ...

    async def prune(self, before_ms: int) -> None:
        """Delete tasks done before then; those that are pending or buried stay."""
        ...


class NoteStore(Protocol):
    """The note store keeps notes. Each call is one transaction; all raise StorageError."""

    async def put(self, note: Note) -> None:
        """Write the note; it replaces the one with the same key."""
        ...

    async def get(self, key: Key[N]) -> N | None:
        """Return the note with this key.

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
    """The inbox keeps events the homeserver has handed over until they are handled."""

    async def store(self, events: Sequence[InboxEvent]) -> bool:
        """Store the events durably, each event id once. False: every one was known.

        Transaction ids say nothing: a homeserver may begin to count them anew.
        """
        ...

    async def pending(self, after_seq: int, limit: int) -> list[InboxRow]:
        """Return the events that are not handled, in order of arrival, from behind `after_seq`."""
        ...

    async def done(self, seq: int) -> None:
        """Mark an event as handled, and remember its id until `prune`."""
        ...

    async def bury(self, seq: int, error: str) -> None:
        """Give up on an event that cannot be handled, and keep it for people to look at."""
        ...

    async def reopen(self, event: InboxEvent) -> None:
        """Have an event handled once more, after those that have come: it can be read now."""
        ...

    async def newest_ms(self) -> int | None:
        """Return the time at which the last event came; None: none ever did, or all are pruned."""
        ...

    async def prune(self, before_ms: int) -> None:
        """Delete handled events that came before then."""
        ...


class Tokens(Protocol):
    """The store of tokens: hashed secrets of personal links and page sessions."""

    async def put(self, token: Token) -> None: ...

    async def find(self, hash_: str) -> Token | None: ...

    async def revoke(self, space: SpaceId, user: UserId) -> None: ...

    async def prune(self, before_ms: int) -> None:
        """Delete the tokens of live spaces that ended before then, a few at a time."""
        ...


class Followers(Protocol):
    """The store of followers, and of those who want no invitations.

    It keeps both for ever; all methods raise StorageError.
    """

    async def follow(self, host: UserId, follower: UserId, at_ms: int) -> bool:
        """Follow the host; that lifts a silence towards this host. False: followed already."""
        ...

    async def unfollow(self, host: UserId, follower: UserId) -> bool:
        """Follow the host no more. False: did not follow."""
        ...

    async def follows(self, host: UserId, follower: UserId) -> bool: ...

    async def count(self, host: UserId) -> int: ...

    async def of(self, host: UserId, after: UserId | None, limit: int) -> list[UserId]:
        """Return followers in the order of their ids, those behind `after`."""
        ...

    async def alert(self, host: UserId, follower: UserId) -> CallAlert:
        """Return how the follower wants to be alerted; NONE also for who does not follow."""
        ...

    async def set_alert(self, host: UserId, follower: UserId, alert: CallAlert) -> None:
        """Set how the follower wants to be alerted; of who does not follow nothing is kept."""
        ...

    async def alerted(
        self, host: UserId, alert: CallAlert, after: UserId | None, limit: int
    ) -> list[UserId]:
        """Return followers who want this alert, by their ids, those behind `after`."""
        ...

    async def silence(self, user: UserId, host: UserId | None, at_ms: int) -> None:
        """Want no invitations from this host (None: from anybody); follows of it end."""
        ...

    async def hear_again(self, user: UserId, host: UserId | None) -> None:
        """End what `silence` began."""
        ...

    async def is_silent(self, user: UserId, host: UserId) -> bool:
        """Return whether this person wants no invitations from this host.

        Silence towards everybody spares those whom the person follows (again) since.
        """
        ...


class Blocks(Protocol):
    """The store of hosts' block lists. All methods raise StorageError."""

    async def put(self, block: Block) -> None: ...

    async def drop(self, host: UserId, target: str) -> bool:
        """Delete the block. False: the target was not blocked."""
        ...

    async def all(self) -> list[Block]: ...


class PolicyRules(Protocol):
    """The store of the rules of policy lists the bridge follows. All raise StorageError."""

    async def put(self, rule: PolicyRule) -> None:
        """Store a rule; it replaces the one with the same room, kind and key."""
        ...

    async def drop(self, room: RoomId, kind: str, key: str) -> bool:
        """Delete a rule. False: there was none."""
        ...

    async def replace(self, room: RoomId, rules: Sequence[PolicyRule]) -> None:
        """Replace all the rules of one policy list, the one in `room`."""
        ...

    async def all(self) -> list[PolicyRule]: ...


class Reports(Protocol):
    """The store of reports about people. All methods raise StorageError."""

    async def file(
        self, report: Report, source: str, then: Callable[[int], OutboxEntry] | None = None
    ) -> int:
        """Store a report once per `source`, and the outbox entry made of its id; return the id."""
        ...

    async def is_filed(self, source: str) -> bool:
        """Return whether a report of this `source` is stored."""
        ...

    async def filed_by(self, reporter: UserId, since_ms: int) -> int:
        """Return how many reports this person has filed since `since_ms`."""
        ...

    async def reporters_in(self, space: SpaceId, since_ms: int) -> list[UserId]:
        """Return the reporters in this live space since `since_ms`, one for each report."""
        ...

    async def find(self, report: int) -> Report | None: ...

    async def listing(self, limit: int) -> list[Report]:
        """Return reports, newest first."""
        ...


class Health(Protocol):
    """A health check of an adapter."""

    async def check(self) -> None:
        """Raise AdapterError with a plain sentence when the adapter does not work."""
        ...


# --- Matrix ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """A snapshot of a room as the homeserver holds it now.

    `levels` are the own `users` entries, `joined` maps members to their names.
    """

    levels: Mapping[UserId, int]
    joined: Mapping[UserId, str]
    banned: frozenset[UserId] = frozenset()


class RoomReader(Protocol):
    """The room reader reads the current state of rooms."""

    async def read_room(self, room: RoomId) -> RoomSnapshot:
        """Return the room's state. Raises AdapterError while the homeserver is away."""
        ...


@dataclass(frozen=True, slots=True)
class Avatar:
    """A person's picture, of a kind that browsers draw and never run."""

    content_type: str
    body: bytes


class Pictures(Protocol):
    """The source of people's pictures."""

    async def avatar(self, user: UserId) -> Avatar | None:
        """Return a small picture from the person's profile, or None if none can be had now.

        Never raises; takes seconds at most.
        """
        ...


class OutboxSignal(Protocol):
    """The signal to the dispatcher that carries out the outbox."""

    def wake(self) -> None:
        """Say that there is something new in the outbox."""
        ...


class Identities(Protocol):
    """The check of OpenID tokens, as widgets get them from the client they are in."""

    async def verify(self, server: str, token: str) -> UserId | None:
        """Return the account that holds the token, as its own server says; None: nobody's token.

        Raises AdapterError when the server cannot be asked.
        """
        ...


# --- sound -----------------------------------------------------------------------------------


class Direction(StrEnum):
    """The direction in which sound flows, seen from the peer."""

    LISTEN = "listen"
    SPEAK = "speak"
    CALL = "call"
    """Both ways, a stream for each speaker: see `call_ports`."""
    DUPLEX = "duplex"
    """Both ways, the mix in one stream: see `plain_call_ports`."""


@dataclass(frozen=True, slots=True)
class MediaSession:
    """A media session: a negotiated WebRTC connection."""

    id: str
    answer: str
    """The SDP answer."""


class Stage(Protocol):
    """The stage carries the sound of all live spaces."""

    def listen(self, listener: "StageListener") -> None:
        """Set the listener that is told what the stage notices; once, before start."""
        ...

    def open_space(self, space: SpaceId, elapsed_ms: int) -> None:
        """Let sound flow from now on; `elapsed_ms` since the live space started.

        All sound not taken yet of a live space that a worker has kept up is sent again.
        """
        ...

    def close_space(self, space: SpaceId) -> None:
        """End the sound of a live space."""
        ...

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        """Let exactly these people be heard."""
        ...

    def set_volumes(self, space: SpaceId, volumes: Mapping[UserId, int]) -> None:
        """Have these people heard so loud, in percent of their sound, all others automatically."""
        ...

    def open_microphone(self, space: SpaceId, user: UserId) -> None:
        """Let this person be heard, too."""
        ...

    def close_microphone(self, space: SpaceId, user: UserId) -> None:
        """Silence the microphone at the next tick; waits for nothing."""
        ...

    def end_microphone_session(self, space: SpaceId, user: UserId, spare: str = "") -> None:
        """Hang up the person's microphone sessions, as the floor is gone; all but `spare`.

        `spare`: the session that is the microphone now.
        """
        ...

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        """Hang up the connections by which a person listens, also those of an earlier run."""
        ...

    def end_guests(self, space: SpaceId, domain: str) -> None:
        """Hang up all connections by which guests listen or speak. `domain`: our own."""
        ...

    async def offer(
        self, space: SpaceId, user: UserId, direction: Direction, sdp: str
    ) -> MediaSession:
        """Answer an SDP offer. Raises OfferRefused, AdapterError (no worker)."""
        ...

    def hang_up(self, session: str) -> bool:
        """End one media session. False: it is not known."""
        ...

    def is_cut(self, session: str) -> bool:
        """Return whether a part of what this session sent was dropped because it was too much."""
        ...

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Return whether the person has a microphone connection."""
        ...

    def listeners(self, space: SpaceId) -> int:
        """Return the number of connections that listen."""
        ...

    def mix(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Return the mix as an Ogg Opus stream (RFC 7845) from now on; `tags` are for players."""
        ...

    def audio_taken(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        """Forget what this speaker said before `until_ms`: it is captioned."""
        ...

    def replay_audio(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        """Send again the audio since `from_ms` that was not taken, as far as it is kept."""
        ...


class StageListener(Protocol):
    """The listener that is told what the stage notices."""

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        """Take the loudness of each speaker, 0..100."""
        ...

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        """Take who is heard with gaps, and how much is missing, in percent."""
        ...

    def audio(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        """Take audio of an open microphone: signed 16-bit little-endian, 16 kHz, mono."""
        ...

    def microphone_lost(self, space: SpaceId, user: UserId) -> None:
        """The microphone's connection is gone."""
        ...

    def microphone_cut(self, space: SpaceId, user: UserId) -> None:
        """The microphone sends more than is taken: a part of its sound is dropped."""
        ...

    def listeners_changed(self, space: SpaceId) -> None:
        """The number of connections that listen is another one now."""
        ...

    def worker_restarted(self, spaces: Collection[SpaceId]) -> None:
        """A media worker died and a new one took over; these live spaces were on it."""
        ...


# --- captions --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft of an utterance that is being spoken, as far as `end_ms`. Shown, never kept.

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
        """Return the draft without text, which leaves of the utterance only its final, if any."""
        return cls(said.utterance, said.speaker, "", 0, said.start_ms, said.end_ms, said.language)


class Captioner(Protocol):
    """The captioner turns speech into words."""

    def listen(self, listener: "CaptionListener") -> None: ...

    def open_track(self, space: SpaceId, user: UserId, language: str) -> None:
        """Begin to caption a speaker. `language`: ISO 639-1 or "auto"."""
        ...

    def hear(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        """Take a speaker's audio: signed 16-bit little-endian, 16 kHz, mono; never blocks."""
        ...

    def close_track(self, space: SpaceId, user: UserId) -> None:
        """End a speaker's track as the microphone closed: the last words are final now."""
        ...


class CaptionListener(Protocol):
    """The listener that is told of drafts and captions."""

    def drafted(self, space: SpaceId, draft: Draft) -> None:
        """Take a draft; every draft ends in a final or in a draft without text."""
        ...

    def captioned(self, space: SpaceId, said: CaptionUtterance) -> None:
        """An utterance is finished."""
        ...

    def heard(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        """All audio before `until_ms` is in finals that were handed over, or was no speech."""
        ...

    def missed(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        """The worker lost the audio since `from_ms`; it is to be played again if it is kept."""
        ...

    def paused(self, paused: bool) -> None:
        """Captioning stopped (a crash, too much to do) or goes on."""
        ...


# --- moderation ------------------------------------------------------------------------------


class BanLists(Protocol):
    """The ban lists: hosts' block lists and policy lists."""

    def entered(self, space: LiveSpace, user: UserId) -> None:
        """A person has come into the room; one who may not be there is removed."""
        ...

    def readmitted(self, space: LiveSpace, user: UserId, by: UserId | None) -> None:
        """A person's ban was lifted."""
        ...


# --- the page --------------------------------------------------------------------------------


class Audience(Protocol):
    """The audience: everybody who follows a live space on its page."""

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """Tell pages of the live space as it is now, and of the events that led there."""
        ...

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        """Tell pages how loud each speaker is, 0..100."""
        ...

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        """Tell speakers who are heard with gaps, and hosts, how much is missing, in percent."""
        ...

    def draft(self, space: SpaceId, draft: Draft) -> None:
        """Show the draft of what a speaker is saying; without text: take it away."""
        ...

    def notice(self, space: SpaceId, said: Sentence, to: UserId | None = None) -> None:
        """Show a sentence to everybody there, or on one person's pages."""
        ...

    def chatted(self, space: SpaceId, news: ChatNews) -> None:
        """Tell pages the news of the chat: lines written, changed or gone."""
        ...

    def guests(self, space: SpaceId) -> int:
        """Return the number of guests on the page right now."""
        ...
