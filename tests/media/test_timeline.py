"""The timeline of a forwarded speaker: one stream that never breaks, each place given once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge.timeline import LATEST, LEAP, Place, Timeline

pytestmark = pytest.mark.unit

FRAME = 960


def test_distances_stay_as_the_speaker_sent_them() -> None:
    line = Timeline()
    places = [
        line.place(7, sequence, stamp, 10.0)
        for sequence, stamp in ((65_534, 5), (65_535, 965), (0, 1925), (3, 4805))
    ]
    assert [place.number for place in places if place] == [0, 1, 2, 5]
    stamps = [place.timestamp for place in places if place]
    assert [stamp - stamps[0] for stamp in stamps] == [0, FRAME, 2 * FRAME, 5 * FRAME]


def test_what_comes_out_of_order_gets_its_own_place() -> None:
    line = Timeline()
    numbers = [line.place(7, at, at * FRAME, 1.0) for at in (10, 12, 11, 13)]
    assert [place.number for place in numbers if place] == [0, 2, 1, 3]


def test_what_comes_before_the_first_or_far_too_late_gets_none() -> None:
    line = Timeline()
    line.place(7, 500, 0, 1.0)
    assert line.place(7, 499, 0, 1.0) is None
    line.place(7, 500 + LATEST, 0, 1.0)
    assert line.place(7, 500, 0, 1.0) is None
    assert line.place(7, 501, 0, 1.0) is not None


@pytest.mark.parametrize(
    ("ssrc", "sequence"), [(8, 101), (7, 101 + LEAP), (7, (100 - LEAP - 1) & 0xFFFF)]
)
def test_another_stream_goes_on_with_the_next_number_later_by_the_time_that_passed(
    ssrc: int, sequence: int
) -> None:
    line = Timeline()
    first = line.place(7, 100, 123_456, 1.0)
    second = line.place(ssrc, sequence, 9, 3.0)
    assert first is not None
    assert second == Place(first.number + 1, first.timestamp + 2 * 48_000)
    third = line.place(ssrc, sequence + 1, 9 + FRAME, 3.0)
    assert third == Place(second.number + 1, second.timestamp + FRAME)


def test_after_a_cut_no_hole_is_left_and_nothing_from_before_it_gets_in() -> None:
    line = Timeline()
    line.place(7, 100, 0, 1.0)
    line.cut()
    after = line.place(7, 600, 500 * FRAME, 11.0)
    assert after == Place(1, 10 * 48_000)
    assert line.place(7, 599, 499 * FRAME, 11.0) is None


def test_streams_that_follow_at_once_are_a_frame_apart() -> None:
    line = Timeline()
    first, second = line.place(1, 0, 0, 5.0), line.place(2, 0, 0, 5.0)
    assert first is not None
    assert second is not None
    assert second.timestamp - first.timestamp == FRAME


PACKET = st.tuples(st.integers(1, 2), st.integers(0, 400), st.booleans())


@given(st.lists(PACKET, unique_by=lambda each: each[:2], max_size=300))
def test_no_place_is_given_twice_whatever_the_order(
    packets: list[tuple[int, int, bool]],
) -> None:
    """As SRTP hands out each packet once at most."""
    line, given_out = Timeline(), set[int]()
    for at, (ssrc, sequence, cut) in enumerate(packets):
        if cut:
            line.cut()
        place = line.place(ssrc, sequence, sequence * FRAME, float(at))
        if place is not None:
            assert place.number not in given_out
            given_out.add(place.number)
