"""Events without a key: kept, asked for, read when the key comes, and answered if it does not.

A key comes by another channel than its event, before it or after it. What waits is stored; when
its key is there, it goes through the inbox once more, in its turn.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from spaces_bridge.app.crypto_ports import CryptoStore, WaitingEvent, Withheld
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Clock, Inbox
from spaces_bridge.app.records import InboxEvent
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.rests import AWAY_BACKOFF, rest
from spaces_bridge.matrix.crypto.json_text import object_in
from spaces_bridge.matrix.crypto.limits import (
    ANSWERS_BURST,
    ANSWERS_PER_CROWD_S,
    ANSWERS_PER_ROOM_S,
    ASKED_KEPT,
    KEPT_MS,
    WAITING_ANSWERED_AFTER_MS,
)
from spaces_bridge.matrix.crypto.reading import Decryption, Unreadable
from spaces_bridge.matrix.crypto.waiting_bounds import makes_place
from spaces_bridge.matrix.events.envelope import Envelope, envelope_of
from spaces_bridge.matrix.text import help_texts
from spaces_bridge.pacing.token_bucket import TokenBuckets

log = logging.getLogger(__name__)

ASKED_AFTER_MS: Final = 3_000
"""How long an event waits before its key is asked for: most keys come before that."""
LOOK_EVERY_MS: Final = 60_000

Write = Callable[[RoomId, str, str], Awaitable[object]]
"""Writes a text into a room, once per key. Raises AdapterError."""
IsDirect = Callable[[RoomId], Awaitable[bool]]


class KeyAsker(Protocol):
    """The port by which a person's devices are asked for a key."""

    async def ask_for_key(self, user: UserId, room: RoomId, session: str) -> None:
        """Ask all devices of this person for the key of a session. Raises AdapterError."""
        ...


class Replies:
    """The bot's sentences about what it could not read: few in one room."""

    def __init__(self, write: Write, is_direct: IsDirect) -> None:
        """`write` writes a text into a room; `is_direct`: whether a room is one person's chat."""
        self._write = write
        self._is_direct = is_direct
        self._in_chats = TokenBuckets(ANSWERS_BURST, ANSWERS_PER_ROOM_S)
        self._in_crowds = TokenBuckets(1, ANSWERS_PER_CROWD_S)

    async def tell(self, room: RoomId, text: str, key: str) -> bool:
        """Write the text, unless too much was written there; return whether it was written.

        Raises AdapterError.
        """
        try:
            allowed = self._in_chats if await self._is_direct(room) else self._in_crowds
            if not allowed.take(room):
                return False
            await self._write(room, text, key)
        except RequestRefused as refusal:
            log.info("could not answer in %s: %s", room, refusal.errcode)
            return False
        return True


class WaitingEvents:
    """The keeper of events that cannot be read yet."""

    def __init__(
        self,
        store: CryptoStore,
        inbox: Inbox,
        decryption: Decryption,
        asker: KeyAsker,
        replies: Replies,
        clock: Clock,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._decryption = decryption
        self._asker = asker
        self._replies = replies
        self._clock = clock
        self._news = asyncio.Event()
        self._loading = asyncio.Lock()
        self._keeping = asyncio.Lock()
        self._waiting: dict[EventId, WaitingEvent] | None = None
        """What waits, without the bodies; None: not read from the store yet."""
        self._doubtful: set[EventId] = set()
        """What may have become readable."""
        self._asked: set[tuple[RoomId, str]] = set()
        self._has_failed = False
        """Whether something of this round is to be tried in the next."""
        self.on_reopened: Callable[[], None] = lambda: None
        """Called when events went back into the inbox."""
        self.counts: Counter[str] = Counter()
        """Numbers for the metrics: `unreadable`, `answered`."""

    @property
    def number(self) -> int:
        """How many events wait."""
        return len(self._waiting or ())

    async def keep(self, event: Mapping[str, Any], head: Envelope, why: Unreadable) -> None:
        """Keep an event until what it lacks comes; one that can never be read is only counted.

        Where there is no place for it, another one is kept no longer. Raises StorageError.
        """
        self.counts["unreadable"] += 1
        log.info("an event in %s cannot be read: %s", head.room, why.reason)
        if not why.may_change:
            return
        waiting = await self._loaded()
        now, body = self._clock.now_ms(), json.dumps(event)
        kept = WaitingEvent(head.event, head.room, head.sender, why.session, body, now)
        async with self._keeping:  # two at once would have the same one make place
            others = [each for each in waiting.values() if each.event != head.event]
            gone = makes_place(others, head.sender)
            await self._store.apply([kept], [gone] if gone is not None else [])
            waiting[head.event] = replace(kept, body="")
            if gone is not None:
                log.warning("too many events wait for keys: one of %s goes", gone.sender)
                waiting.pop(gone.event, None)
        self._doubtful.add(head.event)  # its key may have come since it was looked for
        self._news.set()

    def session_came(self, room: RoomId, session: str) -> None:
        """Look again at what waits for this key. Returns at once."""
        self._doubt(lambda each: each.room == room and each.session == session)

    def devices_changed(self, users: Iterable[UserId]) -> None:
        """Look again at what these people's devices sent. Returns at once."""
        wanted = set(users)
        self._doubt(lambda each: each.sender in wanted)

    async def run(self) -> None:
        """Run until cancelled."""
        failures = 0
        while True:
            self._news.clear()
            self._has_failed = False
            try:
                if self._waiting is None:  # what came while the bridge went down is looked for
                    self._doubtful.update(await self._loaded())
                await self._reopen()
                rest_s = await self._treat_what_is_due()
            except AdapterError as error:  # the store: it fails for all
                self._note_failure(error)
                rest_s = LOOK_EVERY_MS / 1000
            failures = failures + 1 if self._has_failed else 0
            if self._has_failed:
                rest_s = min(rest_s, AWAY_BACKOFF.wait_s(failures))
            await rest(self._news, rest_s)

    def _note_failure(self, error: AdapterError) -> None:
        self._has_failed = True
        log.info("an event without a key waits: %s", error)

    def _doubt(self, concerns: Callable[[WaitingEvent], bool]) -> None:
        found = {each.event for each in (self._waiting or {}).values() if concerns(each)}
        if found:
            self._doubtful |= found
            self._news.set()

    async def _loaded(self) -> dict[EventId, WaitingEvent]:
        async with self._loading:
            if self._waiting is None:
                stored = await self._store.find(WaitingEvent)
                self._waiting = {each.event: replace(each, body="") for each in stored}
                self._doubtful.update(self._waiting)
            return self._waiting

    async def _reopen(self) -> None:
        """Have all events handled that have become readable; what fails stops no other."""
        waiting = await self._loaded()
        for event_id in list(self._doubtful):
            event = waiting.get(event_id)
            if event is None:
                continue
            try:
                await self._reopen_one(event)
            except AdapterError as error:
                self._note_failure(error)
            else:
                self._doubtful.discard(event_id)
        self._doubtful &= waiting.keys()

    async def _reopen_one(self, event: WaitingEvent) -> bool:
        """Put the event back into the inbox, if it can be read now; return whether it can."""
        waiting = await self._loaded()
        stored = await self._store.find(WaitingEvent, event=event.event)
        whole = object_in(stored[0].body.encode()) if stored else None
        head = envelope_of(whole) if whole is not None else None
        if head is None:
            waiting.pop(event.event, None)
            return False
        if not await self._decryption.is_readable(head):
            return False
        # a crash between the two has it handled twice, which is once
        await self._inbox.reopen(InboxEvent(head.event, head.room, stored[0].body))
        await self._store.apply(drop=[event])
        waiting.pop(event.event, None)
        self.on_reopened()
        return True

    async def _treat_what_is_due(self) -> float:
        """Ask for keys and answer; return the seconds until there is something to be done."""
        waiting, now = await self._loaded(), self._clock.now_ms()
        for old in [each for each in waiting.values() if now - each.received_at_ms > KEPT_MS]:
            del waiting[old.event]  # the store drops it by the same bound
        next_ms = LOOK_EVERY_MS
        for event_id in list(waiting):
            event = waiting.get(event_id)
            if event is None or event.is_answered:  # as answers to others have made it
                continue
            age_ms = now - event.received_at_ms
            if age_ms < ASKED_AFTER_MS:
                next_ms = min(next_ms, ASKED_AFTER_MS - age_ms)
                continue
            if age_ms < WAITING_ANSWERED_AFTER_MS:
                next_ms = min(next_ms, WAITING_ANSWERED_AFTER_MS - age_ms)
            try:
                await self._treat(event, is_late=age_ms >= WAITING_ANSWERED_AFTER_MS)
            except AdapterError as error:
                self._note_failure(error)
        return next_ms / 1000

    async def _treat(self, event: WaitingEvent, *, is_late: bool) -> None:
        await self._ask(event)
        if is_late and not await self._reopen_one(event):
            await self._answer(event)

    async def _ask(self, event: WaitingEvent) -> None:
        """Ask all devices of the sender for the key, once in the life of the bridge."""
        key = event.room, event.session
        if key in self._asked:
            return
        if len(self._asked) >= ASKED_KEPT:
            self._asked.clear()
        self._asked.add(key)
        await self._asker.ask_for_key(event.sender, event.room, event.session)

    async def _answer(self, event: WaitingEvent) -> None:
        """Tell the sender once, for all events of the session that wait."""
        waiting = await self._loaded()
        withheld = await self._store.find(
            Withheld, room=event.room, session=event.session, sender=event.sender
        )
        text = help_texts.withheld(withheld[0].code) if withheld else help_texts.UNREADABLE
        if await self._replies.tell(event.room, text, f"unreadable:{event.event}"):
            self.counts["answered"] += 1
        for each in list(waiting.values()):
            if (each.room, each.session, each.sender) == (
                event.room,
                event.session,
                event.sender,
            ):
                await self._mark_answered(each)

    async def _mark_answered(self, event: WaitingEvent) -> None:
        waiting = await self._loaded()
        async with self._keeping:  # what made place meanwhile does not come back
            stored = await self._store.find(WaitingEvent, event=event.event)
            await self._store.apply([replace(each, is_answered=True) for each in stored])
            if stored and event.event in waiting:
                waiting[event.event] = replace(event, is_answered=True)
            else:
                waiting.pop(event.event, None)
