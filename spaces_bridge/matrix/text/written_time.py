"""Values for what the words of a time say, before the calendar is asked."""

from dataclasses import dataclass

from spaces_bridge.core.text.dates import MONTHS


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A day of the calendar, perhaps one that does not exist. `year` None: the next such day."""

    month: int
    day: int
    year: int | None = None

    def __str__(self) -> str:
        year = f" {self.year}" if self.year is not None else ""
        if not 1 <= self.month <= 12:
            return f"month {self.month}"
        return f"{self.day} {MONTHS[self.month - 1]}{year}"


@dataclass(frozen=True, slots=True)
class WrittenClock:
    """A time of day, perhaps one that does not exist. `half`: `a` of am, `p` of pm."""

    hour: int
    minute: int = 0
    second: int = 0
    half: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A time as it is written; what its words do not say is None or empty.

    `minutes` from now stands alone. `days` counts from today, and with `at_this_hour` needs
    no clock. `doubt` is a sentence for people whose words can be read in two ways.
    """

    minutes: float | None = None
    days: int | None = None
    at_this_hour: bool = False
    date: WrittenDate | None = None
    weekday: int | None = None
    clock: WrittenClock | None = None
    zone: str = ""
    doubt: str = ""

    @property
    def names_an_hour(self) -> bool:
        """True when the words say more than a day."""
        return self.clock is not None or self.minutes is not None or self.at_this_hour
