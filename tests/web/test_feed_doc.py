"""The feed's document, its tables, and what the server sends and reads: all the same."""

import asyncio
import json
import re
from pathlib import Path
from typing import cast, get_args

import pytest

import spaces_bridge.web
from spaces_bridge.app.chat import ChatKind, ChatLine, LinesFound, LinesGone, WriterGone
from spaces_bridge.app.ports import Draft
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import UtteranceId
from spaces_bridge.core.rules import decide
from spaces_bridge.core.sentences import say
from spaces_bridge.web import views
from spaces_bridge.web.feed.channel import Client
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.feed.line import BEAT
from spaces_bridge.web.feed.outgoing import Outgoing
from spaces_bridge.web.feed.people import people_view
from spaces_bridge.web.frames.client import ClientFrame
from spaces_bridge.web.frames.server import ServerFrame
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You
from tests.support.frames import fits, held
from tests.support.spaces import BEN, EVE, GUEST, HOST, live_space
from tools.feed_doc import close_codes, feed_page
from tools.feed_examples import CLIENT_EXAMPLES, SERVER_EXAMPLES
from tools.feed_shapes import shapes_of

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[2] / "docs" / "feed.md"
WEB = Path(spaces_bridge.web.__file__).parent


def test_the_document_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == feed_page(), "run `make docs`"


def test_every_frame_of_the_server_has_examples_that_fit_it_alone() -> None:
    assert {held(frame) for frame in SERVER_EXAMPLES} == {t.__name__ for t in tables(ServerFrame)}


def test_every_frame_of_a_client_has_examples_that_fit_it_and_have_all_its_fields() -> None:
    for table in tables(ClientFrame):
        examples = [frame for frame in CLIENT_EXAMPLES if fits(frame, table)]
        shown = {key for frame in examples for key in frame}
        assert shown == set(table.__annotations__), table.__name__


def test_no_two_frames_of_a_client_have_one_name() -> None:
    kinds = [shape.kind for shape in shapes_of(ClientFrame)]
    assert len(kinds) == len(set(kinds))


def test_a_table_holds_a_frame_to_each_field() -> None:
    frame = dict(SERVER_EXAMPLES[0])
    for wrong in ({**frame, "more": 1}, {**frame, "reactions": {"👏": True}}, {"type": "hello"}):
        with pytest.raises(AssertionError):
            held(wrong)


def test_every_close_code_is_documented_and_none_besides() -> None:
    source = "".join(path.read_text() for path in WEB.rglob("*.py"))
    ours = {int(code) for code in re.findall(r"\b44\d\d\b", source)}
    assert ours == {code for code in close_codes() if code >= 4000}


def test_the_page_comes_back_as_the_document_says() -> None:
    text = (WEB / "static" / "js" / "feed.js").read_text()
    assert {int(code) for code in re.findall(r"\b4\d\d\d\b", text)} <= close_codes()


# --- what is sent -------------------------------------------------------------------------------


class Page:
    """A page of the hub, and all it was sent."""

    def __init__(self, you: You) -> None:
        self.frames: list[dict[str, object]] = []
        self.client = Client(you, Outgoing(self._take))

    def _take(self, message: bytes) -> bool:
        self.frames.append(json.loads(message[message.index(b"{") :]))
        return True


class HubSetup:
    """A hub with a live space, whose events it is told."""

    def __init__(self) -> None:
        self.hub = Hub()
        settings = WebSettings(public_url="https://spaces.example.org")
        self.hub.about = lambda space: views.space_view(space, settings, "example.org")
        self.hub.chat_lines = lambda _space: [line(2)]
        self.space = live_space()
        self.pages = [Page(You(HOST, "Ada", guest=False)), Page(You())]
        for page in self.pages:
            self.hub.join(self.space, page.client, None)

    def obey(self, command: cmd.Command) -> None:
        events = decide(self.space, command)
        for event in events:
            self.space = evolve(self.space, event)
        self.hub.changed(self.space, events)


def line(number: int, kind: ChatKind = ChatKind.TEXT) -> ChatLine:
    return ChatLine(f"$c{number}", EVE, "Eve", "hello", number, kind, guest=False)


def draft(text: str) -> Draft:
    return Draft(UtteranceId("u2"), BEN, text, 2, 1, 9, "en")


async def test_whatever_the_server_sends_is_in_the_tables_and_the_other_way_round() -> None:
    setup = HubSetup()
    hub, space = setup.hub, setup.space.space
    setup.obey(cmd.RequestToSpeak(GUEST, 5, name="Zoe", guest=True))
    setup.obey(cmd.RequestToSpeak(BEN, 6))
    setup.obey(cmd.ApproveSpeaker(HOST, BEN))
    setup.obey(cmd.ObserveLevels({HOST: 90, BEN: 10}))
    setup.obey(cmd.OpenMicrophone(BEN))
    setup.obey(cmd.OpenMicrophone(HOST))
    hub.levels(space, {BEN: 40})
    hub.draft(space, draft("some words"))
    hub.draft(space, draft(""))
    setup.obey(cmd.CaptionUtterance(UtteranceId("u1"), BEN, 1, 900, "Hello.", "en"))
    setup.obey(cmd.React(EVE, "👏"))
    setup.obey(cmd.SharePost(HOST, "https://example.org/a", 7))
    setup.obey(cmd.Retitle(HOST, "Another"))
    for news in (
        line(3, ChatKind.PICTURE),
        LinesGone(("$c1",)),
        WriterGone(EVE),
        LinesFound((line(4),)),
    ):
        hub.chatted(space, news)
    hub.gaps(space, {BEN: 14})
    hub.notice(space, say("room_open", "The room is open again."))
    setup.pages[0].client.error(say("no_hands", "No hand is up right now."))
    await asyncio.sleep(0)
    people = people_view(setup.space, HOST, [You()], "", "https://spaces.example.org/s/a")
    asked = {"type": "people", **people, "followers": 1}
    sent = [asked, json.loads(BEAT[2:]), *(f for page in setup.pages for f in page.frames)]
    hub.stop()
    assert {held(frame) for frame in sent} == {table.__name__ for table in tables(ServerFrame)}


def tables(union: object) -> list[type]:
    return list(cast("tuple[type, ...]", get_args(union)))
