"""The voices of one live space: kept while their users are silent, up to a limit. Pure."""

from collections.abc import Mapping
from typing import Final

from spaces_bridge.media.worker.mix.opus import Pcm
from spaces_bridge.media.worker.mix.voice import Voice

MOST_VOICES: Final = 256
"""Voices that are kept; above it those go first who have been silent longest."""


class Voices:
    """The voices of one live space, by user."""

    def __init__(self) -> None:
        self._voices: dict[str, Voice] = {}  # who spoke last is last
        self._percent: Mapping[str, int] = {}
        self._sounding: set[str] = set()

    def __len__(self) -> int:
        return len(self._voices)

    def __contains__(self, user: object) -> bool:
        return user in self._voices

    def set_volumes(self, percent: Mapping[str, int]) -> None:
        """Take what hosts have set, by user; everybody else's volume is automatic."""
        self._percent = dict(percent)
        for user, voice in self._voices.items():
            voice.percent = self._percent.get(user)

    def hear(self, frames: Mapping[str, Pcm]) -> dict[str, Pcm]:
        """Return a tick's frames for the mix, with the fades of all who sound no more."""
        heard = {user: self._voice_of(user).hear(frame) for user, frame in frames.items()}
        for user in self._sounding - frames.keys():
            voice = self._voices.get(user)  # none where so many began to speak that it had to go
            fade = None if voice is None else voice.stop()
            if fade is not None:
                heard[user] = fade
        self._sounding = set(frames)
        return heard

    def _voice_of(self, user: str) -> Voice:
        voice = self._voices.get(user)
        if voice is not None and user in self._sounding:
            return voice
        if voice is None:
            voice = Voice()
            voice.percent = self._percent.get(user)
        self._voices.pop(user, None)
        self._make_room()
        self._voices[user] = voice
        return voice

    def _make_room(self) -> None:
        silent = (user for user in self._voices if user not in self._sounding)
        for user in [*silent][: max(0, len(self._voices) - MOST_VOICES + 1)]:
            del self._voices[user]
