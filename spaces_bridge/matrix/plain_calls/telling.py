"""What goes out in a call: its events, and words in its chat."""

from spaces_bridge.app import tasks
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.events import call_signals as signals
from spaces_bridge.matrix.plain_calls.call import PlainCall, Send


class CallTelling:
    """The telling of people in calls, by the outbox. All methods raise StorageError.

    `source` names what caused a sentence, which is written once for it.
    """

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._clock = spaces.context.clock

    async def send(self, call: PlainCall, wanted: Send) -> None:
        """Have an event of the call sent, once. An answer in a call soon is worth nothing more."""
        until_ms = wanted.until_ms
        if wanted.type == signals.NEGOTIATE:
            until_ms = self._clock.now_ms() + signals.LIFETIME_MS
        task = tasks.SignalCall(call.room, wanted.type, wanted.body, until_ms)
        source = wanted.cause or f"{call.room}:{call.call}"
        await self._spaces.enqueue_task(task, f"{wanted.type}:{source}")

    async def write(self, room: RoomId, text: str, source: str) -> None:
        """Have a sentence written in the chat."""
        await self._spaces.enqueue_task(tasks.TellCaller(room, text), f"caller:{source}")
