"""The outbox tasks of one lane, in memory. Pure: times are handed in."""

from bisect import insort
from collections.abc import Sequence

from spaces_bridge.app.lanes import Lane, LaneName, Priority
from spaces_bridge.app.records import OutboxRow


class LaneQueue:
    """The queue of one lane's rows, by id.

    A row whose time has not come lets later ones pass; a row that failed does not, so that what
    follows it stays in order.
    """

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.failures = 0
        self.retry_at = 0.0
        """Loop time before which the lane rests after a failure."""
        self.told_to_wait = False
        """True: the homeserver itself said how long to wait, and nothing shortens it."""
        self._pressed = False
        self._rows: list[OutboxRow] = []
        self._tried: set[str] = set()

    @property
    def urgent(self) -> bool:
        """True: the lane never waits for the rate budget."""
        return self.lane.priority is Priority.URGENT

    @property
    def paces_itself(self) -> bool:
        """True: the task handler waits for the rate budget itself, event by event."""
        return self.lane.priority is Priority.PACED

    @property
    def group(self) -> str:
        """The group that shares the rate budget: a live space, a room, or everybody's messages."""
        return self.lane.partition

    @property
    def kind(self) -> LaneName:
        """The lane's name, which says what its tasks are about."""
        return self.lane.name

    @property
    def empty(self) -> bool:
        return not self._rows

    def add(self, row: OutboxRow) -> None:
        """Add a row, at its place."""
        insort(self._rows, row, key=lambda r: r.id)

    def take_out(self, keys: Sequence[str]) -> None:
        """Remove the rows that are done, buried or absorbed."""
        gone = set(keys)
        self._rows = [row for row in self._rows if row.effect.key not in gone]
        self._tried -= gone

    def suspect_head(self) -> None:
        """Note, after a start, that an earlier process may have sent the first row already."""
        if self._rows:
            self._tried.add(self._rows[0].effect.key)

    def head(self, now_ms: int) -> OutboxRow | None:
        """Return the row to try next, None while none is due."""
        return next((r for r in self._rows if r.attempts or r.effect.due_at_ms <= now_ms), None)

    def next_due_ms(self) -> int:
        """Return when the first row is due, in Unix milliseconds."""
        return min(row.effect.due_at_ms for row in self._rows)

    def note_try(self, row: OutboxRow) -> None:
        """Note that the row may have been sent from now on."""
        self._tried.add(row.effect.key)

    def may_have_been_sent(self, row: OutboxRow) -> bool:
        """Return whether the row was tried, by this process or perhaps an earlier one."""
        return row.attempts > 0 or row.effect.key in self._tried

    def note_pressed(self) -> bool:
        """Note that the lane waits for its budget. True: for the first time since it was empty."""
        first, self._pressed = not self._pressed, True
        return first

    def others(self, row: OutboxRow) -> list[OutboxRow]:
        """Return the rows that wait behind `row` and were not tried."""
        return [r for r in self._rows if r.id > row.id and not self.may_have_been_sent(r)]
