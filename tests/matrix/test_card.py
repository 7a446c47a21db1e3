"""What the live card says."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.card import Card, render
from tests.support.spaces import BEN, GUEST, HOST, after, live_space, scheduled

pytestmark = pytest.mark.unit

PAGE = "https://spaces.example.org/s/first-talk"


def shown(space: LiveSpace, listeners: int = 3) -> Card:
    return render(space, listeners, PAGE, captions=True)


def test_a_live_card_names_stage_queue_audience_and_the_way_in() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 5_000), cmd.React(BEN, "👏"))
    body = shown(space).content["body"]
    for part in (
        "🔴 Live now: First talk",
        "Host: Ada",
        "Hands up: 1. Ben",
        "Listening: 3",
        "👏 1",
        PAGE,
        "!space speak",
        "captioned",
        "not encrypted",
        "Nothing is recorded",
    ):
        assert part in body


def test_a_guest_with_a_raised_hand_stays_nameless() -> None:
    space = after(live_space(), cmd.RequestToSpeak(GUEST, 5_000, name="Zelda Secret", guest=True))
    content = str(shown(space).content)
    assert "1. a guest" in content
    assert "Zelda" not in content


def test_counters_alone_leave_the_frame_as_it_is() -> None:
    quiet, loud = live_space(), after(live_space(), cmd.React(BEN, "👏"))
    assert shown(quiet).frame == shown(loud, 9).frame
    assert shown(quiet).counters != shown(loud, 9).counters
    raised = after(live_space(), cmd.RequestToSpeak(BEN, 5_000))
    assert shown(raised).frame != shown(quiet).frame


def test_hostile_names_and_titles_are_only_text() -> None:
    space = after(
        live_space(),
        cmd.ObserveMember(BEN, True, '<img src=x onerror=alert(1)> "&'),
        cmd.RequestToSpeak(BEN, 5_000),
    )
    html = shown(space).content["formatted_body"]
    assert "<img" not in html
    assert "&lt;img" in html


def test_scheduled_and_ended_cards_say_so() -> None:
    assert "Soon: First talk" in shown(scheduled()).content["body"]
    ended = after(live_space(), cmd.EndSpace(HOST, 9_000))
    assert "Ended: First talk" in shown(ended).content["body"]
