"""Text of the chat: readable, and able to do nothing to what stands around it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.text.writing import TEXT_MAX, clean_text

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("hello", "hello"),
        ("  two\r\nlines \r\n\r\n\r\nand more\n\n", "two\nlines\n\nand more"),
        ("a\u2028b\u0085c", "a\nb\nc"),
        ("tab\there", "tab here"),
        ("ev\u202eil \u2066x\u2069\u200f", "evil x"),
        ("\x1b[31mred\x07\x00", "[31mred"),
        ("Z" + "\u0301" * 500, unicodedata.normalize("NFC", "Z\u0301") + "\u0301" * 3),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("\u200b\u2060\ufeff \n", ""),
        ("\ud800x\ufffe\U0001fae8", "x\U0001fae8"),
    ],
)
def test_text_keeps_its_letters_and_lines_and_nothing_hidden(written: str, shown: str) -> None:
    assert clean_text(written) == shown


def test_long_text_is_cut_and_never_inside_a_letter() -> None:
    assert clean_text("x" * TEXT_MAX) == "x" * TEXT_MAX
    cut = clean_text("👩\u200d👩\u200d👧" * 1000)
    assert len(cut) <= TEXT_MAX
    assert cut.endswith("👧…")


@given(st.text(max_size=300))
def test_whatever_is_written_comes_out_bounded_clean_and_the_same_again(written: str) -> None:
    shown = clean_text(written)
    assert len(shown) <= TEXT_MAX
    hidden = {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")}
    assert hidden <= {"\n", "\u200d", "\u200c"}
    assert clean_text(shown) == shown
