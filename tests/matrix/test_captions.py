"""Captions as events."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app.tasks import PostCaption
from spaces_bridge.core.ids import EventId, SpaceId, UserId, UtteranceId
from spaces_bridge.matrix.events.captions import content, merge

pytestmark = pytest.mark.unit

CARD, BEFORE = EventId("$card"), EventId("$before")


def said(speaker: str, start_ms: int, end_ms: int, text: str = "words") -> PostCaption:
    user = UserId(f"@{speaker}:x")
    utterance = UtteranceId(f"{speaker}-{start_ms}")
    return PostCaption(SpaceId("s"), utterance, user, speaker, start_ms, end_ms, text, "en")


def test_a_caption_is_what_the_contract_says() -> None:
    event = content(said("ada", 1000, 2500, "Hello."), CARD, BEFORE, "thread")
    assert event["msgtype"] == "m.notice"
    assert event["body"] == "ada: Hello."
    assert event["m.mentions"] == {}
    assert event["io.spacesbridge.caption"] == {
        "utterance": "ada-1000",
        "speaker": "@ada:x",
        "name": "ada",
        "start_ms": 1000,
        "end_ms": 2500,
        "language": "en",
    }
    assert event["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": "$card",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$before"},
    }


def test_a_name_puts_no_words_into_another_mouth() -> None:
    caption = replace(said("@eve:x", 0, 1, "hello"), name="Ada: I resign.\nEve")
    written = content(caption, None, None, "timeline")
    assert written["body"] == "Ada I resign. Eve: hello"
    assert written["io.spacesbridge.caption"]["name"] == "Ada: I resign. Eve"


def test_the_first_caption_replies_to_the_card() -> None:
    event = content(said("ada", 0, 1), CARD, None, "thread")
    assert event["m.relates_to"]["m.in_reply_to"] == {"event_id": "$card"}


def test_in_the_timeline_captions_stand_alone() -> None:
    assert "m.relates_to" not in content(said("ada", 0, 1), CARD, BEFORE, "timeline")


def test_one_speakers_near_utterances_share_an_event() -> None:
    waiting = [said("ada", 2000, 3000), said("ada", 4900, 6000), said("ada", 8100, 9000)]
    merger = merge(said("ada", 0, 1000), waiting, pressed=False)
    assert merger.places == (0, 1)
    assert merger.caption.text == "words words words"
    assert (merger.caption.start_ms, merger.caption.end_ms) == (0, 6000)
    assert merger.caption.utterance == "ada-0"


def test_somebody_elses_words_in_between_keep_the_order() -> None:
    waiting = [said("ben", 500, 900), said("ada", 1500, 2000)]
    assert merge(said("ada", 0, 1000), waiting, pressed=False).places == ()


def test_under_pressure_everything_of_the_speaker_goes_out_together() -> None:
    waiting = [said("ben", 500, 900), said("ada", 9000, 9500), said("ada", 30_000, 31_000)]
    assert merge(said("ada", 0, 1000), waiting, pressed=True).places == (1, 2)


@given(
    st.lists(st.tuples(st.sampled_from(["ada", "ben"]), st.text(max_size=3000)), max_size=12),
    st.booleans(),
)
def test_merging_loses_no_word(lines: list[tuple[str, str]], pressed: bool) -> None:
    waiting = [said(who, i * 1000, i * 1000 + 900, text) for i, (who, text) in enumerate(lines)]
    head = said("ada", 0, 100, "first")
    merger = merge(head, waiting, pressed=pressed)
    taken = [waiting[place] for place in merger.places]
    assert merger.caption.text == " ".join(["first", *(t.text for t in taken)])
    assert {t.speaker for t in taken} <= {head.speaker}
