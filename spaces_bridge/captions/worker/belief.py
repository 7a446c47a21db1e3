"""Decide which words of a model's output to believe. Pure.

Under a hum, laughter or music a Whisper model writes words that nobody said: letters or phrases
again and again, or the phrases that end the films it learned from. Its own doubts tell most of it:
the score is low, and the chance of no speech is high.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

UNSURE: Final = -1.0
"""Mean log probability per token below which a decode is not believed at once."""
_HARDLY_SPEECH: Final = 0.2
"""Chance of no speech above which an unsure decode is not believed at all.

Measured: speech, also in noise of 5 dB less, up to 0.12; hums, laughter, melodies from 0.25.
"""
_DOUBTFUL_SPEECH: Final = 0.35
_STOCK: Final = frozenset(
    {
        "you", "thank you", "thanks", "thanks for watching", "thank you for watching", "bye",
        "thank you very much", "please subscribe", "the end", "so", "okay", "oh", "bye bye",
        "thank you so much", "thank you so much for watching", "see you next time",
        "vielen dank", "danke", "danke fürs zuschauen", "bis zum nächsten mal", "tschüss",
        "gracias", "muchas gracias", "gracias por ver el video", "hasta la próxima",
        "merci", "merci beaucoup", "merci d'avoir regardé cette vidéo", "au revoir",
        "obrigado", "obrigada", "grazie", "grazie a tutti", "спасибо", "спасибо за внимание",
        "продолжение следует", "ご視聴ありがとうございました", "ありがとうございました",
        "감사합니다", "시청해주셔서 감사합니다", "谢谢", "谢谢观看", "謝謝", "شكرا",
    }
)  # fmt: skip
"""Phrases that Whisper writes under sound without words; believed only if it heard speech."""
_SIGNED: Final = re.compile(
    r"amara\.org|(?:subtitles|captions|captioning) (?:by|made by)\b|untertitel(?:ung)? (?:im"
    r"|der|von|des)\b|sous-titr\w+ (?:réalisé|par|fait)|subtítulos (?:por|realizados)"
    r"|legendas pela|sottotitoli (?:creati|e revisione)|субтитры (?:сделал|создавал|подогнал)"
    r"|字幕志愿者|請不吝點贊|请不吝点赞",
    re.IGNORECASE,
)
"""Credits of a film's subtitles: nobody says those in a live room."""

_LETTER: Final = r"[^\s\d!-/:-@\[-`{-~…。、！？¡¿]"
_DRAWN_OUT: Final = re.compile(rf"({_LETTER})\1{{4,}}", re.IGNORECASE)
_SYLLABLES: Final = re.compile(rf"({_LETTER}{{2,4}}?)\1{{3,}}", re.IGNORECASE)
_PHRASES: Final = re.compile(rf"({_LETTER}{{5,30}}?)\1{{2,}}", re.IGNORECASE)
_WORDS: Final = re.compile(rf"(?<!\S)((?:{_LETTER}+[,.!?…]* ){{1,2}}?)\1{{5,}}", re.IGNORECASE)
_KEPT: Final = 3
"""Repetitions that are shown of what people do repeat: "aaah", "hahaha", "no no no"."""
_RUN_OF_ONE: Final = 10
"""A text of so many letters, all the same, is a hum, and no word."""


@dataclass(frozen=True, slots=True)
class Decode:
    """A decode: its words, the mean log probability per token, the chance of no speech."""

    text: str
    score: float
    no_speech: float


def believed(decode: Decode) -> str:
    """Return the words of a decode without those that the model made up."""
    if is_imagined(decode):
        return ""
    text = tidied(decode.text)
    return "" if is_imagined(Decode(text, decode.score, decode.no_speech)) else text


def tidied(text: str) -> str:
    """Return the text without repetitions within a word or across words."""
    return without_repeated_tail(without_stutter(text))


def without_stutter(text: str) -> str:
    """Return the text with letters, syllables and words that repeat many times cut to three.

    `aaaaaaaah` becomes `aaah`, `hahahahaha` `hahaha`; phrases of scripts without blanks
    are kept once. Digits stay: `1000000` is a number.
    """
    short = _DRAWN_OUT.sub(lambda found: found[0][:_KEPT], text)
    short = _SYLLABLES.sub(lambda found: found[0][: _KEPT * len(found[1])], short)
    short = _PHRASES.sub(lambda found: found[1], short)
    short = _WORDS.sub(lambda found: found[0][: _KEPT * len(found[1])], f"{short} ")
    return short.strip()


def without_repeated_tail(text: str) -> str:
    """Return the text without a tail that repeats the words before it, as Whisper does when lost.

    A tail is cut if its three or more words equal those before it, however often, or if it starts
    the whole text again.
    """
    words = text.split()
    spoken = [word.strip(".,!?;:").casefold() for word in words]
    keep = len(spoken)
    while (shorter := _without_one_repeat(spoken[:keep])) < keep:
        keep = shorter
    return " ".join(words[:keep]) if keep < len(words) else text


def _without_one_repeat(words: Sequence[str]) -> int:
    length = len(words)
    for size in range(length // 2, 2, -1):
        again = words[length - size :]
        if again == words[length - 2 * size : length - size] and not _is_number(again):
            return length - size
    for size in range((length - 1) // 2, 3, -1):
        if words[length - size :] == words[:size]:
            return length - size
    return length


def without_new_start(text: str) -> str:
    """Return the text without a last sentence that begins the first one again.

    Whisper writes such sentences for the silence behind sound that breaks off; people do say
    such things, so this is for drafts only.
    """
    words = text.split()
    spoken = [word.strip(".,!?;:").casefold() for word in words]
    for place in range(len(words) - 1, len(words) // 2 - 1, -1):
        if place > 0 and words[place - 1][-1] in ".!?":
            return (
                " ".join(words[:place]) if spoken[place:] == spoken[: len(words) - place] else text
            )
    return text


def is_imagined(decode: Decode) -> bool:
    """Return whether the words were hardly said: no letters, no speech, or stock phrases.

    Stock phrases are also said by people, so they go only if the model itself has its doubts.
    """
    letters = [c for c in decode.text.casefold() if c.isalnum()]
    if not letters or _is_a_hum(letters):
        return True
    unsure = decode.score < UNSURE
    if unsure and decode.no_speech > _HARDLY_SPEECH:
        return True
    if _SIGNED.search(decode.text):
        return True
    phrase = decode.text.strip(" .,!?。！？¡¿").casefold()
    doubts = decode.no_speech > _DOUBTFUL_SPEECH or unsure
    return phrase in _STOCK and doubts


def _is_a_hum(letters: Sequence[str]) -> bool:
    return len(letters) >= _RUN_OF_ONE and len(set(letters)) == 1 and not letters[0].isdigit()


def _is_number(words: Sequence[str]) -> bool:
    """Return whether all words are digits: those of telephone numbers do repeat."""
    return all(word.isdigit() for word in words)
