"""The Client-Server API as one of our users: the bot or a ghost.

Events and redactions carry transaction ids made of `key`, so that a repeat is no double.
State events have none: state is read and compared first.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.http import DEVICE, HomeserverApi, Json
from spaces_bridge.matrix.client.shapes import is_event

PAGE = 100
"""Events asked for at once."""

MESSAGES = ("m.room.message", "m.sticker")
ENCRYPTED = "m.room.encrypted"

EARLY_TIME_ZONE = "us.cloke.msc4175.tz"
"""The profile field that clients wrote before `m.tz` was in the spec (MSC4175)."""

_PLACE = re.compile(r"mxc://([A-Za-z0-9.\-:\[\]]+)/([A-Za-z0-9_\-~=]+)")


class StateEvent(NamedTuple):
    """A state event: `replaced` is the event whose place it took, `sender` its sender.

    `at_ms` is its `origin_server_ts`; `type` is empty where it was not told.
    """

    event: EventId | None
    replaced: EventId | None
    content: Json
    sender: UserId | None = None
    at_ms: int | None = None
    type: str = ""


def _state_event(answer: Json) -> StateEvent:
    unsigned = answer.get("unsigned")
    replaced = unsigned.get("replaces_state") if isinstance(unsigned, Mapping) else None
    sender = answer.get("sender")
    author = UserId(sender) if isinstance(sender, str) else None
    at_ms = answer.get("origin_server_ts")
    when_ms = at_ms if isinstance(at_ms, int) else None
    type_ = answer.get("type")
    type_ = type_ if isinstance(type_, str) else ""
    return StateEvent(answer["event_id"], replaced, answer["content"], author, when_ms, type_)


def transaction_id(key: str) -> str:
    """Return the transaction id for `key`: the same one every time."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


class Cipher(Protocol):
    """The port to encryption (`matrix/crypto/encryption.py`)."""

    async def sealed(self, room: RoomId, type_: str, content: Json) -> Json | None:
        """Return the content of `m.room.encrypted` for an event; None: it goes as it is.

        Raises AdapterError.
        """
        ...

    async def opened(self, event: Json) -> Json:
        """Return an event that was read back as its sender wrote it.

        One that is not encrypted, or cannot be read, is returned as it is. Raises AdapterError.
        """
        ...


class MatrixClient:
    """The client of one of our users. Every method raises RequestRefused and Away."""

    def __init__(self, api: HomeserverApi, user: UserId, cipher: Cipher | None = None) -> None:
        """`cipher` encrypts and reads what is in encrypted rooms; None: nothing is encrypted."""
        self._api = api
        self._cipher = cipher
        self.user = user

    async def register(self) -> None:
        """Make the account and its device if they are missing. Spec: Application Service API."""
        localpart = self.user[1:].partition(":")[0]
        body = {"type": "m.login.application_service", "username": localpart}
        try:
            await self._api.call(
                "POST", ["register"], {**body, "inhibit_login": True}, query={"kind": "user"}
            )
        except RequestRefused as refusal:
            if refusal.errcode != "M_USER_IN_USE":
                raise
        await self._ensure_device()

    async def _ensure_device(self) -> None:
        name = {"display_name": "Spaces bridge"}
        await self._api.call("PUT", ["devices", DEVICE], name, user=self.user, device=None)

    async def call(
        self,
        method: str,
        path: Sequence[str],
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Make any call as this user. A device somebody deleted is made again."""
        try:
            return await self._api.call(method, path, body, user=self.user, query=query)
        except RequestRefused as refusal:
            if refusal.errcode != "M_UNKNOWN_DEVICE":
                raise
            await self._ensure_device()
            return await self._api.call(method, path, body, user=self.user, query=query)

    # --- events ---------------------------------------------------------------------------------

    async def send(self, room: RoomId, type_: str, content: Json, key: str) -> EventId:
        """Send an event, once per `key`, encrypted where the room is; return its id.

        Where it is encrypted, StorageError is raised, too.
        """
        if self._cipher is not None:
            sealed = await self._cipher.sealed(room, type_, content)
            if sealed is not None:
                type_, content = ENCRYPTED, sealed
        path = ["rooms", room, "send", type_, transaction_id(key)]
        return EventId(str((await self.call("PUT", path, content))["event_id"]))

    async def redact(self, room: RoomId, event: EventId, key: str) -> EventId:
        """Redact an event, once per `key`; return the redaction's id."""
        path = ["rooms", room, "redact", event, transaction_id(key)]
        return EventId(str((await self.call("PUT", path, {}))["event_id"]))

    # --- state ----------------------------------------------------------------------------------

    async def state(self, room: RoomId, type_: str, key: str = "") -> Json | None:
        """Return the content of a state event, None where there is none."""
        try:
            return (await self.state_event(room, type_, key)).content
        except RequestRefused as refusal:
            if refusal.errcode == "M_NOT_FOUND":
                return None
            raise

    async def state_event(self, room: RoomId, type_: str, key: str = "") -> StateEvent:
        """Return the whole state event; of homeservers that only give contents, without ids."""
        path = ["rooms", room, "state", type_, key]
        answer = await self.call("GET", path, query={"format": "event"})
        if not is_event(answer):
            return StateEvent(None, None, answer)
        return _state_event(answer)

    async def event(self, room: RoomId, event: EventId) -> StateEvent:
        """Return an earlier event, as it was sent, decrypted where it can be."""
        found = await self.call("GET", ["rooms", room, "event", event])
        return _state_event(await self._opened(found))

    async def _opened(self, event: Json) -> Json:
        if self._cipher is None or event.get("type") != ENCRYPTED:
            return event
        return await self._cipher.opened(event)

    async def all_state(self, room: RoomId) -> dict[tuple[str, str], Json]:
        """Return all current state: (type, state key) to content."""
        events = await self.call("GET", ["rooms", room, "state"])
        return {(e["type"], e["state_key"]): e["content"] for e in events}

    async def write_state(self, room: RoomId, type_: str, content: Json, key: str = "") -> EventId:
        """Write a state event without looking first; return its id."""
        answer = await self.call("PUT", ["rooms", room, "state", type_, key], content)
        return EventId(str(answer["event_id"]))

    async def ensure_state(self, room: RoomId, type_: str, content: Json, key: str = "") -> bool:
        """Write a state event unless it is so already. True: it was written."""
        if await self.state(room, type_, key) == content:
            return False
        await self.write_state(room, type_, content, key)
        return True

    async def joined(self, room: RoomId) -> dict[UserId, str | None]:
        """Return the joined members, with their display names."""
        answer = await self.call("GET", ["rooms", room, "joined_members"])
        return {
            UserId(user): profile.get("display_name") for user, profile in answer["joined"].items()
        }

    async def invited(self, room: RoomId) -> list[UserId]:
        """Return the people who are invited and have not answered."""
        query = {"membership": "invite"}
        answer = await self.call("GET", ["rooms", room, "members"], query=query)
        return [UserId(event["state_key"]) for event in answer["chunk"]]

    async def banned(self, room: RoomId) -> dict[UserId, UserId]:
        """Return the banned users, each with the user who banned them."""
        answer = await self.call("GET", ["rooms", room, "members"], query={"membership": "ban"})
        return {UserId(event["state_key"]): UserId(event["sender"]) for event in answer["chunk"]}

    async def last_messages(self, room: RoomId, most: int) -> list[Json]:
        """Return the room's last messages, oldest first; redacted ones have empty contents.

        What is encrypted and cannot be read is left out.
        """
        wanted = json.dumps({"types": [*MESSAGES, ENCRYPTED]})
        found: list[Json] = []
        query = {"dir": "b", "limit": str(PAGE), "filter": wanted}
        while len(found) < most:
            answer = await self.call("GET", ["rooms", room, "messages"], query=query)
            events = [event for event in answer["chunk"] if isinstance(event, Mapping)]
            # pages hold no room ids, which decryption compares
            opened = [await self._opened({**event, "room_id": room}) for event in events]
            found += [event for event in opened if event.get("type") in MESSAGES]
            if not isinstance(answer.get("end"), str) or not answer["chunk"]:
                break
            query = {**query, "from": answer["end"]}
        return found[::-1]

    async def joined_rooms(self) -> list[RoomId]:
        """Return all rooms this user has joined."""
        return list((await self.call("GET", ["joined_rooms"]))["joined_rooms"])

    async def page_back(
        self, room: RoomId, types: Sequence[str], start: str | None
    ) -> tuple[list[Json], str | None]:
        """Return up to `PAGE` events of these types, newest first, and the token to go on."""
        query = {"dir": "b", "limit": str(PAGE), "filter": json.dumps({"types": list(types)})}
        if start is not None:
            query["from"] = start
        answer = await self.call("GET", ["rooms", room, "messages"], query=query)
        end = answer.get("end")
        return answer["chunk"], end if isinstance(end, str) and end != start else None

    # --- rooms ----------------------------------------------------------------------------------

    async def join(self, room: RoomId, via: Sequence[str] = ()) -> None:
        """Join a room by id; `via` names a server to ask (one is enough for us)."""
        query = {"server_name": via[0], "via": via[0]} if via else None
        await self.call("POST", ["join", room], {}, query)

    async def leave(self, room: RoomId) -> None:
        """Leave a room, or decline its invite."""
        await self.call("POST", ["rooms", room, "leave"], {})

    async def display_name(self, user: UserId) -> str | None:
        """Return the profile's display name, None where there is none."""
        return await self._profile(user, "displayname")

    async def time_zone(self, user: UserId) -> str | None:
        """Return the time zone in the profile (spec v1.16), None where there is none."""
        return await self._profile(user, "m.tz") or await self._profile(user, EARLY_TIME_ZONE)

    async def _profile(self, user: UserId, field: str) -> str | None:
        """Return a text field of a profile, None without it or while the user's server is away."""
        try:
            answer = await self.call("GET", ["profile", user, field])
        except RequestRefused:
            return None
        except Away as away:
            if away.broken:
                return None
            raise
        value = answer.get(field)
        return value if isinstance(value, str) else None

    async def avatar(self, user: UserId) -> str | None:
        """Return the `mxc://` address of the profile's avatar, None where there is none."""
        try:
            answer = await self.call("GET", ["profile", user, "avatar_url"])
        except RequestRefused:
            return None
        address = answer.get("avatar_url")
        return address if isinstance(address, str) and address else None

    async def show_myself(self, address: str) -> None:
        """Set the user's own avatar."""
        await self.call("PUT", ["profile", self.user, "avatar_url"], {"avatar_url": address})

    async def upload(self, file: bytes, content_type: str, name: str) -> str:
        """Upload a file; return its `mxc://` address."""
        return await self._api.upload(file, content_type, name, self.user)

    async def thumbnail(self, address: str, side: int, limit: int, within_s: float) -> bytes:
        """Return the picture at an `mxc://` address, scaled to fill a square of `side` pixels.

        It is scaled, not cropped: Synapse keeps larger ones of those (measured: it answers a
        request for a crop of 192 with 96). Raises RequestRefused also for what is no such
        address or has more than `limit` bytes.
        """
        place = _PLACE.fullmatch(address)
        if place is None:
            raise RequestRefused(400, "M_INVALID_PARAM", "no address of a file")
        query = {
            "width": str(side),
            "height": str(side),
            "method": "scale",
            "animated": "false",
            "timeout_ms": str(int(within_s * 1000)),
            "user_id": self.user,
        }
        return await self._api.thumbnail([place[1], place[2]], query, limit, within_s)

    async def call_myself(self, name: str) -> None:
        """Set the user's own display name, unless it is so already."""
        if await self.display_name(self.user) != name:
            await self.call("PUT", ["profile", self.user, "displayname"], {"displayname": name})
