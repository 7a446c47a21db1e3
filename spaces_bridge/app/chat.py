"""The chat of live spaces as pages show it: the last lines, in memory and nowhere else.

A method that changes the book returns the news that pages have to be told, or None.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from spaces_bridge.core.ids import EventId, SpaceId, UserId

KEPT = 50
"""The number of lines a newcomer is shown (the feed's `hello`)."""

REMEMBERED = 500
"""The number of lines that can be taken back; beyond the last 50 they are kept without text."""


class ChatKind(StrEnum):
    """The kind of a chat message; a line that is no text says in words what was sent."""

    TEXT = "text"
    EMOTE = "emote"
    PICTURE = "picture"
    VIDEO = "video"
    SOUND = "sound"
    FILE = "file"
    STICKER = "sticker"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One line of the chat. `name`: the writer's name at that time.

    `event` is the Matrix event in the room, None before there is one; several lines may share it.
    `named` False: `name` is that of a guest without the floor, which moderators alone may know.
    `file` is the name of the file that was sent; `nonce` the id the writer's page gave the line.
    """

    id: str
    user: UserId
    name: str
    text: str
    at_ms: int
    kind: ChatKind = ChatKind.TEXT
    file: str = ""
    guest: bool = False
    named: bool = True
    edited: bool = False
    event: EventId | None = None
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class LinesGone:
    """News: these lines were taken back."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriterGone:
    """News: nothing of this person is shown any more."""

    user: UserId


@dataclass(frozen=True, slots=True)
class LinesFound:
    """News: lines from before a restart were read from the room, and these are the last ones."""

    lines: tuple[ChatLine, ...]


ChatNews = ChatLine | LinesGone | WriterGone | LinesFound


class ChatBook:
    """The book of the last chat lines of every live space: bounded, and empty after a restart."""

    def __init__(self) -> None:
        self._lines: dict[SpaceId, deque[ChatLine]] = {}

    def lines(self, space: SpaceId) -> tuple[ChatLine, ...]:
        """Return the last lines, oldest first."""
        return tuple(line for line in self._of(space) if line.text)[-KEPT:]

    def authors(self, space: SpaceId) -> set[UserId]:
        """Return the writers of the lines that are shown."""
        return {line.user for line in self.lines(space)}

    def add(self, space: SpaceId, line: ChatLine) -> ChatLine | None:
        """Add a line behind all others, whatever its time; a known id is no news."""
        lines = self._lines.setdefault(space, deque(maxlen=REMEMBERED))
        if any(line.id == known.id for known in lines):
            return None
        if lines:
            line = replace(line, at_ms=max(line.at_ms, lines[-1].at_ms))
        lines.append(line)
        self._shorten(lines)
        return line

    def reword(
        self, space: SpaceId, event: EventId, user: UserId, text: str
    ) -> ChatLine | LinesGone | None:
        """Replace a message's text, for its author alone; an empty text takes the message back."""
        for place, line in enumerate(self._of(space)):
            if line.event == event and line.user == user and line.id == event:
                if not text:
                    return self.take_back(space, event)
                edited = replace(line, text=text, edited=True)
                # a line whose text was dropped stays without text
                self._of(space)[place] = edited if line.text else line
                return edited
        return None

    def take_back(self, space: SpaceId, event: EventId) -> LinesGone | None:
        """Drop the lines of an event that was redacted."""
        gone = tuple(line.id for line in self._of(space) if line.event == event)
        if not gone:
            return None
        self._keep(space, [line for line in self._of(space) if line.event != event])
        return LinesGone(gone)

    def note_sent(
        self, space: SpaceId, event: EventId, lines: Iterable[ChatLine]
    ) -> Sequence[ChatLine]:
        """Note the event by which lines from the page stand in the room now.

        Returns the lines that this run of the bridge knew nothing of. Such a line of an unnamed
        guest is left out: nobody could take it away with its author.
        """
        known = {line.id: place for place, line in enumerate(self._of(space))}
        news: list[ChatLine] = []
        for line in lines:
            place = known.get(line.id)
            if place is not None:
                self._of(space)[place] = replace(self._of(space)[place], event=event)
                continue
            added = self.add(space, replace(line, event=event)) if line.named else None
            news += [added] if added is not None else []
        return news

    def forget(self, space: SpaceId, user: UserId) -> WriterGone | None:
        """Drop the lines of a person who was removed, or may not come in."""
        lines = self._of(space)
        others = [line for line in lines if line.user != user]
        if len(others) == len(lines):
            return None
        self._keep(space, others)
        return WriterGone(user)

    def find(self, space: SpaceId, earlier: Sequence[ChatLine]) -> LinesFound | None:
        """Put the room's lines from before the start in front of those written since."""
        since = list(self._of(space))
        known = {line.id for line in since}
        before = [line for line in earlier if line.id not in known]
        if not before:
            return None
        if since:
            before = [replace(x, at_ms=min(x.at_ms, since[0].at_ms)) for x in before]
        self._keep(space, [*before, *since])
        return LinesFound(self.lines(space))

    def close(self, space: SpaceId) -> None:
        """Drop the chat of a live space that ended a while ago."""
        self._lines.pop(space, None)

    def _of(self, space: SpaceId) -> deque[ChatLine]:
        return self._lines.get(space) or deque()

    def _keep(self, space: SpaceId, lines: Iterable[ChatLine]) -> None:
        self._lines[space] = deque(lines, maxlen=REMEMBERED)
        self._shorten(self._lines[space])

    @staticmethod
    def _shorten(lines: deque[ChatLine]) -> None:
        """Drop the text of lines that are shown no more; they can still be taken back."""
        readable = [place for place, line in enumerate(lines) if line.text]
        for place in readable[:-KEPT]:
            lines[place] = replace(lines[place], text="", file="", name="")
