"""What a reaction's key means."""

import pytest

from spaces_bridge.matrix.events.emojis import SEEDS, is_hand, plain

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
    ],
)
def test_an_emoji_is_counted_in_one_form(key: object, form: str | None) -> None:
    assert plain(key) == form
    assert not is_hand(key)


def test_seeds_are_in_the_counted_form() -> None:
    assert [plain(seed) for seed in SEEDS] == list(SEEDS)
