"""Media events: passes on what stage and captioner notice, to live spaces and their pages."""

import logging
from collections.abc import Collection, Mapping

from spaces_bridge.app.ports import Draft
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.core.sentences import say
from spaces_bridge.wire.pcm import length_ms

log = logging.getLogger(__name__)

RESTARTED = say("sound_restarted", "The sound was restarted and goes on.")
PAUSED = say("captions_paused", "Captions are paused for a moment; the sound goes on.")
CUT = say(
    "microphone_cut",
    "Your microphone's program sends more than is taken here, and your sound breaks up."
    " Set it to Opus at 64 kbit/s.",
)
RESUMED = say("captions_resumed", "Captions go on.")


class MediaEvents:
    """The listener of stage and captioner (`StageListener`, `CaptionListener`)."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._context = spaces.context

    # --- StageListener ------------------------------------------------------------------------

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        self._context.audience.levels(space, levels)

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        self._context.audience.gaps(space, missing)

    def audio(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        view = self._spaces.view(space)
        if view is not None and view.captions and self._context.settings.captions:
            self._context.captioner.hear(space, user, at_ms, pcm)
        else:
            self._context.stage.audio_taken(space, user, at_ms + length_ms(pcm))

    def microphone_lost(self, space: SpaceId, user: UserId) -> None:
        self._spaces.tell(space, cmd.CloseMicrophone(user))

    def microphone_cut(self, space: SpaceId, user: UserId) -> None:
        log.warning("a microphone in live space %s sends too much: a part is dropped", space)
        self._context.audience.notice(space, CUT, to=user)

    def listeners_changed(self, space: SpaceId) -> None:
        view = self._spaces.view(space)
        if view is not None:
            self._context.audience.changed(view, ())

    def worker_restarted(self, spaces: Collection[SpaceId]) -> None:
        for space in spaces:
            view = self._spaces.view(space)
            if view is not None and view.phase is Phase.LIVE:
                self.open_stage(space)
                self._context.audience.notice(space, RESTARTED)

    def open_stage(self, space: SpaceId) -> None:
        """Bring the stage to the live space's state: at a start, or after a worker's death."""
        view = self._spaces.view(space)
        if view is None or view.phase is not Phase.LIVE or view.started_at_ms is None:
            return
        elapsed_ms = max(0, self._context.clock.now_ms() - view.started_at_ms)
        self._context.stage.open_space(space, elapsed_ms)
        self._context.stage.set_volumes(space, view.volumes)
        self._context.stage.set_gates(space, view.on_air)

    # --- CaptionListener ----------------------------------------------------------------------

    def drafted(self, space: SpaceId, draft: Draft) -> None:
        view = self._spaces.view(space)
        captions = self._context.settings.captions
        if not draft.text or (captions and view is not None and view.is_drafted(draft.speaker)):
            self._context.audience.draft(space, draft)

    def captioned(self, space: SpaceId, said: cmd.CaptionUtterance) -> None:
        self._spaces.tell(space, said)
        # no draft may stay when the final is refused because captions are off by now
        over = Draft.taken_back(said)
        self._spaces.then(space, lambda: self._context.audience.draft(space, over))

    def heard(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        # the audio may be forgotten only when the captions told so far are journalled
        self._spaces.then(space, lambda: self._context.stage.audio_taken(space, user, until_ms))

    def missed(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        self._context.stage.replay_audio(space, user, from_ms)

    def paused(self, paused: bool) -> None:
        log.warning("captions %s", "paused" if paused else "resumed")
        for view in self._spaces.open():
            if view.phase is Phase.LIVE and view.captions:
                self._context.audience.notice(view.space, PAUSED if paused else RESUMED)
