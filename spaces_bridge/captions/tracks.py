"""What the control process knows of one speaker's track: how far it is written down, what was
drafted, and whether sound has to be played again after the worker died."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from spaces_bridge.app import ports
from spaces_bridge.captions.messages import DraftMessage, Utterance
from spaces_bridge.core.commands import CaptionUtterance
from spaces_bridge.core.ids import UtteranceId

REPLAY_WAIT_S: Final = 5.0
"""A replay that has not begun by then does not come."""
_CLOSE_MS: Final = 200


@dataclass
class Captioned:
    """One track. Times in ms since the live space started; deadlines on the caller's clock (s)."""

    language: str
    heard_ms: int = 0
    last_ms: int = -1
    closing: bool = False
    replay_until: float | None = None
    drafts: dict[UtteranceId, DraftMessage] = field(default_factory=dict)
    """Handed on, and neither final nor taken back yet."""
    arrived: tuple[int, float] = (0, 0.0)
    """How far the sound goes that came last, and when it came."""

    def draft(self, draft: DraftMessage) -> None:
        """The worker drafted an utterance, or took its draft back."""
        if draft.text:
            self.drafts[draft.utterance] = draft
        else:
            self.drafts.pop(draft.utterance, None)

    def take_back(self) -> Iterator[DraftMessage]:
        """The worker is gone: every draft that is still shown, without its text."""
        drafts, self.drafts = self.drafts, {}
        for draft in drafts.values():
            yield replace(draft, text="", committed=0)

    def lose(self) -> None:
        """There is no worker: what was not heard yet, and what comes now, is to be replayed."""
        if self.last_ms >= 0:
            self.replay_until = inf

    @property
    def wants_replay(self) -> bool:
        """Whether sound was lost and the replay has not begun."""
        return self.replay_until is not None

    def expect_replay(self, now: float) -> None:
        """A new worker is there and the replay was asked for."""
        self.replay_until = now + REPLAY_WAIT_S

    def admits(self, at_ms: int, now: float) -> bool:
        """Whether sound that starts at `at_ms` may go to the worker.

        While a replay is awaited, what is newer than the loss waits for its turn in the replay;
        sound that goes back in time, or joins what was heard, is the replay itself.
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
        """How long ago this moment of the track was spoken; sound comes as it is spoken."""
        last_ms, came = self.arrived
        return max(0.0, now - came + (last_ms - at_ms) / 1000)


def shown_draft(draft: DraftMessage) -> ports.Draft:
    """Give the worker's draft in the application's terms."""
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
    """Give the worker's utterance as the command that it is for its live space."""
    return CaptionUtterance(
        said.utterance, said.speaker, said.start_ms, said.end_ms, said.text, said.language
    )
