"""Who is resumed in which order, and who is given up."""

from collections.abc import Iterable

import pytest

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.messages import Record
from spaces_bridge.media.resumption import AT_ONCE, Resumption
from spaces_bridge.media.worker.values import StreamDirection
from tests.support.kept import kept

pytestmark = pytest.mark.unit

SPACE, OTHER = SpaceId("space"), SpaceId("other")


def records(peers: Iterable[str], space: SpaceId = SPACE) -> dict[str, Record]:
    return {
        peer: Record(peer, space, UserId(f"@{peer}:x"), StreamDirection.LISTEN, peer.encode())
        for peer in peers
    }


class Workers:
    """What would be sent to them."""

    def __init__(self, kept: dict[str, Record]) -> None:
        self.kept = kept
        self.asked: list[str] = []
        self.given_up: list[str] = []
        self.resumption = Resumption(lambda each: self.asked.append(each.peer), self._give_up)

    def _give_up(self, peer: str) -> None:
        self.given_up.append(peer)
        del self.kept[peer]

    def next(self, deadly: str | None = None) -> list[str]:
        """A worker's life: it goes on with everybody it is asked to, up to one that ends it."""
        resumed = list[str]()
        self.asked.clear()
        self.resumption.begin(dict(self.kept))
        self.resumption.go_on(SPACE)
        for peer in self.asked:  # grows on the way
            if peer == deadly:
                return resumed
            resumed.append(peer)
            self.resumption.settled(peer)
        return resumed


def test_all_are_resumed_a_few_at_a_time() -> None:
    names = [f"p{number}" for number in range(3 * AT_ONCE)]
    workers = Workers(records(names))
    workers.resumption.begin(workers.kept)
    workers.resumption.go_on(SPACE)
    assert workers.asked == names[:AT_ONCE]
    workers.resumption.settled("p0")
    assert workers.asked == names[: AT_ONCE + 1]
    workers.resumption.settled("somebody else")
    assert len(workers.asked) == AT_ONCE + 1


def test_peers_wait_for_their_live_space_to_be_open() -> None:
    workers = Workers(records(["a"]) | records(["b"], OTHER))
    workers.resumption.begin(workers.kept)
    workers.resumption.go_on(OTHER)
    assert workers.asked == ["b"]
    workers.resumption.forget("a")
    workers.resumption.go_on(SPACE)
    assert workers.asked == ["b"]


@pytest.mark.parametrize("deadly", ["p0", "p50", "p99"])
def test_who_ends_two_workers_is_given_up_and_all_others_go_on(deadly: str) -> None:
    names = [f"p{number}" for number in range(100)]
    workers = Workers(records(names))
    workers.next(deadly)
    assert workers.given_up == []
    assert set(workers.next(deadly)) == set(names) - {deadly}  # it is asked for last
    assert set(workers.next(deadly)) == set(names) - {deadly}
    assert workers.given_up == [deadly]


def test_who_was_only_near_when_a_worker_died_is_not_given_up() -> None:
    workers = Workers(records(["a", "b"]))
    for _ in range(3):
        assert workers.next("a") in (["b"], [])
        assert set(workers.next()) == {"a", "b"}
    assert workers.given_up == []


def test_the_same_worker_again_is_no_death() -> None:
    workers = Workers(records(["a"]))
    workers.next("a")
    workers.resumption.begin({})
    workers.next("a")
    assert workers.given_up == []


def test_nothing_is_kept_of_live_spaces_that_are_over() -> None:
    workers = Workers(records(["a"]) | records(["b"], OTHER))
    workers.resumption.begin(workers.kept)
    for number in range(40):
        workers.resumption.go_on(SpaceId(f"space{number}"))
        workers.resumption.close(SpaceId(f"space{number}"))
    workers.resumption.forget("a")
    workers.resumption.forget("b")
    assert kept(workers.resumption) == 0


def test_peers_of_a_live_space_that_ends_are_asked_for_still() -> None:
    """The worker says that they are gone."""
    names = [f"p{number}" for number in range(AT_ONCE + 1)]
    workers = Workers(records(names))
    workers.resumption.begin(workers.kept)
    workers.resumption.go_on(SPACE)
    workers.resumption.close(SPACE)
    for peer in names:
        workers.resumption.settled(peer)
    assert workers.asked == names
