"""The worker's work, with a stand-in for the model: what becomes final, in which order."""

import pytest

from spaces_bridge.captions.messages import (
    CaptionsPing,
    CaptionsPong,
    Load,
    Missed,
    TrackEnded,
    TranscribedUntil,
)
from spaces_bridge.captions.worker.ids import utterance_id
from spaces_bridge.captions.worker.languages import ENOUGH_S, SpokenLanguage
from spaces_bridge.captions.worker.scheduler import PATIENCE_S
from spaces_bridge.core.ids import SpaceId
from tests.support.captions import ADA, BEN, SPACE
from tests.support.scheduler import LOUD, QUIET, SchedulerSetup, Words

pytestmark = pytest.mark.unit


def test_what_was_said_is_one_final_and_then_heard() -> None:
    setup = SchedulerSetup()
    setup.open()
    for second, pcm in enumerate([QUIET, LOUD, LOUD, QUIET, QUIET]):
        setup.hear(pcm, second)
    setup.work()
    (final,) = setup.finals()
    assert (final.text, final.language, final.speaker) == ("words", "en", ADA)
    assert (final.start_ms, final.end_ms) == pytest.approx((700, 3250), abs=40)
    assert final.utterance == utterance_id(SPACE, ADA, final.start_ms)
    after = setup.said[setup.said.index(final) + 1 :]
    assert TranscribedUntil(SPACE, ADA, final.end_ms) in after


def test_the_words_are_ready_when_the_silence_has_lasted() -> None:
    setup = SchedulerSetup()
    setup.open(ADA)
    setup.hear(LOUD, 0)
    setup.hear(QUIET[: 300 * 32], 1)
    setup.work()
    assert (setup.finals(), setup.writer.written) == ([], 1)
    setup.open(BEN)
    setup.hear(LOUD, 0, BEN)
    setup.close(BEN)
    setup.hear_at(QUIET[: 300 * 32], 1300)
    setup.work()
    assert [final.speaker for final in setup.finals()] == [ADA, BEN]
    assert setup.writer.written == 2


def test_a_draft_is_thrown_away_when_the_speaker_goes_on() -> None:
    setup = SchedulerSetup()
    setup.open()
    setup.hear(LOUD, 0)
    setup.hear(QUIET[: 300 * 32], 1)
    setup.work()
    setup.hear_at(LOUD, 1300)
    setup.close()
    setup.work()
    (final,) = setup.finals()
    assert (final.start_ms, final.end_ms) == pytest.approx((0, 2300), abs=40)


def test_nothing_before_a_final_that_waits_is_reported_as_heard() -> None:
    setup = SchedulerSetup()
    setup.open()
    for second, pcm in enumerate([LOUD, QUIET, QUIET, QUIET, QUIET]):
        setup.hear(pcm, second)
    assert all(said.until_ms == 0 for said in setup.said if isinstance(said, TranscribedUntil))
    setup.work()
    assert isinstance(setup.said[-1], TranscribedUntil)


def test_silence_gives_no_final_but_is_reported_as_heard() -> None:
    setup = SchedulerSetup()
    setup.open()
    for second in range(10):
        setup.hear(QUIET, second)
    assert not setup.scheduler.has_work
    heard = [said.until_ms for said in setup.said if isinstance(said, TranscribedUntil)]
    assert heard == sorted(set(heard))
    assert heard[-1] >= 8000


def test_sound_without_words_gives_no_final_but_is_reported_as_heard() -> None:
    setup = SchedulerSetup(Words(text=""))
    setup.open()
    for second, pcm in enumerate([LOUD, QUIET]):
        setup.hear(pcm, second)
    setup.work()
    assert setup.finals() == []
    assert isinstance(setup.said[-1], TranscribedUntil)


def test_the_last_words_are_final_when_the_microphone_closes() -> None:
    setup = SchedulerSetup()
    setup.open()
    setup.hear(LOUD, 0)
    setup.close()
    setup.work()
    assert len(setup.finals()) == 1
    assert setup.said[-1] == TrackEnded(SPACE, ADA)


def test_sound_without_an_open_track_is_ignored() -> None:
    setup = SchedulerSetup()
    setup.hear(LOUD, 0)
    setup.close()
    setup.work()
    assert setup.said == [TrackEnded(SPACE, ADA)]


def test_speakers_do_not_wait_for_the_end_of_each_other() -> None:
    setup = SchedulerSetup()
    setup.open(ADA)
    setup.open(BEN)
    for second in range(4):
        setup.hear(LOUD, second, ADA)
        setup.hear(LOUD if second == 0 else QUIET, second, BEN)
    setup.work()
    assert [final.speaker for final in setup.finals()] == [BEN]


def test_an_utterance_that_waited_too_long_is_missed_and_said_to_be() -> None:
    setup = SchedulerSetup()
    setup.open()
    setup.hear(LOUD, 0)
    setup.hear(QUIET, 1)
    setup.now = PATIENCE_S + 1
    setup.hear(LOUD, 2)
    setup.hear(QUIET, 3)
    setup.work()
    missed = [said for said in setup.said if isinstance(said, Missed)]
    assert [m.start_ms for m in missed] == [0]
    assert [m.end_ms for m in missed] == pytest.approx([1250], abs=40)
    assert [final.start_ms > 1000 for final in setup.finals()] == [True]


def test_the_same_words_have_the_same_id_for_ever_and_others_another() -> None:
    assert utterance_id(SPACE, ADA, 1000) == utterance_id(SPACE, ADA, 1000)
    others = [(SPACE, BEN, 1000), (SPACE, ADA, 1001), (SpaceId("other"), ADA, 1000)]
    assert utterance_id(SPACE, ADA, 1000) not in {utterance_id(*other) for other in others}


def test_a_language_that_is_set_is_not_guessed() -> None:
    setup = SchedulerSetup()
    setup.open(language="de")
    setup.hear(LOUD, 0)
    setup.close()
    setup.work()
    assert [final.language for final in setup.finals()] == ["de"]
    assert setup.writer.guessed == 0


def test_a_language_the_model_does_not_know_is_guessed() -> None:
    setup = SchedulerSetup()
    setup.open(language="tlh")
    setup.hear(LOUD, 0)
    setup.close()
    setup.work()
    assert [final.language for final in setup.finals()] == ["en"]


def test_one_odd_utterance_does_not_change_the_language() -> None:
    language = SpokenLanguage()
    assert language.of(4.0, lambda: {"en": 0.9, "de": 0.1}) == "en"
    assert language.of(1.0, lambda: {"de": 1.0}) == "en"
    assert language.of(ENOUGH_S, lambda: {"de": 1.0}) == "de"
    assert language.of(60.0, lambda: {"en": 1.0}) == "de"


def test_a_ping_is_answered() -> None:
    setup = SchedulerSetup()
    assert list(setup.scheduler.take(CaptionsPing())) == [CaptionsPong()]


def test_a_second_model_is_refused() -> None:
    with pytest.raises(ValueError, match="too late"):
        list(SchedulerSetup().scheduler.take(Load("elsewhere", "en")))
