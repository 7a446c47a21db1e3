"""What a reaction's key means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.matrix.events.emojis import SEEDS, counted, is_hand, plain

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("key", ["✋", "✋🏽", "✋🏿", "🖐", "🖐️", "🖐🏻", "🤚", "🤚🏾", "✋️"])
def test_hands_of_any_kind_ask_for_the_floor(key: str) -> None:
    assert is_hand(key)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("❤", "❤️"),
        ("❤️", "❤️"),
        ("👍🏿", "👍"),
        ("😂", "😂"),
        ("✅", "✅"),
        ("❌", "❌"),
        ("🇵🇹", "🇵🇹"),
        ("👩🏽‍🚀", "👩‍🚀"),
        ("👋", "👋"),
        ("+1", None),
        ("👏👏", None),
        ("mxc://server/file", None),
        ("", None),
        (None, None),
        (5, None),
        ("👏" * 100, None),
        ("<b>", None),
        (":clap:", "👏"),
        (":heart:", "❤️"),
        (":blobcat:", None),
    ],
)
def test_an_emoji_is_counted_in_one_form(key: object, form: str | None) -> None:
    assert plain(key) == form
    assert not is_hand(key)


def test_seeds_are_in_the_counted_form() -> None:
    assert [plain(seed) for seed in SEEDS] == list(SEEDS)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("👍🏿", "👍"),
        ("❤", "❤️"),
        ("👏👏", "👏"),
        ("👏🏽 😂", "👏"),
        ("✋✋", "💬"),
        (":clap:", "👏"),
        ("lol", "💬"),
        (":blobcat:", "💬"),
        ("+1", "💬"),
        ("<b>Ada: I resign</b>", "💬"),
        ("mxc://example.org/blobcat", "🖼️"),
        ("mxc://" + "x" * 60_000, "🖼️"),
        ("👏" * 20_000, "💬"),
        ("", "💬"),
        ("\u202e\x00", "💬"),
    ],
)
def test_any_reaction_counts_as_one_emoji(key: str, form: str) -> None:
    assert counted(key) == form
    assert plain(form) == form


@given(st.text(max_size=40))
def test_no_ones_words_come_into_the_totals(key: str) -> None:
    assert plain(counted(key)) == counted(key)


def test_a_hand_may_be_spelt_out() -> None:
    assert is_hand(":raised_hand:")
