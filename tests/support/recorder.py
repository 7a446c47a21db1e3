"""One recorder that plays every port of the app, in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from spaces_bridge.app.chat import ChatNews
from spaces_bridge.app.context import AppContext, AppSettings
from spaces_bridge.app.errors import AdapterError, JournalConflict
from spaces_bridge.app.ports import (
    CaptionListener,
    Direction,
    Draft,
    MediaSession,
    RoomSnapshot,
    StageListener,
)
from spaces_bridge.app.records import (
    CallAlert,
    OutboxEntry,
    OutboxRow,
    SpaceSummary,
    StoredEvent,
    Token,
)
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence
from tests.support.notes import MemoryNotes


class Recorder:
    """Journal, directory, outbox, tokens, stage, captioner, audience, signal, clock, rooms."""

    def __init__(self) -> None:
        self.now = 10_000
        self.rows: dict[SpaceId, list[StoredEvent]] = {}
        self.summaries: dict[SpaceId, SpaceSummary] = {}
        self.notes = MemoryNotes()
        self.effects: dict[str, OutboxEntry] = {}
        self.results: dict[str, str] = {}
        self.tokens: dict[str, Token] = {}
        self.calls: list[tuple[object, ...]] = []
        self.failures: list[Exception] = []
        self.rooms: dict[RoomId, RoomSnapshot] = {}
        self.microphones: set[UserId] = set()
        self.hung_up: list[str] = []
        self.on_sent_away: Callable[[UserId], None] = lambda _user: None
        """Called when somebody's listening is ended, as a stage tells its calls at once."""
        self.following: set[tuple[UserId, UserId]] = set()
        self.alerts: dict[tuple[UserId, UserId], CallAlert] = {}
        self.silent: set[tuple[UserId, UserId | None]] = set()
        self._enqueued = asyncio.Event()

    def context(self, settings: AppSettings | None = None) -> AppContext:
        chosen = settings or AppSettings(domain="example.org")
        return AppContext(
            self, self, self, self.notes, self, self, self, self, self, self, self, chosen
        )

    def kinds(self) -> list[str]:
        """The kinds of all tasks so far."""
        return [effect.kind for effect in self.effects.values()]

    def enqueued(self, kind: str) -> list[Mapping[str, object]]:
        return [e.body for e in self.effects.values() if e.kind == kind]

    async def wait_for_task(self, kind: str) -> None:
        """Wait until a task of this kind is in the outbox."""
        while kind not in self.kinds():
            self._enqueued.clear()
            await self._enqueued.wait()

    def called(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    # clock
    def now_ms(self) -> int:
        return self.now

    # journal and directory
    async def append(
        self,
        space: SpaceId,
        events: Sequence[StoredEvent],
        effects: Sequence[OutboxEntry],
        summary: SpaceSummary,
    ) -> None:
        self.calls.append(("append", space, len(events)))
        if self.failures:
            raise self.failures.pop(0)
        rows = self.rows.setdefault(space, [])
        if {row.seq for row in rows} & {event.seq for event in events}:
            raise JournalConflict("taken")
        rows += events
        self.summaries[space] = summary
        await self.enqueue(effects)

    async def replay(self, space: SpaceId) -> list[StoredEvent]:
        if self.failures:
            raise self.failures.pop(0)
        return list(self.rows.get(space, ()))

    async def open_spaces(self) -> list[SpaceId]:
        return [s.space for s in self.summaries.values() if s.phase != "ended"]

    async def by_slug(self, slug: str) -> SpaceSummary | None:
        return next((s for s in self.summaries.values() if s.slug == slug), None)

    async def by_room(self, room: RoomId) -> SpaceSummary | None:
        return next((s for s in self.summaries.values() if s.room == room), None)

    async def listing(self, phases: Collection[str], limit: int) -> list[SpaceSummary]:
        return [s for s in self.summaries.values() if s.phase in phases][:limit]

    # outbox
    async def enqueue(self, effects: Sequence[OutboxEntry]) -> None:
        for effect in effects:
            self.effects.setdefault(effect.key, effect)
        self._enqueued.set()

    async def pending(self, after_id: int, limit: int) -> list[OutboxRow]:
        rows = [OutboxRow(n, e, 0, 0) for n, e in enumerate(self.effects.values(), 1)]
        return [row for row in rows if row.id > after_id][:limit]

    async def complete(self, key: str, generation: int, result: str | None) -> bool:
        if result is not None:
            self.results[key] = result
        return self.effects.pop(key, None) is not None

    async def postpone(self, key: str, due_at_ms: int, error: str) -> None:
        self.calls.append(("postpone", key))

    async def bury(self, key: str, error: str) -> None:
        self.calls.append(("bury", key))

    async def absorb(self, key: str, body: Mapping[str, object], absorbed: Sequence[str]) -> None:
        self.calls.append(("absorb", key, tuple(absorbed)))

    async def recall(self, key: str) -> str | None:
        return self.results.get(key)

    async def prune(self, before_ms: int, *more_ms: int) -> None:
        self.calls.append(("prune", before_ms, *more_ms))

    # tokens
    async def put(self, token: Token) -> None:
        self.tokens[token.hash] = token

    async def find(self, hash_: str) -> Token | None:
        return self.tokens.get(hash_)

    async def revoke(self, space: SpaceId, user: UserId) -> None:
        kept = {h: t for h, t in self.tokens.items() if (t.space, t.user) != (space, user)}
        self.tokens = kept

    # outbox signal
    def wake(self) -> None:
        self.calls.append(("wake",))

    # rooms
    async def read_room(self, room: RoomId) -> RoomSnapshot:
        if room not in self.rooms:
            raise AdapterError("the homeserver does not answer")
        return self.rooms[room]

    # stage
    def listen(self, listener: StageListener | CaptionListener) -> None:
        self.calls.append(("listen", type(listener).__name__))

    def open_space(self, space: SpaceId, elapsed_ms: int) -> None:
        self.calls.append(("open_space", space, elapsed_ms))

    def close_space(self, space: SpaceId) -> None:
        self.calls.append(("close_space", space))

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        self.calls.append(("set_gates", space, frozenset(users)))

    def set_volumes(self, space: SpaceId, volumes: Mapping[UserId, int]) -> None:
        self.calls.append(("set_volumes", space, dict(volumes)))

    def open_microphone(self, space: SpaceId, user: UserId) -> None:
        self.calls.append(("open_microphone", space, user))

    def close_microphone(self, space: SpaceId, user: UserId) -> None:
        self.calls.append(("close_microphone", space, user))

    def end_microphone_session(self, space: SpaceId, user: UserId, spare: str = "") -> None:
        self.calls.append(("end_microphone_session", space, user))

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        self.calls.append(("end_listening", space, user))
        self.on_sent_away(user)

    def end_guests(self, space: SpaceId, domain: str) -> None:
        self.calls.append(("end_guests", space))

    async def offer(
        self, space: SpaceId, user: UserId, direction: Direction, sdp: str
    ) -> MediaSession:
        self.calls.append(("offer", space, user, direction))
        return MediaSession("session", sdp)

    def hang_up(self, session: str) -> bool:
        self.hung_up.append(session)
        return session == "session"

    def is_cut(self, session: str) -> bool:
        return False

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        return user in self.microphones

    def listeners(self, space: SpaceId) -> int:
        return 0

    async def mix(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        yield b"OggS"

    def audio_taken(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        self.calls.append(("audio_taken", user, until_ms))

    def replay_audio(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        self.calls.append(("replay_audio", user, from_ms))

    # captioner
    def open_track(self, space: SpaceId, user: UserId, language: str) -> None:
        self.calls.append(("open_track", user, language))

    def hear(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        self.calls.append(("hear", user, at_ms))

    def close_track(self, space: SpaceId, user: UserId) -> None:
        self.calls.append(("close_track", user))

    # ban lists
    def entered(self, space: LiveSpace, user: UserId) -> None:
        self.calls.append(("entered", space.space, user))

    def readmitted(self, space: LiveSpace, user: UserId, by: UserId | None) -> None:
        self.calls.append(("readmitted", space.space, user, by))

    # followers: pairs of host and follower
    async def follow(self, host: UserId, follower: UserId, at_ms: int) -> bool:
        known = (host, follower) in self.following
        self.following.add((host, follower))
        self.silent.discard((follower, host))
        return not known

    async def unfollow(self, host: UserId, follower: UserId) -> bool:
        known = (host, follower) in self.following
        self.following.discard((host, follower))
        return known

    async def follows(self, host: UserId, follower: UserId) -> bool:
        return (host, follower) in self.following

    async def count(self, host: UserId) -> int:
        return sum(h == host for h, _ in self.following)

    async def of(self, host: UserId, after: UserId | None, limit: int) -> list[UserId]:
        return sorted(f for h, f in self.following if h == host and f > (after or ""))[:limit]

    async def alert(self, host: UserId, follower: UserId) -> CallAlert:
        return self.alerts.get((host, follower), CallAlert.NONE)

    async def set_alert(self, host: UserId, follower: UserId, alert: CallAlert) -> None:
        if (host, follower) in self.following:
            self.alerts[host, follower] = alert

    async def alerted(
        self, host: UserId, alert: CallAlert, after: UserId | None, limit: int
    ) -> list[UserId]:
        return [f for f in await self.of(host, after, limit) if await self.alert(host, f) == alert]

    async def silence(self, user: UserId, host: UserId | None, at_ms: int) -> None:
        self.silent.add((user, host))
        gone = {(h, f) for h, f in self.following if f == user and host in (None, h)}
        self.following -= gone

    async def hear_again(self, user: UserId, host: UserId | None) -> None:
        self.silent.discard((user, host))

    async def is_silent(self, user: UserId, host: UserId) -> bool:
        if (user, host) in self.silent:
            return True
        return (user, None) in self.silent and (host, user) not in self.following

    # audience
    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        self.calls.append(("changed", space, tuple(events)))

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        self.calls.append(("levels", space, dict(levels)))

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        self.calls.append(("gaps", space, dict(missing)))

    def draft(self, space: SpaceId, draft: Draft) -> None:
        self.calls.append(("draft", space, draft))

    def notice(self, space: SpaceId, said: Sentence, to: UserId | None = None) -> None:
        self.calls.append(("notice", space, said.code, *([to] if to is not None else [])))

    def chatted(self, space: SpaceId, news: ChatNews) -> None:
        self.calls.append(("chatted", space, news))

    def guests(self, space: SpaceId) -> int:
        return 3
