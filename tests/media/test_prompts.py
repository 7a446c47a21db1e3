"""Spoken prompts: heard by one peer over a softer mix, after which it hears what others hear."""

import numpy as np
import pytest

from spaces_bridge.media.ogg import OggOpus
from spaces_bridge.media.worker.mix import prompts
from spaces_bridge.media.worker.mix.opus import FRAME, Encoder
from spaces_bridge.media.worker.mix.prompts import PromptBook, SpokenPrompt
from spaces_bridge.media.worker.values import StreamDirection
from tests.media.test_space_mix import MixSetup, Voice
from tests.support.sound import Pcm, decibels, frames_of, tone

pytestmark = pytest.mark.unit

DUPLEX, LISTEN = StreamDirection.DUPLEX, StreamDirection.LISTEN


def packaged(pcm: Pcm) -> bytes:
    """Sound as an Ogg Opus file."""
    made, encoder = OggOpus(1), Encoder()
    pages = [made.head({})]
    for place, frame in enumerate(frames_of(pcm)):
        pages += made.add(place, encoder.encode(frame))
    return b"".join([*pages, made.end()])


PROMPT = packaged(tone(1000, 2.0))


def callers() -> MixSetup:
    """Somebody who speaks at 440 Hz, one who listens, and two callers, one of them on air."""
    setup = MixSetup(Voice("@a", 440))
    setup.mix.join("ear", "@ear", LISTEN)
    setup.mix.join("caller", "@caller", DUPLEX)
    setup.mix.join("on air", "@b", DUPLEX)
    setup.mix.set_gates(["@a"])
    setup.run(50)
    return setup


def ended(setup: MixSetup, last: int) -> list[dict[str, str]]:
    return [dict(tick.ended) for tick in setup.ticks[-last:] if tick.ended]


def test_a_caller_costs_no_encoder_and_gets_what_listeners_get() -> None:
    setup = callers()
    assert [each.peers for each in setup.ticks[-1].payloads] == [("ear", "caller", "on air")]
    assert setup.received["caller"] == setup.received["ear"]


def test_a_caller_who_only_listens_is_not_heard_and_one_who_speaks_hears_no_echo() -> None:
    setup = callers()
    voice = Voice("@b", 700, peer="on air")
    setup.voices.append(voice)
    setup.mix.set_gates(["@a", "@b"])
    setup.run(60)
    assert decibels(setup.heard("ear"), 700) < -60
    setup.mix.speak("on air", "@b")
    setup.run(100)
    said = decibels(tone(440, 1), 440)
    assert decibels(setup.heard("ear"), 700) == pytest.approx(said, abs=3)
    assert decibels(setup.heard("on air"), 700) < said - 40
    assert decibels(setup.heard("on air"), 440) == pytest.approx(said, abs=3)
    setup.mix.mute("on air", "@b")
    setup.run(60)
    assert decibels(setup.heard("ear"), 700) < -60
    assert decibels(setup.heard("on air"), 440) == pytest.approx(said, abs=3)


@pytest.mark.parametrize("peer", ["caller", "on air"])
def test_a_prompt_is_heard_over_a_softer_mix_by_one_peer_alone_and_then_the_mix(
    peer: str,
) -> None:
    setup = callers()
    setup.mix.set_gates(["@a", "@b"])
    setup.run(2)
    assert setup.mix.prompt(peer, "hello", SpokenPrompt(PROMPT)) == []
    said = decibels(tone(440, 1), 440)
    setup.run(90)
    assert decibels(setup.heard(peer, 60), 1000) == pytest.approx(said, abs=3)
    softer = said + 20 * np.log10(prompts.SOFTER)
    assert decibels(setup.heard(peer, 60), 440) == pytest.approx(softer, abs=3)
    assert decibels(setup.heard("ear", 60), 1000) < -60
    assert decibels(setup.heard("ear", 60), 440) == pytest.approx(said, abs=3)
    assert ended(setup, 90) == []
    setup.run(70)
    assert ended(setup, 70) == [{peer: "hello"}]
    assert decibels(setup.heard(peer), 1000) < -60
    assert decibels(setup.heard(peer), 440) == pytest.approx(said, abs=3)
    assert len(setup.received[peer]) == len(setup.ticks)  # a packet a tick, all the time
    if peer == "caller":
        assert setup.received["caller"][-20:] == setup.received["ear"][-20:]


def test_a_later_prompt_takes_the_place_of_an_earlier_one() -> None:
    setup = callers()
    setup.mix.prompt("caller", "one", SpokenPrompt(PROMPT))
    setup.run(10)
    again = SpokenPrompt(packaged(tone(1500, 1.0)))
    assert setup.mix.prompt("caller", "two", again) == ["one"]
    setup.run(len(again))
    assert ended(setup, len(again)) == [{"caller": "two"}]
    assert decibels(setup.heard("caller", 30), 1000) < -50
    assert decibels(setup.heard("caller", 30), 1500) > -20


def test_to_a_peer_that_does_not_listen_nothing_is_played() -> None:
    setup = callers()
    assert setup.mix.prompt("nobody", "one", SpokenPrompt(PROMPT)) == ["one"]
    setup.mix.prompt("caller", "one", SpokenPrompt(PROMPT))
    assert setup.mix.stop_listening("caller") == "one"
    before = len(setup.received["caller"])
    setup.run(10)
    assert len(setup.received["caller"]) == before
    setup.mix.leave("on air", "@b")
    setup.run(1)
    assert [each.peers for each in setup.ticks[-1].payloads] == [("ear",)]


def test_callers_whose_prompt_begins_together_share_an_encoder_but_for_who_is_on_air() -> None:
    setup = callers()
    setup.mix.join("second", "@second", DUPLEX)
    setup.mix.set_gates(["@a", "@b"])
    made = SpokenPrompt(PROMPT)
    for peer in ("caller", "on air", "second"):
        setup.mix.prompt(peer, "bye", made)
    setup.run(1)
    assert {each.peers for each in setup.ticks[-1].payloads} == {
        ("ear",),
        ("caller", "second"),
        ("on air",),
    }
    setup.mix.prompt("second", "bye", made)
    setup.run(1)
    assert {each.peers for each in setup.ticks[-1].payloads} == {
        ("ear",),
        ("caller",),
        ("on air",),
        ("second",),
    }


def test_so_many_prompts_are_played_at_once_and_the_next_is_over_at_once() -> None:
    setup = callers()
    made = SpokenPrompt(PROMPT)
    for number in range(prompts.MOST_PLAYED):
        setup.mix.join(f"caller{number}", f"@caller{number}", DUPLEX)
        assert setup.mix.prompt(f"caller{number}", "hello", made) == []
        setup.run(1)
    assert setup.mix.prompt("caller", "hello", made) == ["hello"]
    setup.run(1)
    assert setup.received["caller"][-1] == setup.received["ear"][-1]
    assert setup.mix.prompt("caller0", "bye", made) == ["hello"]  # in the place of its own
    setup.mix.leave("caller1", "@caller1")
    assert setup.mix.prompt("caller", "hello", made) == []


def test_a_prompt_is_decoded_once_for_all_who_hear_it() -> None:
    made = SpokenPrompt(PROMPT)
    assert made.frame(20) is made.frame(20)
    assert len(made) == 100
    with pytest.raises(IndexError):
        made.frame(len(made))


def test_a_broken_frame_is_silent() -> None:
    made = SpokenPrompt(PROMPT)
    made._packets[5] = b"\xff" * 40
    assert not made.frame(5).any()
    assert made.frame(6).any()


@pytest.mark.parametrize("broken", [b"", b"RIFF" * 40, PROMPT[:10], PROMPT[:-3], PROMPT[:500]])
def test_a_file_that_is_no_prompt_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"prompt|Ogg|cut"):
        SpokenPrompt(broken)


def test_a_prompt_is_of_a_bounded_length() -> None:
    longer = packaged(np.zeros(FRAME * (prompts.LONGEST + 1), np.int16))
    with pytest.raises(ValueError, match="1 to 1000"):
        SpokenPrompt(longer)


def test_so_many_prompts_are_kept_decoded() -> None:
    loaded = list[str]()

    def load(name: str, language: str) -> bytes:
        loaded.append(name)
        if language == "xx":
            raise LookupError(name)
        return PROMPT

    book = PromptBook(load)
    first = book.find("0", "en")
    assert book.find("0", "en") is first
    for name in map(str, range(1, prompts.MOST_KEPT + 1)):
        book.find(name, "en")
    assert book.find("0", "en") is not first
    assert loaded.count("0") == 2
    with pytest.raises(LookupError):
        book.find("0", "xx")
