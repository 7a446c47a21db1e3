"""What the control process knows of its conversation with a worker."""

import pytest

from spaces_bridge.wire.worker_link import Pulse, WorkerLink

pytestmark = pytest.mark.unit


class Worker:
    """A worker that answers some of the pings it gets."""

    def __init__(self, pulse: Pulse, *, answers: int = 0) -> None:
        self.pings: list[int] = []
        self.heard: list[str] = []
        self._answers = answers
        self.link: WorkerLink[str] = WorkerLink(
            pulse, ping=self._take, on_message=self.heard.append
        )

    def _take(self, number: int) -> None:
        self.pings.append(number)
        if number <= self._answers:
            self.link.answered()


async def test_a_worker_that_answers_no_more_is_noticed_after_so_many_pings() -> None:
    worker = Worker(Pulse(0.0, 4), answers=3)
    await worker.link.until_unresponsive()
    assert worker.pings == [1, 2, 3, 4, 5, 6, 7]


async def test_a_worker_that_has_not_answered_yet_may_be_given_more_time() -> None:
    silent = Worker(Pulse(0.0, 2, most_missed_at_first=5))
    await silent.link.until_unresponsive()
    assert len(silent.pings) == 5
    loaded = Worker(Pulse(0.0, 2, most_missed_at_first=5), answers=1)
    await loaded.link.until_unresponsive()
    assert loaded.pings == [1, 2, 3]


def test_messages_that_come_early_wait_and_keep_their_order() -> None:
    worker = Worker(Pulse(0.0, 1))
    worker.link.deliver("one")
    worker.link.deliver("two")
    assert worker.heard == []
    worker.link.ready()
    worker.link.deliver("three")
    assert worker.heard == ["one", "two", "three"]
    worker.link.ready()
    assert worker.heard == ["one", "two", "three"]
