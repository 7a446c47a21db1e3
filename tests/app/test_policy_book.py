"""Rules of policy lists: what a glob fits, and that answers are never older than the rules."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app.policy_book import PolicyBook, matches
from spaces_bridge.app.records import PolicyRule
from spaces_bridge.core.ids import RoomId, UserId

pytestmark = pytest.mark.unit

LIST = RoomId("!list")
TEXTS = st.text(alphabet="aB[].:", max_size=8)


@given(st.text(alphabet="aB[].:*?", max_size=8), TEXTS)
def test_a_glob_fits_what_the_spec_says(glob: str, text: str) -> None:
    expression = fnmatch.translate(glob.lower().replace("[", "[[]"))
    assert matches(glob, text) is (re.match(expression, text.lower()) is not None)


ENTITIES = st.sampled_from(["@ann:x", "@ben:y", "*", "@a*:x", "x", "*.y", "?", "y", "@*n:*"])
RULES = st.builds(
    PolicyRule,
    st.just(LIST),
    st.sampled_from(["user", "server"]),
    st.sampled_from(["k1", "k2", "k3"]),
    ENTITIES,
    st.just(""),
)


@given(st.lists(RULES | st.tuples(st.sampled_from(["k1", "k2", "k3"])), max_size=12))
def test_an_answer_that_is_remembered_is_as_good_as_a_fresh_one(
    steps: list[PolicyRule | tuple[str]],
) -> None:
    book = PolicyBook()
    people = [UserId(f"@{name}") for name in ("ann:x", "ben:y", "cat:z.y:443")]
    for step in steps:
        if isinstance(step, PolicyRule):
            book.put(step)
        else:
            book.drop(LIST, "user", step[0])
        fresh = PolicyBook(book.rules())
        for user in people:
            assert (book.rule_against(user) is None) is (fresh.rule_against(user) is None)
    book.replace(LIST, [])
    assert not any(book.rule_against(user) for user in people)
