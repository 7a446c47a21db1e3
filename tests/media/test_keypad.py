"""Keys of a keypad: one press is one key, whatever of it is lost, repeated, late or made up."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app import plain_call_ports
from spaces_bridge.media.worker.edge.keypad import KEYS, KEYS_PER_S, MOST_KEYS, Keypad
from spaces_bridge.media.worker.values import RtpPacket
from tests.support.plain_client import EVENTS, RATES, WIDE_EVENTS, event

pytestmark = pytest.mark.unit

STEP_S = 0.02


def packet(at: int, payload: bytes, kind: int = EVENTS, ssrc: int = 7) -> RtpPacket:
    return RtpPacket(0, at % (1 << 32), False, kind, ssrc, payload)


def press(key: str, at: int, seconds: float = 0.1, kind: int = EVENTS) -> list[RtpPacket]:
    """All packets of one press: every 20 ms one, and the end three times."""
    number, rate = KEYS.index(key), RATES[kind]
    steps = round(seconds / STEP_S)
    found = [
        packet(at, event(number, round(step * STEP_S * rate)), kind) for step in range(1, steps)
    ]
    end = packet(at, event(number, round(seconds * rate), is_over=True), kind)
    return [*found, end, end, end]


def held(key: str, at: int, seconds: float, kind: int) -> Iterator[RtpPacket]:
    """A press that is longer than a segment can say (RFC 4733, 2.5.1.3)."""
    number, rate = KEYS.index(key), RATES[kind]
    lasted = 0
    for _ in range(round(seconds / STEP_S)):
        lasted += round(STEP_S * rate)
        if lasted > 0xFFFF:
            yield packet(at, event(number, 0xFFFF), kind)
            at, lasted = at + 0xFFFF, lasted - 0xFFFF
        yield packet(at, event(number, lasted), kind)
    for _ in range(3):
        yield packet(at, event(number, lasted, is_over=True), kind)


def pressed(packets: Sequence[RtpPacket], every_s: float = STEP_S) -> str:
    """The keys that are told of these packets."""
    keypad = Keypad(RATES)
    return "".join(keypad.press(each, at * every_s) or "" for at, each in enumerate(packets))


@pytest.mark.parametrize("kind", RATES)
def test_each_key_is_told_once_for_each_press(kind: int) -> None:
    rate = RATES[kind]
    packets = [
        each for at, key in enumerate(KEYS + "11") for each in press(key, at * rate, kind=kind)
    ]
    assert pressed(packets) == KEYS + "11"


def test_a_key_is_told_at_its_beginning() -> None:
    assert pressed(press("*", 0)[:1]) == "*"


@given(st.lists(st.booleans(), min_size=7, max_size=7).filter(any), st.integers(0, 1 << 32))
def test_whatever_is_lost_of_a_press_it_is_one(kept: list[bool], at: int) -> None:
    some = [each for each, is_kept in zip(press("5", at), kept, strict=True) if is_kept]
    assert pressed([*some, *press("5", at + 4000)]) == "55"


@given(st.permutations(range(7)))
def test_in_whatever_order_the_packets_of_a_press_come_it_is_one(order: list[int]) -> None:
    packets = press("9", 0)
    assert pressed([packets[place] for place in order]) == "9"


def test_a_late_end_of_the_press_before_is_no_key() -> None:
    first, second = press("1", 800), press("2", 2400)
    assert pressed([*first[:-1], second[0], first[-1], *second[1:]]) == "12"


@pytest.mark.parametrize("kind", RATES)
def test_a_key_that_is_held_for_longer_than_a_segment_is_one(kind: int) -> None:
    packets = list(held("#", 0xFFFFFF00, 20.0, kind))
    assert len({each.timestamp for each in packets}) > 2
    assert pressed(packets) == "#"


def test_the_same_key_again_after_an_end_that_was_lost_is_another_press() -> None:
    assert pressed([*press("3", 0)[:4], *press("3", 1600)]) == "33"


def test_letters_and_other_events_are_no_keys() -> None:
    assert pressed([packet(at * 800, event(at, 80)) for at in range(12, 256)]) == ""


def test_another_source_begins_anew_wherever_it_counts_from() -> None:
    others = [packet(0, event(4, 80), ssrc=8), packet(0, event(4, 160), ssrc=8)]
    assert pressed([*press("4", 80_000), *others]) == "44"


def test_a_source_whose_time_went_back_far_is_understood() -> None:
    assert pressed([*press("4", 800_000), *press("6", 0)]) == "46"


def test_a_flood_of_keys_is_cut_to_what_fingers_press() -> None:
    packets = [packet(at * 800, event(at % 12, 80, is_over=True)) for at in range(1000)]
    assert len(pressed(packets, every_s=0.001)) <= MOST_KEYS + KEYS_PER_S
    slowly = [packet(at * 800, event(1, 80, is_over=True)) for at in range(60)]
    assert pressed(slowly, every_s=0.1) == "1" * 60


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=8),
            st.integers(0, (1 << 32) - 1),
            st.sampled_from([EVENTS, WIDE_EVENTS]),
            st.integers(0, 3),
        ),
        max_size=60,
    )
)
def test_generated_events_end_in_a_key_in_nothing_or_in_a_refusal(
    made: list[tuple[bytes, int, int, int]],
) -> None:
    keypad = Keypad(RATES)
    for payload, at, kind, ssrc in made:
        key = keypad.press(packet(at, payload, kind, ssrc), 0.0)
        assert (key is None) is (len(payload) != 4)
        assert key is None or key == "" or key in tuple(KEYS)


def test_the_worker_and_the_port_know_the_same_keys() -> None:
    assert plain_call_ports.KEYS == KEYS
