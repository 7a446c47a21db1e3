"""Messages with reactions on them that people only need to tap."""

from collections.abc import Awaitable, Callable, Sequence

from spaces_bridge.core.ids import EventId, RoomId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.content import annotation, message

Turn = Callable[[], Awaitable[None]]


async def write(bot: MatrixClient, room: RoomId, text: str, key: str) -> EventId:
    """Send a message that counts as one in every client. Raises RequestRefused, Away."""
    return await bot.send(room, "m.room.message", message(text, None, "m.text"), key)


async def seed(
    bot: MatrixClient,
    room: RoomId,
    event: EventId,
    emojis: Sequence[str],
    key: str,
    turn: Turn | None = None,
) -> None:
    """Put the reactions on the message, once per `key`; `turn` is awaited before each."""
    for emoji in emojis:
        if turn is not None:
            await turn()
        try:
            await bot.send(room, "m.reaction", annotation(event, emoji), f"{key}:{emoji}")
        except RequestRefused as refusal:
            if refusal.errcode != "M_DUPLICATE_ANNOTATION":
                raise
