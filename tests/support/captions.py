"""What the tests of captions share: a listener that remembers, and speech with known words."""

import asyncio
import re
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import psutil
import soxr

from spaces_bridge.app.ports import Draft
from spaces_bridge.captions.captioner import WorkerCaptioner
from spaces_bridge.captions.worker.speech_track import SpeechPcm
from spaces_bridge.captions.worker.vad import Sound
from spaces_bridge.core.commands import CaptionUtterance
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge_demo.speech import CONVERSATION, SAMPLE_RATE, speak

PATIENT: Final = (
    *(sys.executable, "-m", "tests.support.patient_captions"),
    "spaces_bridge.captions.worker",
)
SPACE = SpaceId("space1")
ADA = UserId("@ada:example.org")
BEN = UserId("@ben:example.org")
_CLIPS: Final = Path("/usr/share/pocketsphinx/test/data/librivox")


@dataclass(frozen=True, slots=True)
class Known:
    """Sound (16 kHz) and the words in it."""

    text: str
    pcm: SpeechPcm


class Loudness:
    """Takes every loud frame for a voice."""

    def probabilities(self, sound: Sound) -> list[float]:
        return [float(np.abs(frame).max() > 0.01) for frame in sound.reshape(-1, 512)]

    def reset(self) -> None:
        """There is nothing to forget."""


@dataclass
class Remembered:
    """A `CaptionListener` that remembers."""

    said: list[CaptionUtterance] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    heard_ms: dict[UserId, int] = field(default_factory=dict)
    missed_from: list[tuple[UserId, int]] = field(default_factory=list)
    pauses: list[bool] = field(default_factory=list)

    def drafted(self, space: SpaceId, draft: Draft) -> None:
        self.drafts.append(draft)

    def captioned(self, space: SpaceId, said: CaptionUtterance) -> None:
        self.said.append(said)

    def heard(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        self.heard_ms[user] = until_ms

    def missed(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        self.missed_from.append((user, from_ms))

    def paused(self, paused: bool) -> None:
        self.pauses.append(paused)

    def text_of(self, user: UserId) -> str:
        """All this person said."""
        return " ".join(u.text for u in self.said if u.speaker == user)


async def until(met: Callable[[], bool], timeout: float = 180) -> None:
    """Wait until something is so; TimeoutError if it does not come."""
    async with asyncio.timeout(timeout):
        while not met():  # noqa: ASYNC110 - it comes from another process
            await asyncio.sleep(0.01)


def feed(
    captioner: WorkerCaptioner,
    user: UserId,
    pcm: SpeechPcm,
    *,
    start_ms: int = 0,
    from_ms: int = 0,
) -> None:
    """Let the captioner hear a track in pieces of 100 ms, as the stage hands it on."""
    for at in range(from_ms - from_ms % 100, len(pcm) // 16, 100):
        captioner.hear(SPACE, user, start_ms + at, pcm[at * 16 : (at + 100) * 16].tobytes())


def worker_of_this_test() -> psutil.Process:
    """The one caption worker that runs now."""
    (worker,) = (
        child
        for child in psutil.Process().children()
        if "spaces_bridge.captions.worker" in child.cmdline()
    )
    return worker


def conversation() -> list[Known]:
    """The scripted conversation in its synthetic voices."""
    return [
        Known(line.text, soxr.resample(speak(line), SAMPLE_RATE, 16_000)) for line in CONVERSATION
    ]


def human_speech() -> list[Known]:
    """Human readings (LibriVox, from Debian), or the synthetic voice where those are not there."""
    if not _CLIPS.is_dir():
        return conversation()[:5]
    script = (_CLIPS / "transcription").read_text()
    # The transcription has one slip of the pen.
    lines = re.findall(r"<s> (.*) </s> \((.*)\)", script.replace("more a amiable", "more amiable"))
    return [Known(text, _clip(_CLIPS / f"{name}.wav")) for text, name in lines]


def in_a_row(speech: list[Known], pause_s: float = 0.9) -> Known:
    """One after the other, with pauses."""
    pause = np.zeros(round(pause_s * 16_000), np.int16)
    sound = np.concatenate([part for known in speech for part in (known.pcm, pause)])
    return Known(" ".join(known.text for known in speech), sound[: len(sound) // 1600 * 1600])


def _clip(path: Path) -> SpeechPcm:
    with wave.open(str(path), "rb") as clip:
        return np.frombuffer(clip.readframes(clip.getnframes()), np.int16)
