"""Every parser of what strangers send, against what a fuzzer found and what grows out of that.

The kept inputs (`corpus/`, a file for each parser) are the few of those that atheris made which
lead through all the code that all of them do; `fuzz.py` looks for more.
"""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media.attacks.parsers import PARSERS, corpus

pytestmark = pytest.mark.unit

MOST_BYTES = 256 * 1024
"""Bytes that the reading of one input may take; those that are kept take 100 KiB at the most."""
OUTCOMES = {
    "stun": {"taken", "refused", "of nobody"},
    "rtp": {"taken", "refused", "a key"},
    "opus": {"taken", "refused", "refused by libopus"},
    "rtcp": {"taken", "refused", "left"},
    "sdp": {"taken", "malformed", "not_one_audio", "no_opus"},
    "dtls": {"taken", "refused", "failed"},
    "tcp": {"taken", "refused", "not whole"},
    "sctp": {"taken", "refused"},
    "resume": {"taken", "refused"},
}


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_kept_of_a_parser_leads_everywhere_and_costs_little(name: str) -> None:
    parse, kept = PARSERS[name], corpus(name)
    outcomes = {parse(data) for data in kept}  # also warms up what is made once
    assert OUTCOMES[name] <= outcomes
    tracemalloc.start()
    try:
        for data in kept:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            parse(data)
            _, most = tracemalloc.get_traced_memory()
            assert most - before <= MOST_BYTES, data.hex()
    finally:
        tracemalloc.stop()


def damaged(name: str) -> st.SearchStrategy[bytes]:
    """A kept input with parts of it left out, said twice, replaced, or put behind another's."""
    kept = st.sampled_from(corpus(name))
    place, few = st.integers(0, 1500), st.integers(0, 40)
    odd = st.sampled_from([b"\0", b"\xff", b"\xff\xff", b"\x80", b"\x7f\xff", b"\0" * 8])
    junk = st.binary(max_size=30) | odd

    def put(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
        for at, size, part in changes:
            at = at % (len(data) + 1)
            data = data[:at] + part + data[at + size :]
        return data

    changes = st.lists(st.tuples(place, few, junk), min_size=1, max_size=4)
    spliced = st.builds(lambda one, at, other: one[:at] + other[at:], kept, place, kept)
    return st.builds(put, kept | spliced, changes)


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
@settings(max_examples=60)
def test_nothing_that_grows_out_of_it_is_raised(name: str, data: st.DataObject) -> None:
    assert PARSERS[name](data.draw(damaged(name))) != ""
