"""matrix-nio with its encryption, as a person's client that knows nothing of cross-signing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio

from spaces_bridge_demo.homeserver import Account
from tests.clients.chat import Shown

_SYNC_MS = 20_000
_ENCRYPTION = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


class NioClient:
    """See `chat.ChatClient`."""

    def __init__(self, client: nio.AsyncClient) -> None:
        self._client = client
        self._rooms: dict[str, list[nio.Event]] = {}
        self._known: set[str] = set()
        client.add_event_callback(self._came, nio.Event)

    @property
    def user(self) -> str:
        """Whose it is."""
        return str(self._client.user_id)

    async def open_dm(self, user: str, *, encrypted: bool = True) -> str:
        """Make a DM."""
        made = _done(
            await self._client.room_create(
                is_direct=True,
                invite=[user],
                preset=nio.RoomPreset.trusted_private_chat,
                initial_state=[_ENCRYPTION] if encrypted else [],
            )
        )
        room = str(made.room_id)
        while room not in self._client.rooms:
            await self._client.synced.wait()
        return room

    async def join(self, room_or_alias: str) -> str:
        """Join."""
        room = str(_done(await self._client.join(room_or_alias)).room_id)
        while room not in self._client.rooms:
            await self._client.synced.wait()
        return room

    async def invites(self) -> Sequence[str]:
        """Invitations."""
        return list(self._client.invited_rooms)

    async def send_text(self, room: str, body: str) -> str:
        """Send."""
        return await self._send(room, "m.room.message", {"msgtype": "m.text", "body": body})

    async def react(self, room: str, event_id: str, key: str) -> str:
        """React."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self._send(room, "m.reaction", {"m.relates_to": relation})

    async def edit(self, room: str, event_id: str, body: str) -> str:
        """Edit a message."""
        content = {"msgtype": "m.text", "body": body}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        edited = {**content, "body": f"* {body}", "m.new_content": content}
        return await self._send(room, "m.room.message", {**edited, "m.relates_to": relation})

    async def redact(self, room: str, event_id: str) -> None:
        """Redact an event."""
        _done(await self._client.room_redact(room, event_id))

    async def encrypt(self, room: str) -> None:
        """Have a room encrypted from now on, and wait until the client knows it."""
        content = {"algorithm": "m.megolm.v1.aes-sha2"}
        _done(await self._client.room_put_state(room, "m.room.encryption", content))
        while not self._client.rooms[room].encrypted:
            await self._client.synced.wait()

    async def open_room(self, *invited: str) -> str:
        """Make an encrypted room for many."""
        made = _done(
            await self._client.room_create(
                invite=list(invited),
                preset=nio.RoomPreset.private_chat,
                initial_state=[_ENCRYPTION],
            )
        )
        room = str(made.room_id)
        while room not in self._client.rooms:
            await self._client.synced.wait()
        return room

    async def forget_session(self, room: str) -> None:
        """Write by a new Megolm session from now on."""
        self._client.invalidate_outbound_session(room)

    async def ciphertexts(self, room: str, sender: str) -> list[Mapping[str, Any]]:
        """The contents of all encrypted events of a sender, as the homeserver has them."""
        found: list[Mapping[str, Any]] = []
        start: str | None = None
        while True:
            path = f"/_matrix/client/v3/rooms/{quote(room)}/messages?dir=b&limit=100"
            query = f"&from={quote(start)}" if start else ""
            answer = await self._client.send("GET", path + query, headers=self._authorised)
            page = await answer.json()
            found += [
                each["content"]
                for each in page["chunk"]
                if each["type"] == "m.room.encrypted" and each["sender"] == sender
            ]
            start = page.get("end")
            if not start or not page["chunk"]:
                return found

    @property
    def _authorised(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._client.access_token}"}

    async def topic(self, room: str) -> str:
        """The topic of a room."""
        found = _done(await self._client.room_get_state_event(room, "m.room.topic"))
        return str(found.content["topic"])

    async def timeline(self, room: str) -> Sequence[Shown]:
        """What came, decrypted by now where it could not be at once."""
        events = self._rooms.get(room, [])
        for at, event in enumerate(events):
            if isinstance(event, nio.MegolmEvent):
                with contextlib.suppress(nio.EncryptionError):
                    events[at] = self._client.decrypt_event(event)
        return [_shown(event) for event in events]

    async def _send(self, room: str, type_: str, content: Mapping[str, object]) -> str:
        sent = await self._client.room_send(room, type_, content, ignore_unverified_devices=True)
        return str(_done(sent).event_id)

    async def _came(self, room: nio.MatrixRoom, event: nio.Event) -> None:
        if event.event_id not in self._known:
            self._known.add(event.event_id)
            self._rooms.setdefault(room.room_id, []).append(event)


def _done(answer: Any) -> Any:  # noqa: ANN401  # nio answers an object of either kind
    if isinstance(answer, nio.ErrorResponse):
        raise RuntimeError(str(answer))
    return answer


def _shown(event: nio.Event) -> Shown:
    source: Mapping[str, Any] = event.source
    unreadable = isinstance(event, nio.MegolmEvent)
    return Shown(
        event_id=event.event_id,
        sender=event.sender,
        type=str(source["type"]),
        content=source["content"],
        relates_to=source["content"].get("m.relates_to", {}),
        encrypted=bool(event.decrypted or unreadable),
        unreadable=f"no key for session {event.session_id}" if unreadable else "",
        shield=0,
    )


@asynccontextmanager
async def nio_client(homeserver: str, account: Account, store: Path) -> AsyncIterator[NioClient]:
    """A client, signed in and syncing. `store`: a folder for its keys."""
    config = nio.AsyncClientConfig(encryption_enabled=True)
    client = nio.AsyncClient(homeserver, account.user_id, store_path=str(store), config=config)
    _done(await client.login(account.password))
    made = NioClient(client)
    syncing = asyncio.create_task(client.sync_forever(_SYNC_MS, full_state=True))
    try:
        await client.synced.wait()
        yield made
    finally:
        syncing.cancel()
        await asyncio.gather(syncing, return_exceptions=True)
        await client.close()
