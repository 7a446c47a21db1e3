"""The texts of one call on their way to its clients, as far as these have a data channel."""

import itertools
from collections.abc import Callable, Iterable

from spaces_bridge.app.call_ports import CallStage
from spaces_bridge.app.relay_ports import RoomText
from spaces_bridge.livekit import text_streams
from spaces_bridge.livekit.client import CallClient


class CallTexts:
    """The texts of one call, each a text stream of LiveKit's."""

    def __init__(self, stage: CallStage, room: str, now_ms: Callable[[], int]) -> None:
        """`room`: LiveKit's id of the room, of which those of the text streams are made."""
        self._stage, self._room, self._now_ms = stage, room, now_ms
        self._numbers = itertools.count(1)

    def send(self, text: RoomText, clients: Iterable[CallClient], *, fades: bool) -> None:
        """Send a text; `fades`: a client that is behind is passed over."""
        data_sessions = [client.negotiation.data_session for client in clients]
        sessions = [session for session in data_sessions if session is not None]
        if not sessions:
            return
        stream = f"{self._room}-{next(self._numbers)}"
        packets = text_streams.packets(text, stream, self._now_ms())
        self._stage.send_data(sessions, packets, fades=fades)
