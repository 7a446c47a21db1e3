"""The chat as pages show it: bounded, and nothing of those who were shown out."""

from dataclasses import replace

import pytest

from spaces_bridge.app.chat import (
    KEPT,
    REMEMBERED,
    ChatBook,
    ChatLine,
    LinesFound,
    LinesGone,
    WriterGone,
)
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.chat import A_GUEST, ChatAuthor, ChatService
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, UserId
from tests.app.support import SPACE, enter
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, EVE, GUEST, HOST

pytestmark = pytest.mark.unit

ZOE = ChatAuthor(GUEST, "Zoe", guest=True)


def line(number: int, user: UserId = BEN) -> ChatLine:
    """Something said in the room."""
    event = EventId(f"${number}")
    return ChatLine(event, user, "Ben", f"line {number}", number, event=event)


def texts(book: ChatBook) -> list[str]:
    return [shown.text for shown in book.lines(SPACE)]


# --- the book -----------------------------------------------------------------------------------


def test_the_last_lines_are_shown_and_older_ones_can_only_be_taken_back() -> None:
    book = ChatBook()
    for number in range(REMEMBERED + 10):
        assert book.add(SPACE, line(number)) == line(number)
    assert texts(book) == [f"line {n}" for n in range(REMEMBERED + 10 - KEPT, REMEMBERED + 10)]
    assert book.take_back(SPACE, EventId("$10")) == LinesGone(("$10",))
    assert book.take_back(SPACE, EventId("$10")) is None
    assert book.take_back(SPACE, EventId("$9")) is None, "beyond what is remembered"
    reworded = book.reword(SPACE, EventId("$11"), BEN, "new words")
    assert isinstance(reworded, ChatLine)
    assert "new words" not in texts(book)


def test_a_line_is_said_once_and_time_does_not_go_back() -> None:
    book = ChatBook()
    book.add(SPACE, line(5))
    assert book.add(SPACE, line(5)) is None
    assert book.add(SPACE, line(2)) == replace(line(2), at_ms=5)
    assert texts(book) == ["line 5", "line 2"]


def test_only_its_author_rewords_a_line_and_nothing_takes_it_back() -> None:
    book = ChatBook()
    book.add(SPACE, line(1))
    assert book.reword(SPACE, EventId("$1"), EVE, "stolen") is None
    assert book.reword(SPACE, EventId("$2"), BEN, "unknown") is None
    assert book.reword(SPACE, EventId("$1"), BEN, "better") == replace(
        line(1), text="better", edited=True
    )
    assert texts(book) == ["better"]
    assert book.reword(SPACE, EventId("$1"), BEN, "") == LinesGone(("$1",))
    assert texts(book) == []


def test_lines_from_the_page_are_known_again_in_the_room() -> None:
    book, mine = ChatBook(), replace(line(1), id="page-1", event=None)
    book.add(SPACE, mine)
    other = replace(mine, id="page-2", text="of an earlier run")
    assert [x.id for x in book.note_sent(SPACE, EventId("$e"), [mine, other])] == ["page-2"]
    assert book.note_sent(SPACE, EventId("$e"), [mine, other]) == []
    assert texts(book) == ["line 1", "of an earlier run"]
    assert book.reword(SPACE, EventId("$e"), BEN, "the bot's event") is None
    assert book.take_back(SPACE, EventId("$e")) == LinesGone(("page-1", "page-2"))


def test_what_the_room_holds_comes_before_what_was_said_since() -> None:
    book = ChatBook()
    assert book.find(SPACE, []) is None
    book.add(SPACE, line(7))
    found = book.find(SPACE, [line(3), line(9), line(7)])
    assert found == LinesFound((line(3), replace(line(9), at_ms=7), line(7)))
    assert book.find(SPACE, [line(3)]) is None
    book.close(SPACE)
    assert texts(book) == []
    assert book.forget(SPACE, BEN) is None


# --- what the page writes -----------------------------------------------------------------------


async def refusal(spaces: Spaces, writer: ChatAuthor, text: str = "hello") -> str:
    with pytest.raises(Rejected) as refused:
        await ChatService(spaces).say(SPACE, writer, text)
    assert refused.value.text.endswith(".")
    return refused.value.code


async def test_a_members_words_go_to_the_room_and_to_all_pages(
    spaces: Spaces, recorder: Recorder
) -> None:
    await ChatService(spaces).say(SPACE, ChatAuthor(BEN, "", guest=False), " hi\u202e \n there ")
    ((_, shown),) = recorder.called("chatted")
    assert isinstance(shown, ChatLine)
    assert (shown.user, shown.name, shown.text) == (BEN, "Ben", "hi\n there")
    (enqueued,) = recorder.enqueued("chat.post")
    assert enqueued["lines"] == [
        {
            "id": shown.id,
            "user": BEN,
            "name": "Ben",
            "text": "hi\n there",
            "at_ms": recorder.now,
            "guest": False,
            "named": True,
        },
    ]
    assert spaces.context.chat.lines(SPACE) == (shown,)


async def test_the_same_nonce_is_the_same_line_also_after_a_restart(
    spaces: Spaces, recorder: Recorder
) -> None:
    chat, ben = ChatService(spaces), ChatAuthor(BEN, "", guest=False)
    for _ in range(2):
        await chat.say(SPACE, ben, "once", nonce="n1")
    assert len(recorder.called("chatted")) == len(recorder.enqueued("chat.post")) == 1
    spaces.context.chat.close(SPACE)
    await chat.say(SPACE, ben, "once", nonce="n1")
    await chat.say(SPACE, ChatAuthor(HOST, "", guest=False), "another's", nonce="n1")
    first, again, other = (shown for _, shown in recorder.called("chatted"))
    assert first == again != other
    assert len(recorder.enqueued("chat.post")) == 2


@pytest.mark.parametrize(
    ("called", "named"),
    [
        ("ＡDA", f"ＡDA ({EVE})"),
        ("Ada: I resign. Eve", f"Ada I resign. Eve ({EVE})"),
        ("Ada：", f"Ada ({EVE})"),
        ("a GUEST", f"a GUEST ({EVE})"),
        ("::", EVE),
        ("Eve", "Eve"),
    ],
)
async def test_who_is_called_like_somebody_else_is_told_apart_in_the_room(
    spaces: Spaces, recorder: Recorder, called: str, named: str
) -> None:
    await spaces.ask(SPACE, cmd.ObserveMember(EVE, joined=True, name=called))
    await ChatService(spaces).say(SPACE, ChatAuthor(EVE, "", guest=False), "I am the host")
    (enqueued,) = recorder.enqueued("chat.post")
    assert isinstance(enqueued["lines"], list)
    assert enqueued["lines"][0]["name"] == named


async def test_a_nonce_used_again_brings_nothing_onto_the_pages_that_the_room_has_not(
    spaces: Spaces, recorder: Recorder
) -> None:
    chat, ben = ChatService(spaces), ChatAuthor(BEN, "", guest=False)
    await chat.say(SPACE, ben, "rude", nonce="n1")
    ((_, shown),) = recorder.called("chatted")
    assert isinstance(shown, ChatLine)
    await recorder.complete(f"chat:{shown.id}", 0, "$sent")
    spaces.context.chat.note_sent(SPACE, EventId("$sent"), [shown])
    assert spaces.context.chat.take_back(SPACE, EventId("$sent")) == LinesGone((shown.id,))
    await chat.say(SPACE, ben, "rude", nonce="n1")
    assert spaces.context.chat.lines(SPACE) == (), "what a moderator took away stays away"
    await chat.say(SPACE, ben, "ruder", nonce="n1")
    assert [line.text for line in spaces.context.chat.lines(SPACE)] == ["ruder"]
    assert len(recorder.enqueued("chat.post")) == 1, "other words are another line"


async def test_a_guest_has_no_name_in_the_room_before_the_floor(
    spaces: Spaces, recorder: Recorder
) -> None:
    await ChatService(spaces).say(SPACE, ZOE, "hello")
    (enqueued,) = recorder.enqueued("chat.post")
    assert "Zoe" not in str(enqueued)
    assert A_GUEST in str(enqueued)
    (shown,) = spaces.context.chat.lines(SPACE)
    assert (shown.name, shown.named, shown.guest) == ("Zoe", False, True)


async def test_what_cannot_be_read_or_is_too_long_is_refused(spaces: Spaces) -> None:
    ben = ChatAuthor(BEN, "", guest=False)
    assert await refusal(spaces, ben, "\u200b \n") == "no_text"
    assert await refusal(spaces, ben, "x" * 2001) == "too_long"
    assert await refusal(spaces, ChatAuthor(EVE, "", guest=False)) == "not_joined"
    await spaces.ask(SPACE, cmd.SetChat(HOST, False))
    assert await refusal(spaces, ben) == "chat_off"
    await spaces.ask(SPACE, cmd.LockSpace(HOST))
    assert await refusal(spaces, ben) == "locked_chat"
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10}))
    await ChatService(spaces).say(SPACE, ben, "with the floor")
    assert [shown.text for shown in spaces.context.chat.lines(SPACE)] == ["with the floor"]


async def test_nothing_of_a_removed_person_stays(spaces: Spaces, recorder: Recorder) -> None:
    chat = ChatService(spaces)
    await enter(spaces, EVE)
    for user in (BEN, EVE, BEN):
        await chat.say(SPACE, ChatAuthor(user, "", guest=False), f"of {user}")
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN))
    assert recorder.called("chatted")[-1] == (SPACE, WriterGone(BEN))
    assert [shown.user for shown in spaces.context.chat.lines(SPACE)] == [EVE]
    assert await refusal(spaces, ChatAuthor(BEN, "", guest=False)) == "removed"


async def test_the_chat_of_one_that_ended_is_let_go_of(spaces: Spaces, recorder: Recorder) -> None:
    ben = ChatAuthor(BEN, "", guest=False)
    await ChatService(spaces).say(SPACE, ben, "bye")
    await spaces.ask(SPACE, cmd.EndSpace(HOST, recorder.now))
    assert await refusal(spaces, ben) == "ended"
    recorder.now += 3_600_000
    later = cmd.CreateSpace(*spaces.new_identity("Next", "x"), "Next", HOST, "Ada", recorder.now)
    await spaces.create(later)
    assert spaces.context.chat.lines(SPACE) == ()
    assert await refusal(spaces, ben) == "ended"
