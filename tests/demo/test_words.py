"""Finding what was said within what was heard."""

import pytest

from tests.support.words import word_error_rate_within

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("heard", "rate"),
    [
        ("How long does it rest?", 0.0),
        ("it rest? How long does it rest? How long", 0.0),
        ("it rest? How long does he rest? How", 0.2),
        ("How long how long", 0.6),
        ("nothing at all", 1.0),
        ("", 1.0),
    ],
)
def test_the_best_place_counts(heard: str, rate: float) -> None:
    assert word_error_rate_within("How long does it rest?", heard) == pytest.approx(rate)
