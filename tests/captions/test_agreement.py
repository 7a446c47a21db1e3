"""What is committed of a growing utterance, and that it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.captions.worker.stable_prefix import Agreement, StablePrefix

pytestmark = pytest.mark.unit


def shown(*decodes: str) -> list[tuple[str, str]]:
    """What is solid and what may change, after each decode."""
    agreement = Agreement()
    steadied = [agreement.take(text) for text in decodes]
    return [(s.text[: s.committed], s.text[s.committed :]) for s in steadied]


def test_what_two_decodes_agree_on_is_committed_but_for_the_last_word() -> None:
    assert shown(
        "Good evening.", "Good evening, everybody.", "Good evening everybody, come in"
    ) == [
        ("", "Good evening."),
        ("Good evening,", " everybody."),
        ("Good evening, everybody,", " come in"),
    ]


def test_a_pause_commits_no_full_stop() -> None:
    assert shown("I grow roses.", "I grow roses.", "I grow roses and tulips.")[-1] == (
        "I grow roses",
        " and tulips.",
    )


def test_a_committed_word_stays_when_a_later_decode_words_it_otherwise() -> None:
    decodes = ("a rose by any", "a rose by any other", "arose by any other name would")
    assert shown(*decodes)[-1] == ("a rose by any other", " name would")


def test_a_decode_that_counts_the_words_otherwise_joins_where_they_end() -> None:
    decodes = ("to the garden of", "to the garden of ours", "well to the garden of ours we go")
    assert shown(*decodes)[-1] == ("to the garden of ours", " we go")


def test_a_decode_that_is_shorter_than_what_is_committed_takes_nothing_back() -> None:
    assert shown("one two three", "one two three", "one")[-1] == ("one two", "")


def test_what_was_agreed_on_once_and_then_not_is_not_committed() -> None:
    assert shown("one two six four", "one two three four", "one two tree four")[-1] == (
        "one two",
        " tree four",
    )


def test_words_without_spaces_between_them_are_committed_too() -> None:
    assert shown("今日は庭の話", "今日は庭の話をします")[-1] == ("今日は庭の話", "をします")


TEXTS = st.lists(
    st.sampled_from(["one", "two", "Two,", "three.", "...", "四", "五", "été"]), max_size=8
).map(" ".join)


@given(st.lists(TEXTS, max_size=12))
def test_committed_text_only_grows_and_is_never_worded_anew(decodes: list[str]) -> None:
    agreement, before = Agreement(), StablePrefix("", 0)
    for text in decodes:
        now = agreement.take(text)
        assert before.committed <= now.committed <= len(now.text)
        assert now.text.startswith(before.text[: before.committed])
        assert now.text == now.text.strip()
        before = now


@given(TEXTS)
def test_what_is_heard_again_and_again_is_shown_as_it_is(text: str) -> None:
    agreement = Agreement()
    assert {agreement.take(text).text for _ in range(4)} == {text}
