"""What people may make the bot keep: each of them, and all of a foreign homeserver together."""

import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.budgets import SenderBudget

pytestmark = pytest.mark.unit

BOT = UserId("@bot:home:8448")


def taken(budget: SenderBudget, users: list[UserId]) -> int:
    return sum(budget.take(user) for user in users)


def people(server: str, number: int) -> list[UserId]:
    return [UserId(f"@p{each}:{server}") for each in range(number)]


def test_a_foreign_homeservers_people_share_a_budget_and_others_have_theirs() -> None:
    budget = SenderBudget(BOT, (2, 0.0), (5, 0.0))
    assert taken(budget, people("far", 20)) == 5
    assert taken(budget, people("other", 3)) == 3


def test_people_of_the_own_homeserver_count_by_themselves_alone() -> None:
    budget = SenderBudget(BOT, (2, 0.0), (5, 0.0))
    assert taken(budget, people("home:8448", 20)) == 20
    assert taken(budget, people("home:8448", 1) * 20) == 1


def test_one_persons_flood_costs_their_homeserver_no_more_than_their_own_budget() -> None:
    budget = SenderBudget(BOT, (2, 0.0), (5, 0.0))
    assert taken(budget, people("far", 1) * 20) == 2
    assert taken(budget, people("far", 20)[1:]) == 3
