"""What becomes of the events of live spaces' rooms, for the pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from spaces_bridge.app.ban_lists import Verdict
from spaces_bridge.app.chat import ChatLine, LinesFound, LinesGone
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.appservice import room_chat
from spaces_bridge.matrix.appservice.room_chat import RoomChat
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.pacing.backoff import Backoff
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, GUEST, HOST, ROOM

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")
SPACE = CREATE.space


def message(number: int, sender: str = BEN, room: str = ROOM) -> dict[str, Any]:
    return {
        "type": "m.room.message",
        "room_id": room,
        "event_id": f"${number}",
        "sender": sender,
        "origin_server_ts": number,
        "content": {"msgtype": "m.text", "body": f"line {number}"},
    }


def redaction(number: int) -> dict[str, Any]:
    content = {"redacts": f"${number}"}
    return {**message(900 + number), "type": "m.room.redaction", "content": content}


class RoomFake:
    """A room that can be read, and lists that bar Eve."""

    def __init__(self) -> None:
        self.answers: list[Sequence[Mapping[str, Any]] | Exception] = []
        self.asked = 0
        self.while_reading: Callable[[], Awaitable[None]] | None = None
        self.barred = {EVE}

    async def last_messages(self, room: RoomId, most: int) -> Sequence[Mapping[str, Any]]:
        self.asked += 1
        answer = self.answers.pop(0)
        if self.while_reading is not None:
            await self.while_reading()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def verdict(self, host: UserId, user: UserId) -> Verdict | None:
        return Verdict("on a list") if user in self.barred and host == HOST else None


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def spaces(recorder: Recorder) -> AsyncIterator[Spaces]:
    """Scheduled, with the host and Ben in the room."""
    spaces = Spaces(recorder.context())
    await spaces.create(CREATE)
    await spaces.ask(SPACE, cmd.AttachRoom(ROOM))
    await spaces.ask(SPACE, cmd.ObserveRoom({HOST: 90}, {HOST: "Ada", BEN: "Ben"}))
    yield spaces
    await spaces.stop()


@pytest.fixture
def room() -> RoomFake:
    return RoomFake()


@pytest.fixture
def chat(spaces: Spaces, room: RoomFake) -> RoomChat:
    return RoomChat(room, spaces, SETTINGS, room)


def texts(spaces: Spaces) -> list[str]:
    return [line.text for line in spaces.written(SPACE)]


async def test_a_message_is_noted_with_its_writers_name_and_no_later_than_now(
    chat: RoomChat, spaces: Spaces, recorder: Recorder
) -> None:
    chat.note({**message(1), "origin_server_ts": 10**15})
    chat.note(message(1))
    ((space, line),) = recorder.called("chatted")
    assert space == SPACE
    assert isinstance(line, ChatLine)
    assert (line.id, line.user, line.name, line.at_ms) == ("$1", BEN, "Ben", recorder.now)
    chat.note(message(2, sender="@new:example.org"))
    assert [line.name for line in spaces.written(SPACE)] == ["Ben", "new"]
    chat.note(redaction(1))
    assert recorder.called("chatted")[-1] == (SPACE, LinesGone(("$1",)))


async def test_nobody_reads_the_barred_the_removed_our_own_and_other_rooms(
    chat: RoomChat, spaces: Spaces
) -> None:
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN))
    for number, sender in enumerate((EVE, BEN, GUEST, SETTINGS.bot)):
        chat.note(message(number, sender=sender))
    chat.note(message(7, sender=HOST, room="!elsewhere"))
    chat.note({**message(8), "room_id": None})
    assert texts(spaces) == []


async def test_after_a_start_the_room_is_read_as_soon_as_it_can_be(
    chat: RoomChat,
    spaces: Spaces,
    recorder: Recorder,
    room: RoomFake,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room_chat, "AWAY_BACKOFF", Backoff(0.0, 0.0))
    edit = {
        **message(5),
        "content": {
            "msgtype": "m.text",
            "body": "* better",
            "m.new_content": {"msgtype": "m.text", "body": "better"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$2"},
        },
    }
    redacted = {**message(3), "content": {}}
    chat.note(message(9))
    room.answers = [Away("gone"), [message(1, EVE), message(2), redacted, edit, message(9)]]
    await chat.look_back()
    assert room.asked == 2
    assert texts(spaces) == ["better", "line 9"]
    _, news = recorder.called("chatted")[-1]
    assert isinstance(news, LinesFound)
    assert [line.text for line in news.lines] == ["better", "line 9"]


async def test_what_is_taken_back_while_the_room_is_read_is_not_shown(
    chat: RoomChat, spaces: Spaces, room: RoomFake
) -> None:
    async def meanwhile() -> None:
        chat.note(redaction(1))
        chat.note(message(4))

    room.while_reading = meanwhile
    room.answers = [[message(1), message(2)]]
    await chat.look_back()
    assert texts(spaces) == ["line 2", "line 4"]


async def test_a_room_that_may_not_be_read_is_left_alone(
    chat: RoomChat, spaces: Spaces, room: RoomFake
) -> None:
    room.answers = [RequestRefused(403, "M_FORBIDDEN", "no")]
    await chat.look_back()
    assert (texts(spaces), room.asked) == ([], 1)
