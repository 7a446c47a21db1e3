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

    Anybody may have sent it, so it is charged to nobody's budget. Finding out costs some 3 us, as
    much as reading a datagram: so much is a hundredth of a core. A flood beyond it is no longer
    looked at, and may cost that peer its connection, but nobody else theirs.
    """
    return Allowance(rate=5000, burst=10_000)
