"""The captions of one call on their way to its clients, as far as these have a data channel."""

import itertools
from collections.abc import Callable, Sequence

from spaces_bridge.app.call_ports import CallStage
from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_ports import RoomText
from spaces_bridge.core.events import UtteranceCaptioned
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit import text_streams, transcriptions
from spaces_bridge.livekit.call_streams import voice_of
from spaces_bridge.livekit.client import CallClient
from spaces_bridge.livekit.participants import BotParticipant


class CallCaptions:
    """The captions of one call. Who comes later is told what is said then."""

    def __init__(self, stage: CallStage, room: str, now_ms: Callable[[], int]) -> None:
        """`room`: LiveKit's id of the room, of which those of the text streams are made."""
        self._stage, self._room, self._now_ms = stage, room, now_ms
        self._numbers = itertools.count(1)
        self._shown = transcriptions.ShownDrafts()

    def draft(self, draft: Draft, clients: Sequence[CallClient], bot: BotParticipant) -> None:
        """Show a draft; a client that is behind waits for the next. Its end is always told."""
        if not self._shown.takes(draft):
            return
        said = transcriptions.of_draft(draft, _voice(draft.speaker, clients, bot))
        self._send(said, clients, fades=bool(draft.text))

    def captioned(
        self, caption: UtteranceCaptioned, clients: Sequence[CallClient], bot: BotParticipant
    ) -> None:
        """Show what somebody has said."""
        self._shown.end(caption)
        said = transcriptions.of_caption(caption, _voice(caption.speaker, clients, bot))
        self._send(said, clients, fades=False)

    def _send(self, text: RoomText, clients: Sequence[CallClient], *, fades: bool) -> None:
        data_sessions = [client.negotiation.data_session for client in clients]
        sessions = [session for session in data_sessions if session is not None]
        if not sessions:
            return
        stream = f"{self._room}-{next(self._numbers)}"
        packets = text_streams.packets(text, stream, self._now_ms())
        self._stage.send_data(sessions, packets, fades=fades)


def _voice(
    speaker: UserId, clients: Sequence[CallClient], bot: BotParticipant
) -> transcriptions.Voice:
    return voice_of(speaker, [client.participant for client in clients], bot)
