"""What goes out in a call: its events, and words in its chat."""

from spaces_bridge.app import tasks
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.plain_calls.call import PlainCall, Send


class CallTelling:
    """The telling of people in calls, by the outbox. All methods raise StorageError.

    `source` names what caused a sentence, which is written once for it.
    """

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces

    async def send(self, call: PlainCall, wanted: Send) -> None:
        """Have an event of the call sent, once."""
        task = tasks.SignalCall(call.room, wanted.type, wanted.body, wanted.until_ms)
        source = wanted.cause or f"{call.room}:{call.call}"
        await self._spaces.enqueue_task(task, f"{wanted.type}:{source}")

    async def write(self, room: RoomId, text: str, source: str) -> None:
        """Have a sentence written in the chat."""
        await self._spaces.enqueue_task(tasks.TellCaller(room, text), f"caller:{source}")
