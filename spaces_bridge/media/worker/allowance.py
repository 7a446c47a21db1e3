"""How much somebody may do: a token bucket. Pure: time is passed in."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Allowance:
    """A token bucket: `rate` per second on average, `burst` at once."""

    rate: float
    burst: float
    _left: float = field(init=False)
    _at: float | None = None

    def __post_init__(self) -> None:
        self._left = self.burst

    def has(self, amount: float, now: float) -> bool:
        """Whether `amount` is still allowed; nothing is taken."""
        if self._at is not None:
            self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        return self._left >= amount

    def take(self, amount: float, now: float) -> bool:
        """Whether `amount` is still allowed; if so it is taken."""
        if not self.has(amount, now):
            return False
        self._left -= amount
        return True


def forgeries() -> Allowance:
    """What fails its signature at one peer's address, per second; what holds is not counted.

    Anybody may have sent it, so it is charged to nobody's budget. Finding out costs 2 to 3 us,
    less than reading the datagram did: so many are a twentieth of a core. A flood beyond it is
    looked at no longer, and may cost that peer its sound, but nobody else theirs.
    """
    return Allowance(rate=20_000, burst=20_000)
