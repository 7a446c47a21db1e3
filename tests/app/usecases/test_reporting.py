"""What moderators are shown of the reported."""

import pytest

from spaces_bridge.app.chat import ChatLine
from spaces_bridge.app.usecases.reporting import context_of
from spaces_bridge.core import commands as cmd
from tests.support.spaces import BEN, GUEST, HOST, after, live_space

pytestmark = pytest.mark.unit


def test_a_guest_without_the_floor_is_nameless_in_the_moderators_room_too() -> None:
    asked = after(live_space(), cmd.RequestToSpeak(GUEST, 1, "A slur", guest=True))
    assert context_of(asked, GUEST) == "guest in “First talk”"
    seated = after(
        asked,
        cmd.ApproveSpeaker(HOST, GUEST),
        cmd.ObserveMember(GUEST, joined=True, name="Gil (guest)"),
    )
    assert context_of(seated, GUEST) == "Gil (guest) · guest in “First talk”"
    assert context_of(asked, BEN) == "Ben · listener in “First talk”"


def test_what_they_wrote_is_shown_on_one_line_each_and_nobody_elses() -> None:
    chat = [ChatLine(f"{n}", BEN, "Ben", f"line\n{n}", n) for n in range(7)]
    chat.append(ChatLine("g", GUEST, "Zoe", "x" * 2000, 9, guest=True, named=False))
    told = context_of(live_space(), BEN, chat).splitlines()
    assert told[0] == "Ben · listener in “First talk”"
    assert told[1:] == [f"wrote: “line {n}”" for n in range(2, 7)]
    told = context_of(live_space(), GUEST, chat).splitlines()
    assert told == ["guest in “First talk”", f"wrote: “{'x' * 300}…”"]
