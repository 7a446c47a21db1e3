"""The control process's record of a speaker's track: how far it is transcribed, what was drafted,
and whether sound has to be played again after the worker died."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from spaces_bridge.app import ports
from spaces_bridge.captions.messages import DraftMessage, Utterance
from spaces_bridge.core.commands import CaptionUtterance
from spaces_bridge.core.ids import UtteranceId

REPLAY_WAIT_S: Final = 5.0
"""A replay that has not begun by then does not come any more."""
_CLOSE_MS: Final = 200


@dataclass
class Captioned:
    """A captioned track. Times are ms since the live space started; deadlines are seconds of the
    caller's clock."""

    language: str
    heard_ms: int = 0
    last_ms: int = -1
    closing: bool = False
    replay_until: float | None = None
    drafts: dict[UtteranceId, DraftMessage] = field(default_factory=dict)
    """Drafts that were handed on, and are neither final nor taken back yet."""
    arrived: tuple[int, float] = (0, 0.0)
    """The end of the sound that came last, and when it came."""

    def draft(self, draft: DraftMessage) -> None:
        """Note that the worker drafted an utterance, or took its draft back."""
        if draft.text:
            self.drafts[draft.utterance] = draft
        else:
            self.drafts.pop(draft.utterance, None)

    def take_back(self) -> Iterator[DraftMessage]:
        """Yield every draft that is still shown, without its text: the worker is gone."""
        drafts, self.drafts = self.drafts, {}
        for draft in drafts.values():
            yield replace(draft, text="", committed=0)

    def lose(self) -> None:
        """Note that there is no worker: sound not yet transcribed, or new, must be replayed."""
        if self.last_ms >= 0:
            self.replay_until = inf

    @property
    def wants_replay(self) -> bool:
        """Return whether sound was lost and the replay has not begun."""
        return self.replay_until is not None

    def expect_replay(self, now: float) -> None:
        """Note that a new worker is there and the replay was asked for."""
        self.replay_until = now + REPLAY_WAIT_S

    def admits(self, at_ms: int, now: float) -> bool:
        """Return whether sound that starts at `at_ms` may go to the worker.

        While a replay is awaited, sound newer than the loss waits for its turn in the replay;
        sound that goes back in time, or joins what was transcribed, is the replay itself.
        """
        if self.replay_until is not None:
            begins = at_ms < self.last_ms or at_ms <= self.heard_ms + _CLOSE_MS
            if self.replay_until == inf or (not begins and now < self.replay_until):
                self.last_ms = max(self.last_ms, at_ms)
                return False
            self.replay_until = None
        self.last_ms = at_ms
        return True

    def age_s(self, at_ms: int, now: float) -> float:
        """Return how long ago this moment of the track was spoken; sound comes as it is spoken."""
        last_ms, came = self.arrived
        return max(0.0, now - came + (last_ms - at_ms) / 1000)


def shown_draft(draft: DraftMessage) -> ports.Draft:
    """Return the worker's draft in the application's terms."""
    return ports.Draft(
        utterance=draft.utterance,
        speaker=draft.speaker,
        text=draft.text,
        committed=draft.committed,
        start_ms=draft.start_ms,
        end_ms=draft.end_ms,
        language=draft.language,
    )


def finished(said: Utterance) -> CaptionUtterance:
    """Return the worker's utterance as the command to its live space."""
    return CaptionUtterance(
        said.utterance, said.speaker, said.start_ms, said.end_ms, said.text, said.language
    )
