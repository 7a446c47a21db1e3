"""Finding what was said within what was heard."""

import pytest

from tests.support.words import TIMES, understood, word_error_rate_within

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


async def said_until(understood_at: int) -> int:
    """Nobody understands before it was said so often; gives how often it was."""
    said = 1

    async def wrong() -> float:
        return 0.1 if said >= understood_at else 0.2

    async def again() -> None:
        nonlocal said
        said += 1

    await understood(wrong, again, within_s=0)
    return said


async def test_what_is_not_understood_is_said_again_and_not_for_ever() -> None:
    assert [await said_until(times) for times in (1, 2, TIMES + 1)] == [1, 2, TIMES + 1]
    with pytest.raises(AssertionError, match="of the words are wrong"):
        await said_until(TIMES + 2)
