"""Where utterances begin and end."""

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.captions.worker.segmenter import DEFAULT_POLICY, Segmenter, Span

pytestmark = pytest.mark.unit

VOICE, QUIET = 0.9, 0.05

PROBABILITIES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(1, 60)).map(lambda run: [run[0]] * run[1]), max_size=40
).map(lambda runs: [probability for run in runs for probability in run])


def spans_of(probabilities: list[float]) -> list[Span]:
    segmenter = Segmenter()
    spans = [span for p in probabilities if (span := segmenter.push(p)) is not None]
    last = segmenter.flush()
    return spans if last is None else [*spans, last]


@given(PROBABILITIES)
def test_utterances_are_in_order_and_never_overlap(probabilities: list[float]) -> None:
    spans = spans_of(probabilities)
    assert all(0 <= span.start < span.end <= len(probabilities) for span in spans)
    assert all(earlier.end <= later.start for earlier, later in pairwise(spans))


@given(PROBABILITIES)
def test_no_utterance_is_longer_than_the_policy_allows(probabilities: list[float]) -> None:
    assert all(s.end - s.start <= DEFAULT_POLICY.longest for s in spans_of(probabilities))


@given(PROBABILITIES)
def test_no_run_of_voice_is_lost(probabilities: list[float]) -> None:
    covered = {frame for span in spans_of(probabilities) for frame in range(*span)}
    frames = enumerate(p > DEFAULT_POLICY.voice for p in probabilities)
    for voiced, run in groupby(frames, key=lambda frame: frame[1]):
        numbers = [number for number, _ in run]
        if voiced and len(numbers) >= DEFAULT_POLICY.start:
            assert covered.issuperset(numbers)


@given(PROBABILITIES)
def test_sound_reported_as_settled_is_never_needed_again(probabilities: list[float]) -> None:
    segmenter = Segmenter()
    settled = 0
    for probability in probabilities:
        span = segmenter.push(probability)
        assert span is None or span.start >= settled
        assert segmenter.settled >= settled
        settled = segmenter.settled
    last = segmenter.flush()
    assert last is None or last.start >= settled


@given(st.lists(st.floats(0, DEFAULT_POLICY.voice), max_size=500))
def test_without_a_voice_there_is_no_utterance(probabilities: list[float]) -> None:
    assert spans_of(probabilities) == []


def test_a_click_of_two_frames_is_no_utterance() -> None:
    assert spans_of(([QUIET] * 20 + [VOICE] * 2) * 5) == []


def test_an_utterance_has_a_little_of_the_sound_before_and_after_it() -> None:
    (span,) = spans_of([QUIET] * 30 + [VOICE] * 40 + [QUIET] * 30)
    assert span == Span(30 - DEFAULT_POLICY.pre_roll, 70 + DEFAULT_POLICY.tail)


def test_half_a_second_of_silence_ends_an_utterance() -> None:
    pause = DEFAULT_POLICY.pause
    assert len(spans_of([VOICE] * 20 + [QUIET] * (pause - 1) + [VOICE] * 20)) == 1
    assert len(spans_of([VOICE] * 20 + [QUIET] * pause + [VOICE] * 20)) == 2


def test_the_longer_somebody_speaks_the_shorter_a_pause_ends_the_utterance() -> None:
    pauses = [DEFAULT_POLICY.pause_after(length) for length in range(400)]
    assert pauses == sorted(pauses, reverse=True)
    assert len(spans_of([VOICE] * 200 + [QUIET] * 11 + [VOICE] * 20)) == 2
    assert len(spans_of([VOICE] * 300 + [QUIET] * 6 + [VOICE] * 20)) == 2


def test_somebody_who_never_pauses_is_cut_where_the_voice_is_weakest() -> None:
    weak = DEFAULT_POLICY.longest - 20
    voice = [VOICE] * weak + [0.4] + [VOICE] * 60
    first, second = spans_of(voice)
    assert first == Span(0, weak + 1)
    assert second == Span(weak + 1, len(voice))


@given(PROBABILITIES)
def test_an_utterance_ends_as_foretold(probabilities: list[float]) -> None:
    segmenter = Segmenter()
    foretold = None
    for probability in probabilities:
        span = segmenter.push(probability)
        if span is not None and foretold is not None and probability < DEFAULT_POLICY.silence:
            assert span == foretold or span.end - span.start == DEFAULT_POLICY.longest
        foretold = segmenter.ending
        assert foretold is None or segmenter.speaking


def test_closing_the_microphone_ends_the_open_utterance() -> None:
    assert spans_of([QUIET] * 10 + [VOICE] * 20) == [Span(1, 30)]
