"""Commands however they are written, and who is meant by them; answers in threads; edits."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.ids import EventId
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.events import chat
from spaces_bridge.matrix.events.content import message, reply
from spaces_bridge.matrix.events.translate import Message, meaning_of
from spaces_bridge.matrix.text.addressed import names_of, slip
from spaces_bridge.matrix.text.commands import Misunderstood, Request, parse
from tests.matrix.command_setup import DM, SETTINGS, CommandSetup
from tests.support.spaces import BEN, HOST

pytestmark = pytest.mark.unit

BOT = SETTINGS.bot
NAMES = names_of(BOT, [("Spaces", BOT), ("Ben", "@ben:x")])
ROOT, COMMAND = EventId("$root"), EventId("$command")


@pytest.fixture
async def setup() -> AsyncIterator[CommandSetup]:
    async with CommandSetup() as setup:
        yield setup


@pytest.mark.parametrize(
    "body",
    [
        "！space queue",
        "！ｓｐａｃｅ　ｑｕｅｕｅ",
        "`!space queue`",
        "``!space queue``",
        "```\n!space queue\n```",
        "```text\n!space queue\n```",
        "`!space` queue",
        "!space `queue`",
        "**!space queue**",
        "**!space** queue",
        "_!space queue_",
        '"!space queue"',
        "“!space queue”",
        "«!space queue»",
        "“`!space queue`”",
        "! space queue",
        "!Space Queue",
        "!spaces queue",
        "!space: queue",
        "!space, queue",
        "!space queue.",
        "!space queue!",
        "!space !queue",
        "!spacequeue",
        "/space queue",
        "!space\u00a0queue",
        "!space\u3000queue",
        "\u200b!space\u200bqueue".replace("\u200bq", "\u200b q"),
        "\ufeff!sp\u200bace queue",
        "!space \u200dqueue\u2060",
        "\u2066!space queue\u2069",
        "> <@ben:x> hello\n\n`!space queue`",
        f"{BOT} queue",
        f"{BOT}: !space queue",
        f"https://matrix.to/#/{BOT} queue",
        f"[Spaces](https://matrix.to/#/{BOT}): queue",
        "Spaces: queue",
        "Spaces queue",
        "@Spaces, queue",
        "spacesbot: queue",
        "¡space queue",
        r"\!space queue",
        "- !space queue",
        "• `!space queue`",
        "3. !space queue",
    ],
)
def test_a_command_is_one_however_it_is_written(body: str) -> None:
    for direct in (False, True):
        assert parse(body, direct=direct, names=NAMES) == Request("queue", "")


@pytest.mark.parametrize(
    "body",
    [
        "!spaceship queue",
        "hello everybody",
        "! that is great",
        "!remindme tomorrow",
        "Spaces are nice",
        "spaces: the final frontier",
        "Ben queue",
        "thanks, Spaces",
        "what does `!space queue` do?",
        "",
        "`",
        "***",
        "- queue",
        "3. spaces are nice",
        "in 2026. !space queue",
    ],
)
def test_what_people_say_to_each_other_is_no_command(body: str) -> None:
    names = names_of(BOT, [("Ben", "@ben:x")])
    assert parse(body, direct=False, names=names) is None
    assert slip(body, at_home=True) is None


def test_the_words_that_follow_stay_as_they_are_written() -> None:
    for body in ("！space create Ｊａｚｚ “at” Zoë’s", "`!space create Ｊａｚｚ “at” Zoë’s`"):
        assert parse(body, direct=False) == Request("create", "Ｊａｚｚ “at” Zoë’s")
    assert parse("!space title 👩\u200d🌾 day", direct=False) == Request("title", "👩\u200d🌾 day")


def test_the_bot_alone_called_by_its_name_explains_itself() -> None:
    assert parse(BOT, direct=False, names=NAMES) == Request("help", "")
    assert isinstance(parse("Spaces: what now?", direct=False, names=NAMES), Misunderstood)


@pytest.mark.parametrize(
    ("body", "at_home", "better"),
    [
        ("!sapce live", False, "!space live"),
        ("!spce queue", False, "!space queue"),
        ("！sapce　queue", False, "!space queue"),
        ("!queue", True, "!space queue"),
        ("`!approve 1`", True, "!space approve"),
        ("!queue", False, None),
        ("!weather live", True, None),
        ("!paste live", True, None),
        ("!queue is what I would like to see", True, None),
    ],
)
def test_a_slip_before_the_command_gets_a_word(
    body: str, at_home: bool, better: str | None
) -> None:
    assert slip(body, at_home=at_home) == better


@given(st.text(alphabet='!！ `*_~"“”/spacequeu:\u200b\u3000\n', max_size=40))
def test_any_signs_around_are_taken_off_without_surprise(text: str) -> None:
    for direct in (False, True):
        found = parse(text, direct=direct, names=NAMES)
        assert found is None or isinstance(found, Request | Misunderstood)
        assert found is not None or not direct


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("！space live", "Soon"),
        ("!sapce live", "❌ Did you mean `!space live`?"),
        ("!live", "❌ Did you mean `!space live`?"),
        ("!space policy Ｅｖｅｒｙｏｎｅ", "while places are free"),
        ("!space chat `off`", "on the stage may write"),
        ("!space queue “airtime”", "spoke least"),
        ("!space captions on german", "❌ `captions` takes"),
        ("!space policy request foo", "❌ `policy` takes"),
        ("!space lock now", "❌ `lock` stands alone"),
        ("!space start tomorrow", "❌ `start` stands alone"),
        ("!space chat on please", "❌ `chat` takes"),
        ("!space approve 1 2", "❌ No hand"),
    ],
)
async def test_in_a_room_what_is_meant_for_the_bot_is_answered(
    setup: CommandSetup, body: str, answer: str
) -> None:
    await setup.plan()
    assert answer in await setup.say(HOST, body)


def test_commands_are_not_shown_in_the_pages_chat() -> None:
    pill = f'<a href="https://matrix.to/#/{BOT}">Spaces</a>: live'
    for content in (
        {"msgtype": "m.text", "body": "！space live"},
        {"msgtype": "m.text", "body": "Spaces: live", "formatted_body": pill},
    ):
        event = {"type": "m.room.message", "event_id": "$x", "sender": BEN, "content": content}
        assert chat.chat_in(event, BOT) is None


# --- threads -------------------------------------------------------------------------------------


def said(content: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever it means
    event = {"type": "m.room.message", "room_id": "!r:x", "event_id": COMMAND, "sender": BEN}
    return meaning_of({**event, "content": {"msgtype": "m.text", **content}}, SETTINGS)


IN_THREAD = {"rel_type": "m.thread", "event_id": ROOT, "m.in_reply_to": {"event_id": "$x"}}


def test_a_message_knows_its_thread() -> None:
    heard = said({"body": "!space live", "m.relates_to": IN_THREAD})
    assert isinstance(heard, Message)
    assert heard.thread == ROOT
    assert (
        said({"body": "hi", "m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}}).thread is None
    )
    assert said({"body": "hi", "m.relates_to": {**IN_THREAD, "event_id": 5}}).thread is None


def test_an_answer_in_a_thread_is_shown_there_by_every_client() -> None:
    assert reply(message("Done."), COMMAND, ROOT)["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": ROOT,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": COMMAND},
    }
    assert reply(message("Done."), COMMAND)["m.relates_to"] == {
        "m.in_reply_to": {"event_id": COMMAND}
    }


@pytest.mark.parametrize("body", ["!space live", "!space frobnicate", "!space mute Nobody"])
async def test_answers_and_refusals_stay_in_the_thread(setup: CommandSetup, body: str) -> None:
    await setup.open()
    assert await setup.say(HOST, body, thread=ROOT)
    assert await setup.say(HOST, body)
    assert setup.threads == [ROOT, None]


# --- edits ---------------------------------------------------------------------------------------


def before(body: str, **more: object) -> StateEvent:
    return StateEvent(COMMAND, None, {"msgtype": "m.text", "body": body, **more}, HOST)


def test_an_edit_says_what_it_says_now() -> None:
    relation = {"rel_type": "m.replace", "event_id": "$first"}
    new = {"msgtype": "m.text", "body": "!space live"}
    heard = said({"body": "* !space live", "m.new_content": new, "m.relates_to": relation})
    assert (heard.text, heard.rewords, heard.thread) == ("!space live", "$first", None)
    for odd in (None, 5, {"msgtype": "m.notice", "body": "!space live"}):
        assert said({"body": "x", "m.new_content": odd, "m.relates_to": relation}) is None


def test_a_relation_to_what_is_no_event_id_is_none() -> None:
    """A lone surrogate could not be sent back in a reply."""
    for odd in ("$\ud800", "", "$" * 300, 5, None):
        thread = {"rel_type": "m.thread", "event_id": odd}
        heard = said({"body": "!space live", "m.relates_to": thread})
        assert (heard.text, heard.thread) == ("!space live", None)
        replaced = {"rel_type": "m.replace", "event_id": odd}
        new = {"msgtype": "m.text", "body": "x"}
        assert said({"body": "x", "m.new_content": new, "m.relates_to": replaced}) is None


async def test_a_slip_that_is_mended_is_carried_out_once_and_in_its_thread(
    setup: CommandSetup,
) -> None:
    await setup.open()
    setup.past[COMMAND] = before("!space titel Roses", **{"m.relates_to": IN_THREAD})
    assert "“Roses”" in await setup.say(HOST, "!space title Roses", rewords=COMMAND)
    assert setup.threads == [ROOT]
    assert setup.view.title == "Roses"
    answer = await setup.say(HOST, "!space title Lilies", rewords=COMMAND)
    assert answer.startswith("❌ I did what it said at first")
    assert setup.view.title == "Roses"


async def test_an_edit_of_what_was_carried_out_changes_nothing(setup: CommandSetup) -> None:
    await setup.open()
    setup.past[COMMAND] = before("!space title Roses")
    assert "I did what it said at first" in await setup.say(
        HOST, "!space title Lilies", rewords=COMMAND
    )
    assert await setup.say(HOST, "`!space title Roses`", rewords=COMMAND) == ""
    assert await setup.say(BEN, "!space queue", rewords=COMMAND) == ""
    assert await setup.say(HOST, "!space queue", rewords=EventId("$unknown")) == ""
    assert setup.view.title != "Lilies"


async def test_an_edited_sentence_in_a_direct_room_is_answered(setup: CommandSetup) -> None:
    await setup.open()
    setup.past[COMMAND] = before("qeue")
    assert "No hand" in await setup.say(HOST, "queue", DM, rewords=COMMAND)
