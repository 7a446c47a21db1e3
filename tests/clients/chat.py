"""A client that reads and writes encrypted chats, whatever it is made of, and waiting with it.

`sdk_client.py` is matrix-js-sdk in a browser, `nio_client.py` is matrix-nio.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.patience import PATIENCE_S

RED: Final = 2
"""The shield of a message whose sender cannot be relied on; 1 is grey, 0 is none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as a client shows it: decrypted where it could, with the shield beside it."""

    event_id: str
    sender: str
    type: str
    content: Mapping[str, Any]
    relates_to: Mapping[str, Any]
    encrypted: bool
    unreadable: str
    """Why it could not be decrypted; empty where it could, or need not be."""
    shield: int

    @property
    def body(self) -> str:
        """The text of a message."""
        return str(self.content.get("body", ""))


class ChatClient(Protocol):
    """One signed-in client."""

    @property
    def user(self) -> str:
        """Whose it is: the user id."""

    async def open_dm(self, user: str, *, encrypted: bool = True) -> str:
        """Make a DM with somebody, as clients do, and return its room id."""

    async def join(self, room_or_alias: str) -> str:
        """Join a room, and return its id."""

    async def invites(self) -> Sequence[str]:
        """The rooms that this person is invited to."""

    async def send_text(self, room: str, body: str) -> str:
        """Send a message, encrypted where the room is, and return its event id."""

    async def react(self, room: str, event_id: str, key: str) -> str:
        """Annotate an event, and return the annotation's id."""

    async def timeline(self, room: str) -> Sequence[Shown]:
        """What the client shows of a room, oldest first."""


async def shown(
    client: ChatClient,
    room: str,
    wanted: Callable[[Shown], bool],
    what: str,
    *,
    after: str = "",
    within_s: float = PATIENCE_S,
) -> Shown:
    """The first wanted event that the client shows behind `after`. Raises TimeoutError."""
    found: list[Shown] = []

    async def comes() -> bool:
        events = await client.timeline(room)
        ids = [event.event_id for event in events]
        begin = ids.index(after) + 1 if after in ids else len(ids) if after else 0
        found.extend(event for event in events[begin:] if wanted(event))
        return bool(found)

    try:
        await until(comes, what, within_s)
    except TimeoutError as error:
        seen = [
            f"{e.sender} {e.type} {e.body!r} {e.unreadable}" for e in await client.timeline(room)
        ]
        raise TimeoutError(f"{error}; shown: {seen}") from None
    return found[0]


async def message(
    client: ChatClient, room: str, part: str = "", *, sender: str, after: str = ""
) -> Shown:
    """The first message of a sender that the client can read and that holds `part`."""
    return await shown(
        client,
        room,
        lambda event: (
            event.type == "m.room.message" and event.sender == sender and part in event.body
        ),
        f"a message of {sender} with {part!r}",
        after=after,
    )


async def ask(client: ChatClient, room: str, body: str, *, of: str, part: str = "") -> Shown:
    """Write something, and return the answer."""
    return await message(client, room, part, sender=of, after=await client.send_text(room, body))


async def all_is_well(client: ChatClient, room: str) -> None:
    """Every message is encrypted and readable, and the client warns of none.

    Raises AssertionError.
    """
    events = await client.timeline(room)
    assert [event for event in events if event.unreadable] == []
    assert [event for event in events if event.shield == RED] == []
    messages = [event for event in events if event.type == "m.room.message"]
    assert messages
    assert [event for event in messages if not event.encrypted] == []
