"""Every string comes back as it went in, and both databases can hold what is stored."""

import json
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spaces_bridge.storage.text import (
    body_from_column,
    body_to_column,
    from_column,
    index_key,
    to_column,
)

pytestmark = pytest.mark.unit

# Characters that the escaping is about are as likely as all others together.
ANY_TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from("\x00\x1a\ud83d\ude00\udfff0123456789abcdef"))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(ANY_TEXT)
@example("\x1a0000")
@example("\x00" * 3 + "\ud800")
def test_any_text_comes_back_and_can_be_stored(text: str) -> None:
    column = to_column(text)
    assert from_column(column) == text
    assert "\x00" not in column
    column.encode()  # no lone surrogate is left


@given(st.dictionaries(ANY_TEXT, JSON, max_size=4))
@example({"two halves, not one letter": "\ud83d" + "\ude00"})
def test_any_json_object_comes_back_and_can_be_stored(body: dict[str, object]) -> None:
    column = body_to_column(body)
    assert body_from_column(column) == body
    assert "\x00" not in column
    column.encode()


def test_ordinary_text_is_stored_as_it_is() -> None:
    for text in ("Grüß dich 👋🏽", "a\\u0000b", "line\nline\ttab"):
        assert to_column(text) == text


def test_a_read_only_mapping_is_an_object_like_any_other() -> None:
    body = MappingProxyType({"inner": MappingProxyType({"a": 1})})
    assert json.loads(body_to_column(body)) == {"inner": {"a": 1}}


def test_a_body_that_is_not_json_is_a_bug_and_says_so() -> None:
    with pytest.raises(TypeError, match="set is not JSON"):
        body_to_column({"users": {"@a:example.org"}})


def test_different_ids_of_any_length_have_different_short_index_keys() -> None:
    long = "$" + "x" * 1_000_000
    ids = ["$a", "$A", "", "\x00", "\x1a0000", long, long + "y", index_key(long), "\ud800" * 600]
    keys = [index_key(given_id) for given_id in ids]
    assert len(set(keys)) == len(ids)
    assert max(len(key.encode()) for key in keys) <= 2_600


def test_the_longest_index_key_fits_an_index_page_of_postgresql() -> None:
    assert len(index_key("\U0010ffff" * 500).encode()) <= 2_600
    assert len(index_key("\x00" * 500).encode()) <= 2_600
