"""The chat as events: what counts, what is shown of it, and what the bot says for pages."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app.chat import ChatKind, ChatLine
from spaces_bridge.app.tasks import ChatWords, PostChat
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.content import may_chat
from spaces_bridge.core.text.writing import TEXT_MAX
from spaces_bridge.matrix.events import levels
from spaces_bridge.matrix.events.chat import (
    MERGED_MAX_LINES,
    Reworded,
    WentOut,
    Wrote,
    chat_in,
    content,
    merge,
)
from spaces_bridge.matrix.outbox.merging import merge as merge_any
from tests.core.support import CAT, with_cohost
from tests.support.spaces import BEN, EVE, HOST, after

pytestmark = pytest.mark.unit

BOT, SPACE = "@spacesbot:example.org", SpaceId("space1")
EVENT_MAX_BYTES = 60_000


def event(
    fields: Mapping[str, object] | None = None,
    sender: str = BEN,
    type_: str = "m.room.message",
) -> dict[str, Any]:
    return {
        "type": type_,
        "room_id": "!room",
        "event_id": "$1",
        "sender": sender,
        "origin_server_ts": 5,
        "content": {"msgtype": "m.text", "body": "hello", **(fields or {})},
    }


def wrote(text: str, kind: ChatKind = ChatKind.TEXT, file: str = "") -> Wrote:
    return Wrote(EventId("$1"), BEN, text, kind, file, 5)


QUOTE = "> <@ada:x> one\n> two\n\nmy answer"
REPLY = {"m.in_reply_to": {"event_id": "$0"}}
THREAD = {"rel_type": "m.thread", "event_id": "$card", "is_falling_back": True, **REPLY}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, wrote("hello")),
        ({"body": "a\u202eb\x1b\nc", "formatted_body": "<b>x</b>"}, wrote("ab\nc")),
        ({"msgtype": "m.notice"}, wrote("hello")),
        ({"msgtype": "m.emote", "body": "waves"}, wrote("waves", ChatKind.EMOTE)),
        ({"body": "<script>alert(1)</script>"}, wrote("<script>alert(1)</script>")),
        ({"body": QUOTE, "m.relates_to": REPLY}, wrote("my answer")),
        ({"body": QUOTE, "m.relates_to": THREAD}, wrote("my answer")),
        ({"body": "> a quote of mine\nand words", "m.relates_to": REPLY},
         wrote("> a quote of mine\nand words")),
        ({"body": QUOTE}, wrote(QUOTE)),
        ({"msgtype": "m.image", "body": "cat.png"},
         wrote("sent a picture: cat.png", ChatKind.PICTURE, "cat.png")),
        ({"msgtype": "m.file", "body": "look at this", "filename": "a\nb.pdf"},
         wrote("sent a file: a b.pdf\nlook at this", ChatKind.FILE, "a b.pdf")),
        ({"msgtype": "m.video", "body": 5}, wrote("sent a video", ChatKind.VIDEO)),
        ({"body": "!space speak"}, None),
        ({"body": "!spaces dance"}, None),
        ({"body": ""}, None),
        ({"body": "\u200b"}, None),
        ({"body": ["hello"]}, None),
        ({"msgtype": "m.key.verification.request"}, None),
        ({"msgtype": ["m.text"]}, None),
    ],
)  # fmt: skip
def test_what_people_write_is_shown_as_plain_text(
    fields: Mapping[str, object], expected: Wrote | None
) -> None:
    assert chat_in(event(fields), BOT) == expected


def test_stickers_are_shown_by_name_and_other_events_are_no_chat() -> None:
    sticker = chat_in(event({"body": "a cat"}, type_="m.sticker"), BOT)
    assert sticker == wrote("sent a sticker: a cat", ChatKind.STICKER, "a cat")
    assert chat_in(event(type_="m.room.topic"), BOT) is None
    assert chat_in({**event(), "state_key": ""}, BOT) is None
    for broken in ({"event_id": 5}, {"sender": None}, {"content": "hello"}):
        assert chat_in({**event(), **broken}, BOT) is None
    odd = chat_in({**event(), "origin_server_ts": True}, BOT)
    assert isinstance(odd, Wrote)
    assert odd.at_ms is None


def test_an_edit_names_what_it_replaces() -> None:
    relation = {"rel_type": "m.replace", "event_id": "$0"}

    def edited(instead: object) -> object:
        fields = {"m.relates_to": relation, "m.new_content": instead}
        return chat_in(event({"body": "* better", **fields}), BOT)

    better = {"msgtype": "m.text", "body": "better"}
    assert edited(better) == Reworded(EventId("$0"), BEN, "better")
    assert edited({"msgtype": "m.weird", "body": "x"}) == Reworded(EventId("$0"), BEN, "")
    assert edited("better") is None
    assert chat_in(event({"m.relates_to": {"rel_type": "m.replace"}}), BOT) is None


# --- for pages ----------------------------------------------------------------------------------


def words(number: int, text: str = "hello", name: str = "Ben") -> ChatWords:
    return ChatWords(f"page-{number}", BEN, name, text, 1_000 + number)


def test_the_bot_says_it_as_the_contract_says() -> None:
    said = content([words(1, "one\ntwo")])
    assert said == {
        "msgtype": "m.text",
        "m.mentions": {},
        "body": "Ben: one\n    two",
        "io.spacesbridge.chat": {
            "id": "page-1",
            "user": BEN,
            "name": "Ben",
            "text": "one\ntwo",
            "at_ms": 1_001,
        },
    }


def test_no_line_of_one_message_passes_for_somebody_elses() -> None:
    body = content([words(1, "hi\nAda: I resign"), words(2, "x", name="A\nda")])["body"]
    assert body.splitlines() == ["Ben: hi", "    Ada: I resign", "A da: x"]


def test_what_the_bot_said_is_read_back_but_for_guests_without_a_name() -> None:
    guest = replace(words(3, name="A guest"), guest=True, named=False)
    seated = replace(words(2, name="Zoe (guest)"), guest=True)
    said = content([words(1), seated, guest])
    assert guest.user not in str(said["io.spacesbridge.chat"][2])
    out = chat_in({**event(sender=BOT), "content": said}, BOT)
    assert isinstance(out, WentOut)
    assert [(x.user, x.named, x.guest) for x in out.lines] == [
        (BEN, True, False),
        (BEN, True, True),
        ("", False, True),
    ]
    assert out.lines[0] == ChatLine("page-1", BEN, "Ben", "hello", 1_001)
    forged = chat_in({**event(sender=EVE), "content": said}, BOT)
    assert isinstance(forged, Wrote), "somebody else's block is nothing"
    for block in (None, "x", [5], {"id": "x"}, {}):
        broken = {**said, "io.spacesbridge.chat": block}
        assert chat_in({**event(sender=BOT), "content": broken}, BOT) is None


def test_only_under_pressure_lines_share_an_event() -> None:
    head, waiting = PostChat(SPACE, (words(0),)), [PostChat(SPACE, (words(n),)) for n in (1, 2)]
    assert merge_any(head, waiting, pressed=False) == (head, ())
    together = PostChat(SPACE, (words(0), words(1), words(2)))
    assert merge_any(head, waiting, pressed=True) == (together, (0, 1))
    many = [PostChat(SPACE, (words(n),)) for n in range(1, 100)]
    merged, places = merge(head, many)
    assert len(merged.lines) == MERGED_MAX_LINES
    assert places == tuple(range(MERGED_MAX_LINES - 1))


@given(
    st.lists(
        st.tuples(st.text(max_size=40), st.text(st.sampled_from('a\n"👩é\\'), max_size=TEXT_MAX)),
        min_size=1,
        max_size=30,
    )
)
def test_merging_keeps_the_order_and_fits_into_an_event(lines: list[tuple[str, str]]) -> None:
    posts = [PostChat(SPACE, (words(n, text, name),)) for n, (name, text) in enumerate(lines)]
    merged, places = merge(posts[0], posts[1:])
    assert list(places) == list(range(len(merged.lines) - 1))
    assert merged.lines == tuple(post.lines[0] for post in posts[: len(merged.lines)])
    written = json.dumps(content(merged.lines), ensure_ascii=False, separators=(",", ":"))
    assert len(written.encode()) < EVENT_MAX_BYTES


# --- the rule -----------------------------------------------------------------------------------


def room_lets(space: LiveSpace, user: UserId) -> bool:
    """What the homeserver answers by the levels that the live space needs."""
    needed = levels.structure(levels.needs_of(space))["events_default"]
    person = space.person(user)
    return person.joined and (person.level or 0) >= needed


@pytest.mark.parametrize(
    "commands",
    [
        (),
        (cmd.SetChat(HOST, False),),
        (cmd.LockSpace(HOST),),
        (cmd.LockSpace(HOST), cmd.SetChat(HOST, False)),
        (cmd.LockSpace(HOST), cmd.UnlockSpace(HOST)),
    ],
)
def test_the_page_lets_write_whom_the_room_lets_write(commands: tuple[cmd.Command, ...]) -> None:
    space = after(with_cohost(), *commands)
    nobody = UserId("@nobody:example.org")
    for user in (HOST, CAT, BEN, EVE, nobody):
        assert may_chat(space, user, guest=False) is room_lets(space, user)
