"""Globs, also from people who mean harm."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app.globs import GlobTable, matches

pytestmark = pytest.mark.unit

SMALL = st.text("ab?*.", max_size=8)


@pytest.mark.parametrize(
    ("glob", "text", "fits"),
    [
        ("@spam*:evil.org", "@spam1:evil.org", True),
        ("@spam*:evil.org", "@spam:EVIL.org", True),
        ("@spam?:evil.org", "@spam:evil.org", False),
        ("*", "", True),
        ("", "", True),
        ("", "x", False),
        ("**a**", "bab", True),
        ("evil.org", "notevil.org", False),
        ("@a[b]:x", "@ab:x", False),
        ("*.evil.org", "evil.org", False),
    ],
)
def test_globs_fit_as_the_specification_says(glob: str, text: str, fits: bool) -> None:
    assert matches(glob, text) is fits
    assert (GlobTable([(glob, 1)]).find(text) == 1) is fits


@given(SMALL, st.text("ab.", max_size=8))
def test_globs_mean_what_the_same_regular_expression_means(glob: str, text: str) -> None:
    parts = {"*": ".*", "?": "."}
    pattern = "".join(parts.get(c) or re.escape(c) for c in glob)
    assert matches(glob, text) is (re.fullmatch(pattern, text) is not None)


@given(st.lists(st.tuples(SMALL, st.integers())), st.text("ab.", max_size=6))
def test_a_table_finds_what_looking_at_each_finds(
    entries: list[tuple[str, int]], text: str
) -> None:
    fitting = {value for glob, value in entries if matches(glob, text)}
    found = GlobTable(entries).find(text)
    assert found in fitting if fitting else found is None


def test_a_hostile_glob_is_answered() -> None:
    assert not matches("*a" * 60 + "b", "a" * 255)
