"""Captions for the clients in a LiveKit room: text streams that the home relay says."""

from collections.abc import Callable

from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_ports import RoomText
from spaces_bridge.core.events import UtteranceCaptioned
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit import transcriptions
from spaces_bridge.livekit.transcriptions import ShownDrafts, Voice


class EngineCaptions:
    """The captions of one live space. Who comes later is told what is said then."""

    def __init__(
        self, say: Callable[[RoomText], None], voice_of: Callable[[UserId], Voice]
    ) -> None:
        """`voice_of` tells as which participant a speaker is in the room."""
        self._say = say
        self._voice_of = voice_of
        self._shown = ShownDrafts()

    def draft(self, draft: Draft) -> None:
        """Show a draft; one without text takes the one before away, and no final."""
        if self._shown.takes(draft):
            self._say(transcriptions.of_draft(draft, self._voice_of(draft.speaker)))

    def captioned(self, caption: UtteranceCaptioned) -> None:
        """Show what somebody has said."""
        self._shown.end(caption)
        self._say(transcriptions.of_caption(caption, self._voice_of(caption.speaker)))
