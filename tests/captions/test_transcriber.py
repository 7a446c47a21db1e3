"""What is believed of what the model writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.captions.worker.belief import (
    Decode,
    believed,
    is_imagined,
    tidied,
    without_new_start,
    without_repeated_tail,
    without_stutter,
)
from spaces_bridge.captions.worker.transcriber import window_frames

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("We begin at noon. We begin at noon.", "We begin at noon."),
        ("so it goes on and on it goes on and on it goes on and on", "so it goes on and on"),
        ("Hear the next one now. Yes. Hear the next one", "Hear the next one now. Yes."),
    ],
)  # fmt: skip
def test_a_repeated_tail_is_cut(written: str, meant: str) -> None:
    assert without_repeated_tail(written) == meant


@pytest.mark.parametrize(
    "text", ["", "No, no, no.", "Very, very good.", "To be, or not to be", "It is what it is."]
)
def test_what_people_do_say_twice_stays(text: str) -> None:
    assert without_repeated_tail(text) == text


@given(st.lists(st.sampled_from("abc"), max_size=30).map(" ".join))
def test_cutting_leaves_a_beginning_and_is_done_at_once(text: str) -> None:
    once = without_repeated_tail(text)
    assert text.startswith(once)
    assert without_repeated_tail(once) == once


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Tonight we talk about gardens. Tonight", "Tonight we talk about gardens."),
        ("I have grown tomatoes for seven. I have grown", "I have grown tomatoes for seven."),
        ("I have grown tomatoes. I like them.", "I have grown tomatoes. I like them."),
        ("Tonight. Tonight.", "Tonight."),
        ("Tonight", "Tonight"),
        ("", ""),
    ],
)
def test_a_draft_does_not_begin_again_at_its_end(written: str, meant: str) -> None:
    assert without_new_start(written) == meant


@given(st.floats(0.03, 30))
def test_the_window_has_room_around_the_utterance_and_suits_the_model(seconds: float) -> None:
    frames = window_frames(seconds)
    assert frames % 50 == 0
    assert 1000 <= frames <= 3000
    assert frames == 3000 or frames >= 100 * (seconds + 3)


@pytest.mark.parametrize(
    ("decode", "imagined"),
    [
        (Decode("Good evening.", -0.2, 0.01), False),
        (Decode("Thank you.", -0.3, 0.02), False),
        (Decode("Thank you.", -0.3, 0.6), True),
        (Decode("You", -0.5, 0.9), True),
        (Decode("I see the sea.", -1.5, 0.9), True),
        (Decode("I see the sea.", -0.5, 0.9), False),
        (Decode(" ... ", -0.1, 0.0), True),
        (Decode("", 0.0, 0.0), True),
        (Decode("o" * 37, -0.3, 0.05), True),
        (Decode("Ooooo! Ooooooooo!", -0.3, 0.05), True),
        (Decode("1111111111", -0.3, 0.05), False),
        (Decode("Aaah!", -0.5, 0.1), False),
        (Decode("Thank you.", -1.5, 0.1), True),
        (Decode("Thank you.", -1.58, 0.58), True),
        (Decode("Vielen Dank!", -0.4, 0.5), True),
        (Decode("Vielen Dank!", -0.2, 0.05), False),
        (Decode("ご視聴ありがとうございました。", -0.3, 0.6), True),
        (Decode("Untertitel der Amara.org-Community", -0.1, 0.02), True),
        (Decode("Untertitelt wird auf der Seite.", -0.1, 0.02), False),
        (Decode("This is the first time I've ever seen a movie.", -1.69, 0.48), True),
        (Decode("Hello in the community.", -1.1, 0.06), False),
    ],
)
def test_words_are_imagined_if_the_model_heard_no_speech(decode: Decode, imagined: bool) -> None:
    assert is_imagined(decode) is imagined


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("aaaaaaaaaah", "aaah"),
        ("Aaaaaaah, I see.", "Aaah, I see."),
        ("brrrrrrrrr", "brrr"),
        ("hahahahahahahaha", "hahaha"),
        ("Hahahahahaha, stop it!", "Hahaha, stop it!"),
        ("哈哈哈哈哈哈哈哈", "哈哈哈"),
        ("ㅋㅋㅋㅋㅋㅋㅋㅋ", "ㅋㅋㅋ"),
        ("はははははははは", "ははは"),
        ("ありがとうありがとうありがとうありがとう", "ありがとう"),
        ("谢谢大家观看谢谢大家观看谢谢大家观看", "谢谢大家观看"),
        ("ha ha ha ha ha ha ha ha", "ha ha ha"),
        ("No, no, no, no, no, no, no.", "No, no, no, no."),
        ("lalalalalalala we sing", "lalala we sing"),
        ("We go on and on and on and on and on and on and on and", "We go on and on and on and"),
    ],
)
def test_what_is_said_again_and_again_is_shown_three_times(written: str, meant: str) -> None:
    assert without_stutter(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "aaah", "hahaha", "no no no", "brrr", "Zzz.", "1000000", "0 0 0 0 0 0 0", "5555555555",
        "Call 030 2222222.", "Schifffahrt", "Mississippi", "bananas", "Wooow", "blah blah blah",
        "哈哈哈", "好好好", "Very, very, very good.", "1,000,000,000,000", "....",
        "www.example.org", "Pure Aaaa batteries", "the the the", "", "Donaudampfschiff",
    ],
)  # fmt: skip
def test_words_that_repeat_themselves_survive(text: str) -> None:
    assert tidied(text) == text


@given(st.text(alphabet="aho 哈1.,!", max_size=80))
def test_nothing_repeats_itself_without_end(text: str) -> None:
    once = without_stutter(text)
    assert len(once) <= len(text)
    assert "a" * 5 not in once
    assert "哈" * 5 not in once
    assert once.count("1") == text.count("1")


def test_what_is_left_of_an_imagined_text_is_nothing() -> None:
    assert believed(Decode("o" * 37, -0.2, 0.01)) == ""
    assert believed(Decode("Hahahahahaha!", -0.3, 0.1)) == "Hahaha!"
    assert believed(Decode("Good evening.", -0.2, 0.01)) == "Good evening."
