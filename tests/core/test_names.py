"""Names that people give themselves: readable, and nothing hidden in them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.text.names import GRAPHEMES_MAX, MARKS_MAX, before_a_colon, clean_name

pytestmark = pytest.mark.unit

DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = DIRECTIONS + "\u00ad\u034f\u115f\u1160\u200b\u2060\u2800\u3164\ufeff\uffa0\U000e0041"
COUPLE = "\u2764\ufe0f\u200d\U0001f525"
FAMILY = "\U0001f468\U0001f3fd\u200d\U0001f469\u200d\U0001f467"

names = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(INVISIBLE + "\u200c\u200d\u0301\u0489 \t\nA\u0430\U0001f469\u0dca"),
    ),
    max_size=120,
)


@pytest.mark.parametrize("nothing", ["", " \t\n\u2003", INVISIBLE, "\u0301\u0489", "\u200d" * 9])
def test_what_nobody_sees_is_no_name(nothing: str) -> None:
    assert clean_name(nothing) == ""


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("A\u200dda", "Ada"),
        ("A\u200b\u0301da", "\u00c1da"),
        ("Ada\u3164\u2800", "Ada"),
        ("\u0301Ada \u0301Byron", "Ada Byron"),
        (f"Ada {COUPLE}", f"Ada {COUPLE}"),
        (FAMILY, FAMILY),
        ("\U0001f389\U0001f389", "\U0001f389\U0001f389"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),  # Sri, in Sinhala
        ("\u092e\u0940\u0930\u093e", "\u092e\u0940\u0930\u093e"),
        ("\u0412\u0430\u0441\u044f", "\u0412\u0430\u0441\u044f"),
        ("\u4e3d\u534e", "\u4e3d\u534e"),
    ],
)
def test_a_name_keeps_what_is_seen_and_loses_the_rest(given: str, shown: str) -> None:
    assert clean_name(given) == shown


@given(names)
def test_whatever_is_given_a_name_is_clean_short_and_stays_the_same(given: str) -> None:
    name = clean_name(given)
    hidden = {c for c in name if unicodedata.category(c) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl")}
    assert hidden <= {"\u200d"}
    assert not set(name) & set(INVISIBLE) - {"\u034f"}
    assert name == " ".join(name.split())
    assert clean_name(name) == name
    assert not name or unicodedata.category(name[0])[0] != "M"


@given(st.text(st.sampled_from("Aa\u0301\u0489\u0335\u20dd \u200d"), max_size=300))
def test_accents_are_never_piled_up(given: str) -> None:
    run = longest = letters = 0
    for char in clean_name(given):
        run = run + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        longest = max(longest, run)
        letters += run == 0
    assert longest <= MARKS_MAX
    assert letters <= GRAPHEMES_MAX


def test_a_hundred_emoji_families_are_forty_signs() -> None:
    assert clean_name(FAMILY * 100) == FAMILY * GRAPHEMES_MAX


@given(names)
def test_nobody_speaks_for_somebody_else_by_a_colon(given: str) -> None:
    assert ":" not in unicodedata.normalize("NFKC", before_a_colon(clean_name(given)))
