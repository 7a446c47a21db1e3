"""Several audiences as one: each is told everything, in the order in which it came."""

from collections.abc import Mapping, Sequence

import pytest

from spaces_bridge.app.audiences import Audiences
from spaces_bridge.app.chat import ChatNews, WriterGone
from spaces_bridge.app.ports import Draft
from spaces_bridge.core.events import Event, MicrophoneOpened
from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence
from tests.support.spaces import live_space

pytestmark = pytest.mark.unit

SPACE = SpaceId("space0000000000a")
ADA = UserId("@ada:x")


class Heard:
    """An audience that writes down what it was told, in a list that it may share."""

    def __init__(self, name: str, told: list[tuple[object, ...]], guests: int) -> None:
        self._name, self._told, self._guests = name, told, guests

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        self._told.append((self._name, "changed", space.space, tuple(events)))

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        self._told.append((self._name, "levels", space, dict(levels)))

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        self._told.append((self._name, "gaps", space, dict(missing)))

    def draft(self, space: SpaceId, draft: Draft) -> None:
        self._told.append((self._name, "draft", space, draft))

    def notice(self, space: SpaceId, said: Sentence, to: UserId | None = None) -> None:
        self._told.append((self._name, "notice", space, said, to))

    def chatted(self, space: SpaceId, news: ChatNews) -> None:
        self._told.append((self._name, "chatted", space, news))

    def guests(self, space: SpaceId) -> int:
        return self._guests


def test_each_is_told_everything_in_turn() -> None:
    told: list[tuple[object, ...]] = []
    audiences = Audiences(Heard("pages", told, guests=2))
    audiences.add(Heard("calls", told, guests=1))
    space, events = live_space(), [MicrophoneOpened(ADA)]
    draft = Draft(UtteranceId("u"), ADA, "so", 2, 0, 10, "en")
    said, news = Sentence("code", "text", {}), WriterGone(ADA)
    audiences.changed(space, events)
    audiences.levels(SPACE, {ADA: 50})
    audiences.draft(SPACE, draft)
    audiences.notice(SPACE, said, ADA)
    audiences.chatted(SPACE, news)
    assert told == [
        (name, *what)
        for what in (
            ("changed", space.space, tuple(events)),
            ("levels", SPACE, {ADA: 50}),
            ("draft", SPACE, draft),
            ("notice", SPACE, said, ADA),
            ("chatted", SPACE, news),
        )
        for name in ("pages", "calls")
    ]
    assert audiences.guests(SPACE) == 3
