"""Transcribing the sound of one utterance, with a Whisper model in CTranslate2.

Whisper was trained on windows of 30 s, but its encoder takes shorter ones, and the cost grows
faster than the window. So an utterance is decoded in the shortest window that stays accurate: at
least 10 s, and 3 s longer than the utterance (shorter ones make the model repeat itself). Should
it repeat itself all the same, or be very unsure, the full window and a wider search decide.

Drafts of an utterance that still grows are decoded quickly: in a window hardly longer than
the sound, which is safe if the model writes timestamps between the words, and without a search.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final, NamedTuple

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from spaces_bridge.captions.worker.belief import (
    UNSURE,
    Decode,
    believed,
    tidied,
    without_new_start,
)
from spaces_bridge.captions.worker.vad import Sound
from spaces_bridge.wire.pcm import SAMPLE_RATE

_FULL_WINDOW: Final = 3000
_FRAMES_PER_S: Final = 100
_TOKENS_PER_S: Final = 7
"""Nobody speaks faster; a decode that wants more is repeating itself."""


class _Way(NamedTuple):
    """A way to decode: the window is `pad_s` seconds longer than the sound, at least `least_s`."""

    least_s: float
    pad_s: float
    beam: int
    timestamps: bool


_QUICK: Final = _Way(4.0, 1.0, 1, timestamps=True)
_USUAL: Final = _Way(10.0, 3.0, 3, timestamps=False)
_THOROUGH: Final = _Way(30.0, 0.0, 5, timestamps=False)


class Transcriber:
    """A transcriber is one loaded model. Not thread-safe."""

    def __init__(self, directory: str) -> None:
        """Load the CTranslate2 directory and warm up. Raises RuntimeError or ValueError."""
        self._model = WhisperModel(
            directory,
            device="cpu",
            compute_type="int8",
            cpu_threads=1,
            num_workers=1,
            local_files_only=True,
        )
        self.multilingual = bool(self._model.model.is_multilingual)
        self._tokenizers: dict[str, Tokenizer] = {}
        self._decode(np.zeros(SAMPLE_RATE, np.float32), "en")

    def transcribe(self, sound: Sound, language: str) -> str:
        """Return the words in `sound` (16 kHz, -1..1, at most 30 s), or an empty string.

        `language` is a code the model knows (see `is_language`).
        """
        decode = self._decode(sound, language)
        if tidied(decode.text) != decode.text or decode.score < UNSURE:
            decode = self._decode(sound, language, _THOROUGH)
        return believed(decode)

    def draft(self, sound: Sound, language: str) -> str:
        """Return quickly the words in `sound`, which may break off anywhere, or no text."""
        decode = self._decode(sound, language, _QUICK)
        return without_new_start(believed(decode)) if decode.score >= UNSURE else ""

    def is_language(self, code: str) -> bool:
        """Return whether the model can transcribe this language."""
        if not self.multilingual:
            return code == "en"
        return self._model.hf_tokenizer.token_to_id(f"<|{code}|>") is not None

    def languages(self, sound: Sound) -> Mapping[str, float]:
        """Return how likely each language is (sums to 1) for this one utterance."""
        if not self.multilingual:
            return {"en": 1.0}
        guesses = self._model.model.detect_language(self._encode(sound, _USUAL))[0]
        return {token.strip("<|>"): probability for token, probability in guesses}

    def _encode(self, sound: Sound, way: _Way) -> ctranslate2.StorageView:
        features = self._model.feature_extractor(sound, padding=0)
        window = window_frames(len(sound) / SAMPLE_RATE, way.least_s, way.pad_s)
        known = min(features.shape[1], window)
        padded = np.full((1, features.shape[0], window), features.min(), np.float32)
        padded[0, :, :known] = features[:, :known]
        return self._model.model.encode(ctranslate2.StorageView.from_array(padded))

    def _decode(self, sound: Sound, language: str, way: _Way = _USUAL) -> Decode:
        tokenizer = self._tokenizer(language)
        prompt = [*tokenizer.sot_sequence]
        if not way.timestamps:
            prompt.append(tokenizer.no_timestamps)
        allowed = int(_TOKENS_PER_S * len(sound) / SAMPLE_RATE) + 12
        result: Any = self._model.model.generate(
            self._encode(sound, way),
            [prompt],
            beam_size=way.beam,
            max_length=min(448, len(prompt) + allowed),
            suppress_blank=True,
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1])),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text = tokenizer.decode(result.sequences_ids[0]).strip()
        return Decode(text, float(result.scores[0]), float(result.no_speech_prob))

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(
                self._model.hf_tokenizer, self.multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]


def window_frames(seconds: float, least_s: float = 10.0, pad_s: float = 3.0) -> int:
    """Return the encoder's window for an utterance, in mel frames of 10 ms, a multiple of 50."""
    frames = _FRAMES_PER_S * max(least_s, seconds + pad_s)
    return min(_FULL_WINDOW, 50 * ceil(frames / 50))
