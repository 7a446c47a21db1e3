"""What is believed of what the model writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.captions.worker.transcriber import (
    Decode,
    is_imagined,
    window_frames,
    without_new_start,
    without_repeated_tail,
)

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
    ],
)
def test_words_are_imagined_if_the_model_heard_no_speech(decode: Decode, imagined: bool) -> None:
    assert is_imagined(decode) is imagined
