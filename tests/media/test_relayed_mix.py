"""A mix that another worker makes: who is sent what of it, and when."""

import pytest

from spaces_bridge.media.worker.mix.relayed import (
    MOST_WAITING,
    SETTLED_AFTER,
    RelayedMix,
    RelayedTick,
)
from spaces_bridge.media.worker.mix.shared_packets import CrowdPackets
from spaces_bridge.media.worker.mix.space_mix import SpaceMix
from spaces_bridge.media.worker.values import StreamDirection

pytestmark = pytest.mark.unit

FRAMES = [bytes((0x78, number)) for number in range(40)]  # CELT, 20 ms
CROWD = CrowdPackets(frames=1)


def heard(mix: RelayedMix, steps: int = 1) -> dict[str, bytes]:
    """What each peer is sent in a tick."""
    return {peer: each.packet for each in mix.tick(steps) for peer in each.peers}


def wanted(mix: RelayedMix) -> frozenset[str] | None:
    return mix.wanted


def tick(number: int) -> RelayedTick:
    return RelayedTick(number, FRAMES[number % 40], False, frozenset())


def test_listeners_get_each_tick_once_and_nothing_while_nothing_comes() -> None:
    mix = RelayedMix(CROWD)
    mix.listen("p", "ear")
    assert heard(mix) == {}
    mix.hear(tick(0))
    assert heard(mix) == {"p": FRAMES[0]}
    assert heard(mix) == {}
    mix.hear(tick(1))
    mix.leave("p")
    assert heard(mix) == {}


def test_who_is_on_air_never_hears_the_mix_with_themselves_in_it() -> None:
    mix = RelayedMix(CROWD)
    mix.listen("p", "ear")
    mix.listen("q", "guest")
    mix.hear(tick(0))
    assert heard(mix) == {"p": FRAMES[0], "q": FRAMES[0]}
    mix.hear(RelayedTick(1, FRAMES[1], False, frozenset({"guest"})))
    assert wanted(mix) == frozenset({"guest"})
    assert heard(mix) == {"p": FRAMES[1]}  # the home has not been asked yet
    mix.hear(RelayedTick(2, FRAMES[2], False, frozenset({"guest"}), {"guest": b"own"}))
    assert heard(mix) == {"p": FRAMES[2], "q": b"own"}
    mix.hear(tick(3))
    assert wanted(mix) == frozenset()
    assert heard(mix) == {"p": FRAMES[3], "q": FRAMES[3]}


def test_nothing_is_wanted_without_listeners() -> None:
    mix = RelayedMix(CROWD)
    assert wanted(mix) is None
    mix.listen("p", "ear")
    assert wanted(mix) == frozenset()
    mix.leave("p")
    assert wanted(mix) is None


def test_what_came_while_ticks_were_skipped_is_not_sent_late() -> None:
    mix = RelayedMix(CROWD)
    mix.listen("p", "ear")
    for number in range(MOST_WAITING):
        mix.hear(tick(number))
    assert heard(mix, steps=MOST_WAITING) == {"p": FRAMES[MOST_WAITING - 1]}
    assert heard(mix) == {}


def test_no_more_wait_than_may_and_the_oldest_go() -> None:
    mix = RelayedMix(CROWD)
    mix.listen("p", "ear")
    for number in range(3 * MOST_WAITING):
        mix.hear(tick(number))
    assert mix.dropped == 2 * MOST_WAITING
    assert heard(mix) == {"p": FRAMES[2 * MOST_WAITING]}


def test_ticks_that_never_come_are_counted_while_somebody_listens() -> None:
    mix = RelayedMix(CROWD)
    mix.listen("p", "ear")
    for number in (7, 8, 11, 5, 6):  # another home may be behind
        mix.hear(tick(number))
    assert mix.missed == 2
    mix.leave("p")
    mix.listen("p", "ear")
    mix.hear(tick(100))
    assert mix.missed == 2


def test_a_delay_that_is_not_needed_goes_away() -> None:
    mix = RelayedMix(CROWD)
    mix.listen("p", "ear")
    mix.hear(tick(0))
    mix.hear(tick(1))
    last, sent = 3 * SETTLED_AFTER, {}
    for number in range(2, last + 1):
        mix.hear(tick(number))
        sent = heard(mix)
    assert sent == {"p": FRAMES[last % 40]}  # the one that has just come
    assert mix.dropped == 2


def test_a_space_mix_gives_others_its_packets_and_own_mixes_of_who_is_on_air() -> None:
    mix = SpaceMix(40)
    assert mix.tick(0.0).relayed is None
    mix.relay(frozenset({"guest", "ear"}))
    mix.join("mic", "guest", StreamDirection.SPEAK)
    relayed = mix.tick(0.0).relayed
    assert relayed is not None
    assert (relayed.number, relayed.on_air, relayed.own) == (3, frozenset(), {})
    mix.set_gate("guest", True)
    relayed = mix.tick(0.0).relayed
    assert relayed is not None
    assert relayed.on_air == {"guest"}
    assert relayed.own.keys() == {"guest"}
    mix.relay(None)
    assert mix.tick(0.0).relayed is None
