"""The spoken prompts: words in each language of the page, and sounds that say them."""

import io
from pathlib import Path

import av
import numpy as np
import pytest

from spaces_bridge import prompts
from spaces_bridge.prompts import Prompt
from spaces_bridge_demo.ears import loudness_db, words_in
from spaces_bridge_demo.peer import Pcm
from tests.support.words import word_error_rate_within

pytestmark = pytest.mark.unit

LOCALES = Path(prompts.__file__).parents[1] / "web" / "locales"
SPOKEN = sorted(
    folder.name for folder in prompts.FOLDER.iterdir() if (folder / "welcome.ogg").exists()
)
LONGEST_S = 8.0
SILENT_DB = -45.0
WRONG_MOST = 0.1
"""The share of words that a small model may get wrong."""


def sound(name: str, language: str) -> Pcm:
    """The prompt's samples, 48 kHz."""
    with av.open(io.BytesIO(prompts.prompt_file(name, language)), "r") as opened:
        frames = [frame.to_ndarray().reshape(-1) for frame in opened.decode(audio=0)]
    pcm = np.concatenate(frames)
    whole = pcm if pcm.dtype == np.int16 else pcm * 32767
    return np.asarray(whole, dtype=np.int16)


def test_the_bot_has_words_in_every_language_of_the_page() -> None:
    assert prompts.languages() == {table.stem for table in LOCALES.glob("*.json")}
    for language in prompts.languages():
        words = prompts.words(language)
        assert all(words[prompt].strip() for prompt in Prompt)
        assert len(set(words.values())) == len(Prompt)


@pytest.mark.parametrize("language", SPOKEN)
def test_every_sound_is_short_mono_opus_and_loud_enough(language: str) -> None:
    for prompt in Prompt:
        with av.open(str(prompts.FOLDER / language / f"{prompt}.ogg"), "r") as opened:
            stream = opened.streams.audio[0]
            assert (stream.codec_context.name, stream.channels) == ("opus", 1)
        pcm = sound(prompt, language)
        assert 1.0 < len(pcm) / 48_000 < LONGEST_S
        assert loudness_db(pcm) > SILENT_DB


def test_what_is_not_spoken_is_english_and_what_does_not_exist_is_said_so() -> None:
    english = prompts.prompt_file("welcome", "en")
    assert prompts.prompt_file("welcome", "eo") == english
    assert prompts.prompt_file("welcome", "../en") == english
    for name in ("nothing", "../en/welcome", ""):
        with pytest.raises(LookupError):
            prompts.prompt_file(name, "en")
    with pytest.raises(KeyError):
        prompts.words("eo")


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [("de", "de"), ("de-AT", "de"), ("DE", "de"), ("auto", "en"), ("", "en"), ("../de", "en")],
)
def test_the_language_is_that_of_the_live_space_where_there_is_one(
    wanted: str, spoken: str
) -> None:
    assert prompts.language_of(wanted) == spoken


@pytest.mark.slow
async def test_the_english_prompts_are_understood(tmp_path: Path) -> None:
    for prompt, text in prompts.words("en").items():
        heard = await words_in(sound(prompt, "en"), tmp_path)
        assert word_error_rate_within(text, heard.text) <= WRONG_MOST, (text, heard.text)
