"""The chat of live spaces' rooms, noted for the pages."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from spaces_bridge.app.ban_lists import Verdict
from spaces_bridge.app.chat import ChatBook, ChatLine, ChatNews
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.text.names import account_name
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.rests import AWAY_BACKOFF
from spaces_bridge.matrix.events import chat, translate
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

LOOK_BACK = 200
"""The number of messages read of each room after a start; captions are among them."""


MEANWHILE_MAX = 1000
"""The number of events kept that come while rooms are looked back at."""


class Reader(Protocol):
    """The part of `MatrixClient` that is needed here."""

    async def last_messages(self, room: RoomId, most: int) -> Sequence[Mapping[str, Any]]: ...


class Judge(Protocol):
    """The part of `BanListService` that is needed here."""

    def verdict(self, host: UserId, user: UserId) -> Verdict | None: ...


class RoomChat:
    """The listener that notes the chat of live spaces' rooms. Every call may be repeated."""

    def __init__(
        self,
        bot: Reader,
        spaces: Spaces,
        settings: MatrixSettings,
        ban_lists: Judge,
    ) -> None:
        self._bot = bot
        self._ban_lists = ban_lists
        self._spaces = spaces
        self._context = spaces.context
        self._settings = settings
        self._meanwhile: deque[Mapping[str, Any]] = deque(maxlen=MEANWHILE_MAX)
        self._looks_back = False

    def note(self, event: Mapping[str, Any]) -> None:
        """Note one event of any room; only those of live spaces' rooms count."""
        room = event.get("room_id")
        space = self._spaces.by_room(room) if isinstance(room, str) else None  # type: ignore[arg-type]  # any text may be looked up
        if space is None:
            return
        if self._looks_back:
            self._meanwhile.append(event)
        for news in self._learned(self._context.chat, space, event):
            self._context.audience.chatted(space.space, news)

    async def look_back(self) -> None:
        """Read the last lines of all open live spaces from their rooms, after a start."""
        self._looks_back = True
        for space in self._spaces.open():
            if space.room is not None:
                await self._look_back_at(space, space.room)
        self._looks_back = False
        self._meanwhile.clear()

    async def _look_back_at(self, space: LiveSpace, room: RoomId) -> None:
        failures = 0
        while True:
            try:
                events = await self._bot.last_messages(room, LOOK_BACK)
            except RequestRefused as refusal:
                log.info("the chat of %s cannot be read: %s", space.space, refusal.errcode)
                return
            except AdapterError as error:
                failures += 1
                log.info("the chat of %s cannot be read yet: %s", space.space, error)
                await asyncio.sleep(AWAY_BACKOFF.wait_s(failures))
            else:
                # messages that were redacted or edited since the room was read count, too
                since = [event for event in self._meanwhile if event["room_id"] == room]
                self._find(space, [*events, *since])
                return

    def _find(self, space: LiveSpace, events: Sequence[Mapping[str, Any]]) -> None:
        now = self._spaces.view(space.space) or space
        book = ChatBook()
        for event in events:
            self._learned(book, now, event)
        news = self._context.chat.find(space.space, book.lines(space.space))
        if news is not None:
            self._context.audience.chatted(space.space, news)

    def _learned(
        self, book: ChatBook, space: LiveSpace, event: Mapping[str, Any]
    ) -> Sequence[ChatNews]:
        match chat.chat_in(event, self._settings.bot):
            case chat.Wrote() as wrote:
                news: ChatNews | None = self._wrote(book, space, wrote)
            case chat.Reworded(target, sender, text):
                news = book.reword(space.space, target, sender, text)
            case chat.WentOut(event_id, lines):
                seen = [line for line in lines if line.user not in space.removed]
                return book.note_sent(space.space, event_id, seen)
            case _:
                meaning = translate.meaning_of(event, self._settings)
                news = (
                    book.take_back(space.space, meaning.target)
                    if isinstance(meaning, translate.Redaction)
                    else None
                )
        return [news] if news is not None else []

    def _wrote(self, book: ChatBook, space: LiveSpace, wrote: chat.Wrote) -> ChatLine | None:
        if self._is_unread(space, wrote.sender):
            return None
        now_ms = self._context.clock.now_ms()
        line = ChatLine(
            id=wrote.event,
            user=wrote.sender,
            name=space.person(wrote.sender).name or account_name(None, wrote.sender),
            text=wrote.text,
            # other servers' clocks may say anything
            at_ms=min(wrote.at_ms if wrote.at_ms is not None else now_ms, now_ms),
            kind=wrote.kind,
            file=wrote.file,
            event=wrote.event,
        )
        return book.add(space.space, line)

    def _is_unread(self, space: LiveSpace, sender: UserId) -> bool:
        if self._settings.is_ours(sender) or sender in space.removed:
            return True
        return self._ban_lists.verdict(space.host, sender) is not None
