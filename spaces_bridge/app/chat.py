"""The chat of live spaces as pages show it: the last lines, in memory and nowhere else.

Whoever changes the book is given what pages have to be told of it, None when nothing.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from spaces_bridge.core.ids import EventId, SpaceId, UserId

KEPT = 50
"""Lines a newcomer is shown (the feed's `hello`)."""

REMEMBERED = 500
"""Lines that can be taken back; those beyond the last 50 are kept without their text."""


class ChatKind(StrEnum):
    """What somebody sent. Of what is no text, the line says so in words."""

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
    """One message. `name`: the writer's at that time.

    `event` is the one in the room, None before there is one; several lines may share it.
    `named` False: the name of a guest without the floor, which moderators alone may know.
    `file` is the name of what was sent; `nonce` what the writer's page called the line.
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
    """These were taken back."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriterGone:
    """Nothing of this person is shown any more."""

    user: UserId


@dataclass(frozen=True, slots=True)
class LinesFound:
    """What was said before a restart: these are the last lines."""

    lines: tuple[ChatLine, ...]


ChatNews = ChatLine | LinesGone | WriterGone | LinesFound


class ChatBook:
    """The last lines of every live space; it is bounded, and a restart empties it."""

    def __init__(self) -> None:
        self._lines: dict[SpaceId, deque[ChatLine]] = {}

    def lines(self, space: SpaceId) -> tuple[ChatLine, ...]:
        """The last ones, oldest first."""
        return tuple(line for line in self._of(space) if line.text)[-KEPT:]

    def authors(self, space: SpaceId) -> set[UserId]:
        """Who wrote what is shown."""
        return {line.user for line in self.lines(space)}

    def add(self, space: SpaceId, line: ChatLine) -> ChatLine | None:
        """Write it down behind all others, whatever its time; a known id is no news."""
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
        """Its author (nobody else) says something else in its place; nothing takes it back."""
        for place, line in enumerate(self._of(space)):
            if line.event == event and line.user == user and line.id == event:
                if not text:
                    return self.take_back(space, event)
                edited = replace(line, text=text, edited=True)
                # one that was let go of stays let go of
                self._of(space)[place] = edited if line.text else line
                return edited
        return None

    def take_back(self, space: SpaceId, event: EventId) -> LinesGone | None:
        """The event was redacted."""
        gone = tuple(line.id for line in self._of(space) if line.event == event)
        if not gone:
            return None
        self._keep(space, [line for line in self._of(space) if line.event != event])
        return LinesGone(gone)

    def note_sent(
        self, space: SpaceId, event: EventId, lines: Iterable[ChatLine]
    ) -> Sequence[ChatLine]:
        """Lines from the page stand in the room now; gives those this run knew nothing of.

        Such a line of somebody unnamed is left out: nobody could take it away with its author.
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
        """The person was removed, or is barred."""
        lines = self._of(space)
        others = [line for line in lines if line.user != user]
        if len(others) == len(lines):
            return None
        self._keep(space, others)
        return WriterGone(user)

    def find(self, space: SpaceId, earlier: Sequence[ChatLine]) -> LinesFound | None:
        """What the room holds from before the start is put before what was said since."""
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
        """The live space ended a while ago."""
        self._lines.pop(space, None)

    def _of(self, space: SpaceId) -> deque[ChatLine]:
        return self._lines.get(space) or deque()

    def _keep(self, space: SpaceId, lines: Iterable[ChatLine]) -> None:
        self._lines[space] = deque(lines, maxlen=REMEMBERED)
        self._shorten(self._lines[space])

    @staticmethod
    def _shorten(lines: deque[ChatLine]) -> None:
        """Let go of what is shown no more; who takes it back is still understood."""
        readable = [place for place, line in enumerate(lines) if line.text]
        for place in readable[:-KEPT]:
            lines[place] = replace(lines[place], text="", file="", name="")
