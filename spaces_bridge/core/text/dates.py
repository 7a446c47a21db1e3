"""Dates and times as people read them, everywhere in one form."""

from datetime import UTC, datetime

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""The names of the weekdays; Monday is 0, as `datetime.weekday` counts."""


def shown_day(at: datetime) -> str:
    """Return a day as `Tue 1 December 2026`."""
    return f"{WEEKDAYS[at.weekday()][:3]} {at.day} {MONTHS[at.month - 1]} {at.year}"


def shown_moment(at: datetime, zone: str) -> str:
    """Return a moment with its zone's name: `Tue 1 December 2026, 19:00 Europe/Berlin`."""
    return f"{shown_day(at)}, {at:%H:%M} {zone}"


def shown_utc(at_ms: int) -> str:
    """Return a moment for people everywhere: `Tue 1 December 2026, 18:00 UTC`."""
    return shown_moment(datetime.fromtimestamp(at_ms / 1000, UTC), "UTC")
