"""Moments as people read them."""

from datetime import UTC, datetime

import pytest

from spaces_bridge.core.text.dates import MONTHS, WEEKDAYS, shown_moment, shown_utc

pytestmark = pytest.mark.unit


def test_a_moment_says_weekday_day_time_and_zone() -> None:
    at = datetime(2026, 12, 1, 19, 5, tzinfo=UTC)
    assert shown_moment(at, "Mars/Olympus") == "Tue 1 December 2026, 19:05 Mars/Olympus"
    assert shown_utc(int(at.timestamp() * 1000)) == "Tue 1 December 2026, 19:05 UTC"


def test_names_are_those_of_the_calendar() -> None:
    days = [datetime(2026, 6, day, tzinfo=UTC) for day in range(1, 8)]
    assert [f"{day:%A}" for day in days] == list(WEEKDAYS)
    months = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13)]
    assert [f"{month:%B}" for month in months] == list(MONTHS)
