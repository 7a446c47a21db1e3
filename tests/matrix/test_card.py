"""What the live card says."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.cards.card import Card, render
from tests.support.spaces import BEN, EVE, GUEST, HOST, after, live_space, scheduled

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
    assert "Ended: First talk" in body_of(ended)


def test_an_ended_card_leads_to_what_was_said_if_anything_was_written_down() -> None:
    ended = after(live_space(), cmd.EndSpace(HOST, 9_000))
    assert "What was said" not in body_of(ended)
    assert "What was said: http" in body_of(replace(ended, captions_said=2))


def body_of(space: LiveSpace) -> str:
    return str(shown(space).content["body"])


def line(space: LiveSpace, name: str) -> str:
    """What the card says behind this name."""
    return next(part for part in body_of(space).split("\n") if part.startswith(f"{name}:"))


def seated(space: LiveSpace, user: UserId, name: str, level: int = 10) -> LiveSpace:
    held = {p.user: p.level for p in space.people.values() if p.level is not None}
    return after(
        space,
        cmd.ObserveMember(user, True, name),
        cmd.ObserveLevels({**held, user: level}),
    )


def test_who_a_host_has_muted_is_marked() -> None:
    space = seated(live_space(), BEN, "Ben")
    assert line(space, "Speakers") == "Speakers: Ben"
    assert line(after(space, cmd.MuteSpeaker(HOST, BEN)), "Speakers") == "Speakers: Ben 🔇"


def test_a_name_cannot_look_like_two_people_or_like_our_marks() -> None:
    space = seated(live_space(), EVE, "Eve, 2. Ada: host 🔇")
    assert line(space, "Speakers") == "Speakers: “Eve, 2. Ada: host ”"
    flipped = after(live_space(), cmd.Retitle(HOST, "Talk \u202egnihtemos\u2028Host: Eve"))
    head = body_of(flipped).split("\n")[0]
    assert head == "🔴 Live now: Talk gnihtemos Host: Eve"


def test_the_queue_has_places_and_sums_up_nameless_guests() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 5_000))
    for number in range(3):
        guest = UserId(f"@spaces_{number:016}:example.org")
        asks = cmd.RequestToSpeak(guest, 5_001 + number, name="Rude Word", guest=True)
        space = after(space, asks)
    space = after(space, cmd.ObserveMember(EVE, True, "Eve"), cmd.RequestToSpeak(EVE, 6_000))
    assert line(space, "Hands up") == "Hands up: 1. Ben, 2–4. 3 guests, 5. Eve"


def test_a_hundred_hands_stay_short() -> None:
    space = live_space()
    for number in range(100):
        guest = UserId(f"@spaces_{number:016}:example.org")
        asks = cmd.RequestToSpeak(guest, 5_000 + number, name="x" * 40, guest=True)
        space = after(space, asks)
    assert line(space, "Hands up") == "Hands up: 1–10. 10 guests, and 90 more"
    assert len(body_of(space)) < 1_000


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (SpeakPolicy.REQUEST, "a host decides"),
        (SpeakPolicy.EVERYONE, "at once while there are places"),
        (SpeakPolicy.FOLLOWED, "whom the host follows"),
        (SpeakPolicy.INVITED, "by invitation of a host only"),
    ],
)
def test_who_may_speak_is_said_in_words(policy: SpeakPolicy, words: str) -> None:
    assert words in line(live_space(speak_policy=policy), "Ask to speak")


def test_what_is_closed_is_said() -> None:
    space = live_space()
    assert "Locked by a host" in body_of(after(space, cmd.LockSpace(HOST)))
    assert "Chat is off" in body_of(after(space, cmd.SetChat(HOST, on=False)))
    assert "No guests" in body_of(after(space, cmd.SetGuests(HOST, GuestPolicy.OFF)))
    assert "listen, not speak" in body_of(after(space, cmd.SetGuests(HOST, GuestPolicy.LISTEN)))


def test_a_missed_host_is_away() -> None:
    space = after(live_space(), cmd.ObserveMember(HOST, False), cmd.PassTime(9_000, 60_000))
    assert line(space, "Host") == "Host: Ada (away right now)"


def test_the_time_of_a_scheduled_one_is_in_words_and_utc() -> None:
    at_ms = 1_796_324_400_000
    space = after(scheduled(), cmd.Reschedule(HOST, at_ms, at_ms - 86_400_000))
    assert line(space, "When") == "When: Thu 3 December 2026, 19:00 UTC"
    assert "react with ✅" in line(space, "Be reminded")


def test_a_zone_of_ones_own_stands_before_utc() -> None:
    at_ms = 1_796_324_400_000
    space = after(scheduled(), cmd.Reschedule(HOST, at_ms, at_ms - 86_400_000))
    card = render(space, 0, PAGE, captions=True, zone=ZoneInfo("Europe/Berlin"))
    here, utc = "Thu 3 December 2026, 20:00 Europe/Berlin", "Thu 3 December 2026, 19:00 UTC"
    assert f"When: {here} ({utc})" in card.content["body"]
    plain = render(space, 0, PAGE, captions=True, zone=ZoneInfo("UTC"))
    assert f"When: {utc}\n" in plain.content["body"]
