"""The captions of one live space for the clients of its call: drafts, then the final text."""

from collections.abc import Callable
from typing import Protocol

from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_ports import RoomText
from spaces_bridge.core.events import UtteranceCaptioned
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit import transcriptions
from spaces_bridge.livekit.transcriptions import CallVoice, ShownDrafts


class SendText(Protocol):
    """The sending of a text to all who are in the call; waits for nothing."""

    def __call__(self, text: RoomText, *, fades: bool) -> None:
        """Send a text; `fades`: who is behind may be passed over, another one comes."""
        ...


class Captions:
    """The captions of one live space's call. Who comes later is told what is said then."""

    def __init__(self, send: SendText, voice_of: Callable[[UserId], CallVoice]) -> None:
        """`voice_of` tells as which participant a speaker is heard in the call."""
        self._send = send
        self._voice_of = voice_of
        self._shown = ShownDrafts()

    def draft(self, draft: Draft) -> None:
        """Show a draft; one without text takes the one before away, and no final."""
        if self._shown.takes(draft):
            said = transcriptions.of_draft(draft, self._voice_of(draft.speaker))
            self._send(said, fades=bool(draft.text))

    def captioned(self, caption: UtteranceCaptioned) -> None:
        """Show what somebody has said."""
        self._shown.end(caption)
        said = transcriptions.of_caption(caption, self._voice_of(caption.speaker))
        self._send(said, fades=False)
