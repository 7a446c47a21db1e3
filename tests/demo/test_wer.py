"""Words are compared as they are said, not as they are spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge_demo.wer import word_error_rate, word_errors, words_of

pytestmark = pytest.mark.unit

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It's 7:30, Mr. Hill!", "it is seven thirty mister hill"),
        ("we won’t, can't and don't", "We will not, cannot and do not."),
        ("I've 3 cats; they're fine.", "I have three cats they are fine"),
        ("what's up? there's more", "what is up there is more"),
        ("the dog's bone", "the dogs bone"),
        ("In 1984 and 2024", "in nineteen eighty-four and twenty twenty four"),
        ("since 1905 and 1900", "since nineteen oh five and nineteen hundred"),
        ("2005 people", "two thousand five people"),
        ("$1,250 or 1,000,000", "one thousand two hundred fifty dollars or one million"),
        ("the 21st, 20th and 12th", "the twenty first, twentieth and twelfth"),
        ("the 90s", "the nineties"),
        ("50% of it", "fifty per cent of it"),
        ("3.5 at 9:00", "three point five at nine"),
        ("Uh, OK, um, gonna go", "okay going to go"),
        ("Ill-disposed & cold-hearted", "ill disposed and cold hearted"),
        ("O’Brien said naïve", "o'brien said naïve"),
        ("0 7 100", "zero seven one hundred"),
    ],
)
def test_two_spellings_of_the_same_words_are_equal(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


def test_every_number_can_be_said() -> None:
    spoken = {" ".join(words_of(str(number))) for number in range(12_000)}
    assert len(spoken) == 12_000
    assert words_of("12345678901")[:3] == ["twelve", "billion", "three"]


def test_wrong_missing_and_added_words_count() -> None:
    assert word_error_rate("the cat sat down", "The cat sat down.") == 0
    assert word_error_rate("the cat sat down", "the hat sat") == 0.5
    assert word_error_rate("the cat", "the black cat") == 0.5
    assert word_error_rate("the cat", "") == 1


def test_a_reference_without_words_has_no_error_rate() -> None:
    with pytest.raises(ValueError, match="no words"):
        word_error_rate("...", "something")


@given(WORDS, WORDS, WORDS)
def test_errors_are_a_distance(one: list[str], two: list[str], three: list[str]) -> None:
    assert word_errors(one, one) == 0
    assert word_errors(one, two) == word_errors(two, one)
    assert abs(len(one) - len(two)) <= word_errors(one, two) <= max(len(one), len(two))
    assert word_errors(one, three) <= word_errors(one, two) + word_errors(two, three)
