"""What workers of one machine send each other, as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.mix_frames import (
    MAX_DATAGRAM,
    TICKS,
    WANTS,
    Want,
    datagrams,
    pack_tick,
    pack_want,
    sender_of,
    unpack_ticks,
    unpack_wants,
)
from spaces_bridge.media.unix_datagrams import BadDatagram
from spaces_bridge.media.worker.mix.relayed import RelayedTick

pytestmark = pytest.mark.unit

SPACE = SpaceId("space0000000000a")
IDS = st.text(min_size=1, max_size=60)
PACKETS = st.binary(min_size=1, max_size=1275)


@st.composite
def ticks(draw: st.DrawFn) -> RelayedTick:
    on_air = draw(st.frozensets(IDS, max_size=6))
    own = {user: draw(PACKETS) for user in on_air if draw(st.booleans())}
    number = draw(st.integers(0, 2**32 - 1))
    return RelayedTick(number, draw(PACKETS), draw(st.booleans()), on_air, own)


@given(st.lists(st.tuples(IDS.map(SpaceId), ticks()), min_size=1, max_size=5))
def test_ticks_come_back_as_they_were(sent: list[tuple[SpaceId, RelayedTick]]) -> None:
    entries = [pack_tick(space, tick, tick.own.keys()) for space, tick in sent]
    got = []
    for datagram in datagrams(TICKS, 3, entries):
        assert sender_of(datagram) == 3
        got += unpack_ticks(datagram)
    assert got == sent


@given(st.lists(st.builds(Want, IDS.map(SpaceId), st.booleans(), st.frozensets(IDS)), min_size=1))
def test_wants_come_back_as_they_were(sent: list[Want]) -> None:
    got = []
    for datagram in datagrams(WANTS, 0, map(pack_want, sent)):
        got += unpack_wants(datagram)
    assert got == sent


def test_only_the_own_mixes_that_are_wanted_travel() -> None:
    tick = RelayedTick(1, b"all", False, frozenset("ab"), {"a": b"minus a", "b": b"minus b"})
    (datagram,) = datagrams(TICKS, 0, [pack_tick(SPACE, tick, {"a", "c"})])
    ((_, got),) = unpack_ticks(datagram)
    assert got.own == {"a": b"minus a"}
    assert got.on_air == tick.on_air


def test_what_does_not_fit_into_a_datagram_is_left_out_and_the_rest_arrives() -> None:
    own = {f"@{number:0>200}:x": bytes(1275) for number in range(200)}
    tick = RelayedTick(1, b"all", False, frozenset(own), own)
    (datagram,) = datagrams(TICKS, 0, [pack_tick(SPACE, tick, own.keys())])
    assert len(datagram) <= MAX_DATAGRAM
    ((_, got),) = unpack_ticks(datagram)
    assert got.shared == b"all"
    assert got.on_air == tick.on_air
    assert 70 <= len(got.own) < 200


def test_many_live_spaces_take_several_datagrams() -> None:
    tick = RelayedTick(1, bytes(1275), False, frozenset())
    entries = [pack_tick(SpaceId(f"space{number}"), tick, ()) for number in range(300)]
    sent = list(datagrams(TICKS, 0, entries))
    assert len(sent) > 1
    assert all(len(each) <= MAX_DATAGRAM for each in sent)
    assert sum(len(unpack_ticks(each)) for each in sent) == 300


@given(st.binary(max_size=300))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(BadDatagram):
        sender_of(b"SBX9" + garbage)
    for read in (unpack_ticks, unpack_wants):
        try:
            read(b"SBM1\0" + garbage)
        except BadDatagram:
            continue


@pytest.mark.parametrize("at", [6, 20, -1])
def test_a_datagram_that_was_cut_is_refused(at: int) -> None:
    tick = RelayedTick(1, b"all", False, frozenset("a"), {"a": b"minus"})
    (datagram,) = datagrams(TICKS, 0, [pack_tick(SPACE, tick, "a")])
    with pytest.raises(BadDatagram):
        unpack_ticks(datagram[:at])
