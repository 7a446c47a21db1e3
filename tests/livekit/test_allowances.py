"""What one person may ask for in calls, and what is kept of what a client says it wants."""

import logging

import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.allowances import Allowances
from spaces_bridge.livekit.limits import (
    ATTRIBUTES_MAX,
    JOINS_BURST,
    MESSAGES_BURST,
    METADATA_BURST,
    METADATA_MAX,
    OFFERS_BURST,
    SID_MAX,
    SUBSCRIPTIONS_MAX,
)
from spaces_bridge.livekit.participants import Subscriptions, fit

pytestmark = pytest.mark.unit

ADA, BEN = UserId("@ada:x"), UserId("@ben:x")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_person_may_do_so_much_and_more_of_it_after_a_while() -> None:
    clock = Clock()
    allowances = Allowances(clock)
    for take, burst in (
        (allowances.take_join, JOINS_BURST),
        (allowances.take_metadata, METADATA_BURST),
        (lambda user: allowances.take_message(user, is_offer=True), OFFERS_BURST),
        (lambda user: allowances.take_message(user, is_offer=False), MESSAGES_BURST - 40),
    ):
        assert all(take(ADA) for _ in range(burst - 1))
        take(ADA)
        assert not take(ADA)
        assert take(BEN)
    clock.now += 5
    assert allowances.take_join(ADA)
    assert allowances.take_metadata(ADA)
    assert allowances.take_message(ADA, is_offer=True)


def test_a_flood_is_one_line_in_the_log_for_each_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    allowances = Allowances(clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(MESSAGES_BURST + 50):
            allowances.take_message(ADA, is_offer=True)
            allowances.take_join(ADA)
        assert len(caplog.records) == 1
        clock.now += 61
        for _ in range(OFFERS_BURST + 50):
            allowances.take_join(ADA)
        assert len(caplog.records) == 2


def test_what_a_client_excepts_is_bounded_in_number_and_length() -> None:
    for wants_all in (True, False):
        subscriptions = Subscriptions(wants_all)
        long = "TR_" + "x" * SID_MAX
        subscriptions.set(["PA_x", long], wanted=not wants_all)
        assert subscriptions.include("PA_x") is subscriptions.include(long) is wants_all
        tracks = [f"TR_{number}" for number in range(SUBSCRIPTIONS_MAX + 1)]
        subscriptions.set(tracks, wanted=not wants_all)
        assert subscriptions.include(tracks[0]) is wants_all  # the oldest gave way
        assert {subscriptions.include(track) for track in tracks[1:]} == {not wants_all}
        subscriptions.set(tracks[:2], wanted=wants_all)
        assert subscriptions.include(tracks[1]) is wants_all


def test_metadata_and_attributes_are_bounded_together() -> None:
    half = METADATA_MAX // 2
    assert fit("m" * half, {"k": "v" * (half - 1)})
    assert not fit("m" * half, {"k": "v" * half})
    assert not fit("é" * half + "m", {})
    assert not fit("", {str(number): "v" for number in range(ATTRIBUTES_MAX + 1)})
