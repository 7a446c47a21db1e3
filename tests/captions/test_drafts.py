"""What is shown while somebody speaks: when, under which id, and what becomes of it."""

import itertools

import pytest

from spaces_bridge.captions.messages import Missed
from spaces_bridge.captions.worker.drafts import FIRST_MS, SHARE
from spaces_bridge.captions.worker.scheduler import PATIENCE_S
from spaces_bridge.core.ids import UserId
from tests.support.captions import ADA, BEN
from tests.support.scheduler import LOUD, QUIET, SchedulerSetup, Words

pytestmark = pytest.mark.unit


def setup_of(
    *speakers: UserId, writer: Words | None = None, language: str = "en"
) -> SchedulerSetup:
    setup = SchedulerSetup(writer or Words())
    for user in speakers or (ADA,):
        setup.open(user, language)
    return setup


def test_drafts_come_before_the_final_and_bear_its_id() -> None:
    setup = setup_of()
    setup.talk(LOUD * 4 + QUIET, 0)
    (final,) = setup.finals()
    drafts = setup.drafts()
    assert len(drafts) >= 4
    assert {draft.utterance for draft in drafts} == {final.utterance}
    assert {draft.start_ms for draft in drafts} == {final.start_ms}
    assert [d.end_ms for d in drafts] == sorted(d.end_ms for d in drafts)
    assert setup.said.index(drafts[-1]) < setup.said.index(final)
    assert all(draft.text for draft in drafts)


def test_an_utterance_is_drafted_first_when_there_is_a_word_and_then_in_even_steps() -> None:
    setup = setup_of()
    setup.talk(LOUD * 3, 0)
    lengths = setup.writer.drafted
    assert FIRST_MS <= lengths[0] <= FIRST_MS + 100
    steps = [b - a for a, b in itertools.pairwise(lengths)]
    assert all(600 <= step <= 800 for step in steps)


def test_a_draft_that_shows_nothing_new_is_not_told() -> None:
    setup = setup_of()
    setup.talk(LOUD * 4, 0)
    texts = [(draft.text, draft.committed) for draft in setup.drafts()]
    assert len(texts) < len(setup.writer.drafted)
    assert all(a != b for a, b in itertools.pairwise(texts))


def test_committed_words_only_grow() -> None:
    setup = setup_of()
    setup.talk(LOUD * 6, 0)
    solid = [draft.text[: draft.committed] for draft in setup.drafts()]
    assert solid[-1].split() == ["words0", "words1", "words2", "words3", "words4"]
    assert all(b.startswith(a) for a, b in itertools.pairwise(solid))


def test_finals_come_first() -> None:
    setup = setup_of(ADA, BEN)
    for second in range(3):
        setup.hear(LOUD, second, ADA)
    setup.hear(LOUD, 0, BEN)
    setup.close(BEN)
    setup.work()
    (final,) = setup.finals()
    assert (final.speaker, len(setup.drafts(ADA))) == (BEN, 1)
    assert setup.said.index(final) < setup.said.index(setup.drafts(ADA)[0])


def test_sound_that_came_while_others_were_written_is_one_draft_of_the_newest() -> None:
    setup = setup_of()
    for second in range(5):
        setup.hear(LOUD, second)
    setup.work()
    assert setup.writer.drafted == [pytest.approx(5000, abs=40)]


def test_of_several_who_speak_the_one_who_waits_longest_is_next() -> None:
    setup = setup_of(ADA, BEN, writer=Words(draft_s=0.05))
    setup.talk(LOUD * 4, 0, ADA, BEN)
    assert len(setup.drafts(ADA)) == pytest.approx(len(setup.drafts(BEN)), abs=1)


@pytest.mark.parametrize("draft_s", [0.3, 0.7])
def test_drafts_take_no_more_than_their_share_of_the_time(draft_s: float) -> None:
    setup = setup_of(ADA, BEN, writer=Words(draft_s=draft_s))
    for turn in range(10):
        setup.talk(LOUD * 6 + QUIET, turn * 7000, ADA, BEN)
    spent, passed = setup.writer.passed_s, setup.time
    assert 0 < spent <= SHARE * passed + draft_s


def test_a_worker_that_is_behind_drafts_less() -> None:
    quick, slow = setup_of(ADA, BEN), setup_of(ADA, BEN, writer=Words(draft_s=0.5))
    for setup in (quick, slow):
        setup.talk(LOUD * 10, 0, ADA, BEN)
    assert len(slow.writer.drafted) < len(quick.writer.drafted) / 2


def test_while_drafts_rest_the_finals_go_on() -> None:
    setup = setup_of()
    setup.rest_drafts(on=True)
    setup.talk(LOUD * 4 + QUIET, 0)
    assert (len(setup.finals()), setup.drafts()) == (1, [])
    setup.talk(LOUD * 2, 5000)
    setup.rest_drafts(on=False)
    setup.talk(LOUD * 4 + QUIET, 7000)
    assert len(setup.finals()) == 2
    assert setup.drafts()
    assert {draft.utterance for draft in setup.drafts()} == {setup.finals()[1].utterance}


def test_drafts_that_come_to_rest_leave_none_behind() -> None:
    setup = setup_of()
    setup.talk(LOUD * 2, 0)
    shown = setup.drafts()
    assert shown
    setup.rest_drafts(on=True)
    setup.talk(LOUD * 2 + QUIET, 2000)
    (final,) = setup.finals()
    assert setup.drafts() == shown
    assert {draft.utterance for draft in shown} == {final.utterance}


def test_a_drafted_utterance_without_words_is_taken_back() -> None:
    setup = setup_of()
    setup.talk(LOUD * 2, 0)
    setup.writer.text = ""
    setup.talk(QUIET, 2000)
    assert setup.finals() == []
    first, *_, last = setup.drafts()
    assert (last.utterance, last.text, last.committed) == (first.utterance, "", 0)


def test_a_drafted_utterance_that_waited_too_long_is_taken_back() -> None:
    setup = setup_of()
    setup.talk(LOUD * 2, 0)
    setup.close()
    setup.now += PATIENCE_S + 1
    setup.work()
    assert any(isinstance(said, Missed) for said in setup.said)
    assert setup.finals() == []
    assert [draft.text for draft in setup.drafts()][-1] == ""


def test_a_track_that_starts_over_takes_its_draft_back() -> None:
    setup = setup_of()
    setup.hear(QUIET, 9)
    setup.talk(LOUD * 2, 10_000)
    setup.talk(LOUD, 7000)
    setup.close()
    setup.work()
    gone = [draft for draft in setup.drafts() if not draft.text]
    (final,) = setup.finals()
    assert [draft.utterance for draft in gone] == [setup.drafts()[0].utterance]
    assert final.start_ms == 7000
    assert setup.drafts()[-1].utterance == final.utterance


def test_a_long_turn_goes_on_in_drafts_of_the_next_utterance() -> None:
    setup = setup_of()
    setup.talk(LOUD * 15 + QUIET, 0)
    first, second = setup.finals()
    assert [d for d in setup.drafts() if d.utterance == first.utterance]
    assert [d for d in setup.drafts() if d.utterance == second.utterance]
    assert {draft.utterance for draft in setup.drafts()} == {first.utterance, second.utterance}


def test_without_partials_nothing_is_drafted() -> None:
    setup = SchedulerSetup(partials=False)
    setup.open()
    setup.talk(LOUD * 3 + QUIET, 0)
    assert (len(setup.finals()), setup.writer.drafted, setup.drafts()) == (1, [], [])


def test_an_utterance_that_was_never_drafted_is_not_taken_back() -> None:
    setup = setup_of(writer=Words(text=""))
    setup.talk(LOUD[: 500 * 32] + QUIET, 0)
    assert (setup.finals(), setup.drafts()) == ([], [])


def test_a_language_that_is_guessed_commits_nothing_before_it_is_guessed_twice() -> None:
    writer = Words(guesses=[{"de": 1.0}, {"en": 1.0}, {"en": 1.0}])
    setup = setup_of(writer=writer, language="auto")
    setup.talk(LOUD * 4, 0)
    drafts = setup.drafts()
    assert [draft.language for draft in drafts[:2]] == ["de", "en"]
    assert [draft.committed for draft in drafts[:2]] == [0, 0]
    assert drafts[-1].committed > 0
    assert writer.guessed == 3


def test_a_language_that_is_known_is_not_guessed_for_drafts() -> None:
    setup = setup_of(language="auto")
    setup.talk(LOUD + QUIET, 0)
    guessed = setup.writer.guessed
    setup.talk(LOUD * 2, 3000)
    assert setup.writer.guessed == guessed
    assert setup.drafts()[-1].start_ms > 2000
