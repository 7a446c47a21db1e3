"""Speak every prompt in every language into `spaces_bridge/prompts/LANG/NAME.ogg`.

English is spoken by hibari-tts (Apache-2.0), German and Spanish by espeak-ng, a program of Debian
(GPL-3.0-or-later; that licence is about the program). NOTICE names both.
"""

import io
import os
import subprocess
from collections.abc import Mapping
from typing import Final

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from spaces_bridge import prompts
from spaces_bridge_demo.speech import HOST, Line, speak

Pcm = NDArray[np.int16]

RATE: Final = 48_000
BITRATE: Final = 24_000
PEAK: Final = 0.6
LEAD_S, TRAIL_S = 0.1, 0.2
ESPEAK: Final = os.environ.get("ESPEAK", "espeak-ng")
VOICES: Final[Mapping[str, str]] = {"de": "de", "es": "es"}
"""By language. French and Arabic are left out: what espeak-ng 1.51 says in them is not understood
by Whisper "base" (most of the words are wrong; of the German and Spanish ones a quarter is)."""
WORDS_PER_MINUTE: Final = 145


def espeak(text: str, voice: str) -> Pcm:
    """Return the text as espeak-ng speaks it, 48 kHz."""
    command = [ESPEAK, "-v", voice, "-s", str(WORDS_PER_MINUTE), "--stdout", text]
    wave = subprocess.run(command, check=True, capture_output=True).stdout
    with av.open(io.BytesIO(wave), "r") as opened:
        rate = opened.streams.audio[0].rate
        frames = [frame.to_ndarray().reshape(-1) for frame in opened.decode(audio=0)]
    sound = np.concatenate(frames).astype(np.float32)
    moved = soxr.resample(sound, rate, RATE)
    louder = moved * (PEAK * 32_767 / max(float(np.abs(moved).max()), 1.0))
    return np.asarray(louder, dtype=np.int16)


def spoken(text: str, language: str) -> Pcm:
    """Return the text spoken, with a little silence around it."""
    pcm = speak(Line(HOST, text)) if language == "en" else espeak(text, VOICES[language])
    lead, trail = (np.zeros(round(RATE * s), np.int16) for s in (LEAD_S, TRAIL_S))
    return np.concatenate([lead, pcm, trail])


def ogg(pcm: Pcm) -> bytes:
    """Return the sound as Ogg Opus: mono, 48 kHz, 20 ms frames."""
    target = io.BytesIO()
    # a fixed serial number, and no program's version: the same sound is the same file
    with av.open(target, "w", format="ogg", options={"fflags": "+bitexact"}) as made:
        options = {"frame_duration": "20", "vbr": "on", "application": "voip"}
        stream = made.add_stream("libopus", rate=RATE, layout="mono", options=options)
        stream.bit_rate = BITRATE
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            made.mux(packet)
    return target.getvalue()


def main() -> None:
    """Write all files."""
    folder = prompts.FOLDER
    for language in sorted({"en", *VOICES}):
        (folder / language).mkdir(exist_ok=True)
        for prompt, text in prompts.words(language).items():
            (folder / language / f"{prompt}.ogg").write_bytes(ogg(spoken(text, language)))


if __name__ == "__main__":
    main()
