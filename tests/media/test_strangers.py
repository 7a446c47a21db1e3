"""Who makes place for whom among connections that have not said who they are."""

import pytest

from spaces_bridge.media.worker.edge.strangers import MOST, MOST_PER_NETWORK, Strangers, network_of

pytestmark = pytest.mark.unit


def crowded(hosts: list[str]) -> Strangers[int]:
    """One stranger from each of these addresses, in this order."""
    strangers = Strangers[int]()
    for number, host in enumerate(hosts):
        assert strangers.in_the_way_of(host) is None
        strangers.add(number, host, float(number))
    return strangers


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_network_is_what_one_person_has(host: str, network: str) -> None:
    assert network_of(host) == network


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::{:x}"])
def test_in_a_full_network_the_oldest_goes(host: str) -> None:
    strangers = crowded([host.format(number) for number in range(MOST_PER_NETWORK)])
    assert strangers.in_the_way_of(host.format(0xFFFF)) == 0
    assert strangers.in_the_way_of("198.51.100.1") is None
    strangers.discard(0)
    assert strangers.in_the_way_of(host.format(0xFFFF)) is None
    assert len(strangers) == MOST_PER_NETWORK - 1


def test_where_all_places_are_taken_the_largest_crowd_gives_one() -> None:
    alone = [f"192.0.2.{number}" for number in range(1, 11)]
    crowds = [f"2001:db8:0:{number % 9:x}::{number:x}" for number in range(MOST - 10)]
    strangers = crowded(alone + crowds)
    assert strangers.in_the_way_of("198.51.100.1") == len(alone)
    assert strangers.in_the_way_of(alone[0]) == len(alone)


def test_among_equals_the_oldest_goes() -> None:
    strangers = crowded([f"192.0.{number // 256}.{number % 256}" for number in range(MOST)])
    assert strangers.in_the_way_of("198.51.100.1") == 0


def test_time_runs_from_when_somebody_was_added_last() -> None:
    strangers = crowded(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    assert strangers.since_before(1.0) == [0]
    strangers.add(0, "192.0.2.1", 5.0)
    assert strangers.since_before(3.0) == [1, 2]
    strangers.discard(9)
