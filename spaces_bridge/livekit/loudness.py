"""How loud participants are, as LiveKit's clients are told: what has changed, in coarse steps."""

from collections.abc import Mapping
from typing import Final

from livekit.protocol import models

from spaces_bridge.core.ids import UserId

HEARD: Final = 5
"""The loudness, of 100, from which on somebody counts as speaking."""

STEP: Final = 10
"""Steps of loudness, of 100, that clients are told."""


class Loudness:
    """The loudness that clients were told last, by participant id."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def changed(
        self, levels: Mapping[UserId, int], sids: Mapping[UserId, str], bot: str
    ) -> list[models.SpeakerInfo]:
        """Return the participants whose loudness has changed; who has no sid is the bot's."""
        now: dict[str, int] = {}
        for user, level in levels.items():
            sid = sids.get(user, bot)
            if level >= HEARD:
                now[sid] = max(now.get(sid, 0), _step(level))
        changed = {sid: now.get(sid, 0) for sid in {*now, *self._told}}
        news = {sid: step for sid, step in changed.items() if step != self._told.get(sid, 0)}
        self._told = now
        return [_speaker(sid, step) for sid, step in sorted(news.items())]


def _step(level: int) -> int:
    return max(STEP, round(level / STEP) * STEP)


def _speaker(sid: str, step: int) -> models.SpeakerInfo:
    return models.SpeakerInfo(sid=sid, level=step / 100, active=step > 0)
