"""The demo's screenplay: the sound that is said, and the words to compare with."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spaces_bridge_demo import speech
from spaces_bridge_demo.ears import words_in
from spaces_bridge_demo.peer import Pcm
from spaces_bridge_demo.wer import words_of

TURNS_OF_TALK = 4
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn: the words and the sound that one person says."""

    name: str
    pcm: Pcm
    words: str
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class Screenplay:
    """The screenplay: the host's welcome alone, then the talk of both."""

    welcome: Sequence[Turn]
    talk: Sequence[Turn]

    @property
    def language(self) -> str:
        """Return the language to set for the captions: `auto` unless all turns are English."""
        languages = {turn.language for turn in (*self.welcome, *self.talk)}
        return ENGLISH if languages == {ENGLISH} else "auto"


async def write_screenplay(
    host: str, speaker: str, recording: Path | None, models: Path
) -> Screenplay:
    """Make all the sound beforehand. The host says `recording` instead of the welcome.

    Raises SpeechUnreadable, also for a recording without words.
    """
    names = {speech.HOST.name: host, speech.GUEST.name: speaker}
    lines = [line for line in speech.CONVERSATION if line.voice.name in names]
    turns = [
        Turn(names[line.voice.name], await asyncio.to_thread(speech.speak, line), line.text)
        for line in lines[: 2 + TURNS_OF_TALK]
    ]
    welcome, talk = turns[:2], turns[2:]
    if recording is not None:
        pcm = await asyncio.to_thread(speech.read_wav, recording)
        words = await words_in(pcm, models, None)
        if not words_of(words.text):
            raise speech.SpeechUnreadable(
                f"No words were found in {recording}. Record speech, close to the microphone."
            )
        welcome = [Turn(host, pcm, words.text, words.language)]
    return Screenplay(welcome, talk)
