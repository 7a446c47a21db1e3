"""The demonstration's speech: its voices, and a recording of the user's own."""

import wave
from pathlib import Path

import numpy as np
import pytest

from spaces_bridge_demo.speech import (
    CONVERSATION,
    GUEST,
    HOST,
    SAMPLE_RATE,
    Line,
    Pcm,
    SpeechUnreadable,
    Voice,
    read_wav,
    silence,
    speak,
)

pytestmark = pytest.mark.unit

TEXT = "Good evening everybody."


def pitch_of(pcm: Pcm) -> float:
    """The median pitch in Hz, by autocorrelation of loud pieces of 50 ms."""
    sound = pcm[::4].astype(np.float64)
    found = []
    for start in range(0, len(sound) - 600, 600):
        piece = sound[start : start + 600]
        if np.abs(piece).max() > 0.2 * np.abs(sound).max():
            match = np.correlate(piece, piece, "full")[599:]
            found.append(12_000 / (30 + int(np.argmax(match[30:200]))))
    return float(np.median(found))


def record(path: Path, rate: int, channels: int, width: int, seconds: float = 1.0) -> Path:
    """A WAV file with a tone of 440 Hz at half the full level."""
    times = np.arange(round(rate * seconds)) / rate
    tone = np.repeat(0.5 * np.sin(2 * np.pi * 440 * times), channels)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        if width == 1:
            out.writeframes((tone * 127 + 128).astype(np.uint8).tobytes())
        else:
            wide = (tone * (2**31 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)
            out.writeframes(wide[:, 4 - width :].tobytes())
    return path


def test_the_same_line_is_the_same_sound_every_time() -> None:
    line = Line(HOST, TEXT)
    assert np.array_equal(speak(line), speak(line))


def test_the_voices_are_told_apart_by_their_pitch_and_speak_at_one_pace() -> None:
    host, guest = speak(Line(HOST, TEXT)), speak(Line(GUEST, TEXT))
    assert pitch_of(guest) < 0.9 * pitch_of(host)
    assert len(guest) == pytest.approx(len(host), rel=0.15)


def test_a_voice_can_be_slower() -> None:
    slow = speak(Line(Voice("slow", pace=0.8), TEXT))
    assert len(slow) > 1.1 * len(speak(Line(HOST, TEXT)))


def test_the_conversation_has_several_people_who_are_heard() -> None:
    assert len({line.voice for line in CONVERSATION}) >= 2
    loud = speak(CONVERSATION[0])
    assert loud.dtype == np.int16
    assert 10_000 < np.abs(loud.astype(np.int32)).max() < 32_767


def test_silence_is_silent() -> None:
    assert len(silence(0.5)) == SAMPLE_RATE // 2
    assert not silence(0.5).any()


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_recording_of_any_rate_and_channels_is_read(
    tmp_path: Path, rate: int, channels: int
) -> None:
    pcm = read_wav(record(tmp_path / "my.wav", rate, channels, 2))
    assert len(pcm) == pytest.approx(SAMPLE_RATE, abs=10)
    spectrum = np.abs(np.fft.rfft(pcm[:SAMPLE_RATE]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)
    assert np.abs(pcm[5000:-5000]).max() == pytest.approx(16_384, rel=0.05)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_recording_of_any_sample_width_is_read(tmp_path: Path, width: int) -> None:
    pcm = read_wav(record(tmp_path / "my.wav", 48_000, 1, width))
    assert np.abs(pcm).max() == pytest.approx(16_384, rel=0.02)


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpeechUnreadable, match=r"my\.wav cannot be read: No such file"):
        read_wav(tmp_path / "my.wav")


def test_a_file_of_another_kind_says_how_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "my.wav").write_bytes(b"ID3 this is an mp3, really")
    with pytest.raises(SpeechUnreadable, match=r"is no WAV file .*ffmpeg -i my\.wav"):
        read_wav(tmp_path / "my.wav")


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechUnreadable, match="less than a tenth of a second"):
        read_wav(record(tmp_path / "my.wav", 48_000, 2, 2, seconds=0.0))
