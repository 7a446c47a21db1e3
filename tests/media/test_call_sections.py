"""Which stream goes in which section of a call peer, and from which SSRCs it may send."""

import pytest

from spaces_bridge.media.worker.edge.call_sdp import CallSection
from spaces_bridge.media.worker.edge.call_sections import MOST_STREAMS, CallSections
from spaces_bridge.media.worker.edge.sdp_sections import Asked
from spaces_bridge.media.worker.edge.sources import MOST_LEARNT, CallSources
from spaces_bridge.media.worker.values import WantedStream

pytestmark = pytest.mark.unit

ANNA, BEN, CLEO = (WantedStream(name, f"PA_{name}|TR_{name}", f"TR_{name}") for name in "abc")


def ears(*mids: str) -> list[CallSection]:
    return [CallSection(Asked("audio", "x", "111", mid), 111, receives=True) for mid in mids]


def carried(sections: CallSections) -> dict[str, str]:
    return {mid: each.wanted.source for mid, each in sections.carried.items()}


def test_a_stream_stays_in_its_section_whatever_comes_and_goes() -> None:
    sections = CallSections(1)
    assert sections.assign(ears("0", "1", "2"), [ANNA, BEN]) == 0
    ssrc = sections.carried["1"].ssrc
    assert sections.assign(ears("0", "1", "2"), [CLEO, BEN]) == 0
    assert carried(sections) == {"1": "b", "2": "c"}
    assert sections.carried["1"].ssrc == ssrc


def test_a_section_that_a_stream_has_left_is_empty_for_one_negotiation() -> None:
    sections = CallSections(1)
    sections.assign(ears("0"), [ANNA])
    assert sections.assign(ears("0"), [BEN]) == 1
    assert carried(sections) == {}
    assert sections.assign(ears("0"), [BEN]) == 0
    assert carried(sections) == {"0": "b"}


def test_streams_without_a_section_are_counted() -> None:
    sections = CallSections(1)
    assert sections.assign(ears("0"), [ANNA, BEN, CLEO]) == 2
    assert sections.assign(ears("0", "1", "2"), [ANNA, BEN, CLEO]) == 0


def test_a_section_that_is_offered_no_more_loses_its_stream() -> None:
    sections = CallSections(1)
    sections.assign(ears("0"), [ANNA])
    assert sections.assign(ears("4"), [ANNA]) == 0
    assert carried(sections) == {"4": "a"}


def test_no_ssrc_is_used_for_two_streams() -> None:
    sections, used = CallSections(0xFFFFFFFE), list[int]()
    for wanted in [[ANNA], [], [BEN], [], [ANNA], []] * 5:
        sections.assign(ears("0"), wanted)
        used += [each.ssrc for each in sections.carried.values()]
    assert len(used) == len(set(used)) == 15
    assert all(0 <= ssrc < 1 << 32 for ssrc in used)


def test_the_clients_own_section_is_the_last_to_carry_a_stream() -> None:
    microphone = CallSection(Asked("audio", "x", "111", "0"), 111, sends=True, receives=True)
    sections = CallSections(1)
    sections.assign([microphone, *ears("1")], [ANNA])
    assert carried(sections) == {"1": "a"}


def test_streams_beyond_the_limit_are_not_carried() -> None:
    crowd = [WantedStream(str(at), "x", str(at)) for at in range(MOST_STREAMS + 5)]
    sections = CallSections(1)
    assert sections.assign(ears(*map(str, range(60))), crowd) == 0
    assert len(sections.carried) == MOST_STREAMS


def test_our_own_offer_has_a_section_for_each_stream_and_one_at_least() -> None:
    sections = CallSections(1)
    mids = sections.lay_out([], 111, [])
    assert mids == ["0"]
    mids = sections.lay_out(mids, 111, [ANNA, BEN])
    assert mids == ["0", "1"]
    mids = sections.lay_out(mids, 111, [BEN, CLEO])
    assert mids == ["0", "1", "2"]  # the first is empty for one negotiation
    assert carried(sections) == {"1": "b", "2": "c"}
    assert sections.lay_out(mids, 111, [ANNA, BEN, CLEO]) == mids
    assert carried(sections) == {"0": "a", "1": "b", "2": "c"}


# --- from which SSRCs a client may send ---


def test_only_what_was_announced_is_known_and_one_of_it() -> None:
    sources = CallSources()
    sources.negotiate({5, 6})
    assert not sources.knows_rtp(7)
    sources.believe_rtp(5)
    assert sources.knows_rtp(5)
    assert not sources.knows_rtp(6)


def test_a_negotiation_changes_the_stream_and_the_same_again_does_not() -> None:
    sources = CallSources()
    assert sources.negotiate({5})
    sources.believe_rtp(5)
    assert not sources.negotiate({5})
    assert sources.negotiate({6})
    assert not sources.knows_rtp(5)
    assert sources.knows_rtp(6)


def test_a_client_that_announces_nothing_has_the_first_that_is_authenticated() -> None:
    sources = CallSources()
    sources.negotiate(frozenset())
    sources.believe_rtp(9)
    assert not sources.knows_rtp(10)
    sources.negotiate(frozenset())
    assert sources.knows_rtp(10)


def test_a_client_can_make_the_session_learn_so_many_and_no_more() -> None:
    sources = CallSources()
    for ssrc in range(1000):
        sources.negotiate({ssrc})
        if sources.knows_rtp(ssrc):
            sources.believe_rtp(ssrc)
        if sources.knows_rtcp(ssrc + 5000):
            sources.believe_rtcp(ssrc + 5000)
    assert len(sources.learnt) == MOST_LEARNT
    assert sources.is_full
    sources.negotiate({0})
    assert sources.knows_rtp(0)  # it was learnt before


def test_reports_come_from_the_streams_ssrc_or_one_more() -> None:
    sources = CallSources()
    sources.negotiate({5})
    sources.believe_rtcp(1)
    assert sources.knows_rtcp(1)
    assert sources.knows_rtcp(5)
    assert not sources.knows_rtcp(2)
