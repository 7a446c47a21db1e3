"""The spoken prompts of plain calls: their names, and their words in each language.

`LANG.json` beside this file maps names to sentences; `tools/voice` has a synthetic voice speak
them into `LANG/NAME.ogg` (Ogg Opus, 48 kHz, mono, 20 ms frames). The same words are written into
the chat.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

DEFAULT: Final = "en"
FOLDER: Final = Path(__file__).parent


class Prompt(StrEnum):
    """A prompt. `FLOOR_GRANTED`: from its end on the person is heard."""

    WELCOME = "welcome"
    HAND_RAISED = "hand_raised"
    HAND_LOWERED = "hand_lowered"
    FLOOR_OFFERED = "floor_offered"
    FLOOR_GRANTED = "floor_granted"
    FLOOR_TAKEN = "floor_taken"
    MICROPHONE_OFF = "microphone_off"
    MUTED_BY_HOST = "muted_by_host"
    UNMUTE = "unmute"
    REFUSED = "refused"
    GOODBYE = "goodbye"


@cache
def languages() -> frozenset[str]:
    """Return the codes of the languages in which the bot speaks."""
    return frozenset(table.stem for table in FOLDER.glob("*.json"))


@cache
def words(language: str) -> Mapping[Prompt, str]:
    """Return the sentences of a language. Raises KeyError: the bot does not speak it."""
    if language not in languages():
        raise KeyError(language)
    table = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return {prompt: table[prompt] for prompt in Prompt}


def language_of(wanted: str) -> str:
    """Return the language to speak where `wanted` is: a code such as `de` or `pt-BR`, or none."""
    code = wanted.partition("-")[0].lower()
    return code if code in languages() else DEFAULT


def prompt_file(name: str, language: str) -> bytes:
    """Return the Ogg Opus file of a prompt, in English where it is not spoken in that language.

    Raises LookupError: there is no such prompt.
    """
    if name not in set(Prompt):
        raise LookupError(name)
    for code in (language_of(language), DEFAULT):
        file = FOLDER / code / f"{name}.ogg"
        if file.is_file():
            return file.read_bytes()
    raise LookupError(name)
