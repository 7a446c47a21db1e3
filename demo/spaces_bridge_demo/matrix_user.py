"""A plain Matrix client of one person, which does what any client can do.

Spec: Matrix Client-Server API.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from spaces_bridge_demo.expected import Event, Expected, Wanted, Watch
from spaces_bridge_demo.homeserver import Account
from spaces_bridge_demo.patience import PATIENCE_S

SYNC_TIMEOUT_MS = 20_000
PAGE = 100
FILTER = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {"timeline": {"limit": 200}, "ephemeral": {"types": []}},
}


class MatrixError(Exception):
    """The homeserver refused a request."""

    def __init__(self, status: int, errcode: str, text: str) -> None:
        super().__init__(f"{status} {errcode}: {text}")
        self.status = status
        self.errcode = errcode


class MatrixUser:
    """A Matrix user: one account with its sync loop, which `async with` starts and ends."""

    def __init__(self, url: str, account: Account) -> None:
        self.url = url
        self.id = account.user_id
        self.account = account
        self._http: aiohttp.ClientSession | None = None
        self._sync: asyncio.Task[None] | None = None
        self._watch = Watch()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self, *, follow: bool = True) -> None:
        """Log in; with `follow`, also sync all rooms from now on."""
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self.account.access_token}"},
            timeout=aiohttp.ClientTimeout(PATIENCE_S + SYNC_TIMEOUT_MS / 1000),
        )
        if not follow:
            return
        since = await self._sync_once(None, 0)
        self._sync = asyncio.create_task(self._follow(since))

    async def stop(self) -> None:
        """Stop the sync loop."""
        if self._sync is not None:
            self._sync.cancel()
            await asyncio.gather(self._sync, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    # --- waiting and reading ----------------------------------------------------------------

    @property
    def seen(self) -> Sequence[Event]:
        """Return all events synced since the start, oldest first, each with its `room_id`."""
        return self._watch.seen

    def next_event(
        self, wanted: Wanted, what: str = "an event", timeout: float = PATIENCE_S
    ) -> Expected:
        """Return the first wanted event from now on, to be armed now and awaited later."""
        return self._watch.next(wanted, what, timeout)

    def next_in(
        self, room: str, type_: str, wanted: Wanted = lambda _: True, timeout: float = PATIENCE_S
    ) -> Expected:
        """Return the next wanted event in one room and of one type, as `next_event` does."""
        return self.next_event(
            lambda event: (
                event["room_id"] == room and event.get("type") == type_ and wanted(event)
            ),
            f"{type_} in {room}",
            timeout,
        )

    def next_message(
        self, room: str, part: str = "", sender: str | None = None, timeout: float = PATIENCE_S
    ) -> Expected:
        """Return the next message in a room that holds `part`."""
        return self.next_in(
            room,
            "m.room.message",
            lambda event: (
                part in str(event["content"].get("body", "")) and sender in {None, event["sender"]}
            ),
            timeout,
        )

    def next_invite(self, timeout: float = PATIENCE_S) -> Expected:
        """Return the next invite: an event with `room_id`, `sender` and `invite_state`."""
        return self.next_event(lambda event: "invite_state" in event, "an invite", timeout)

    def next_redaction(self, room: str, event_id: str, timeout: float = PATIENCE_S) -> Expected:
        """Return the next redaction of this event, in the form of any room version."""
        return self.next_in(
            room,
            "m.room.redaction",
            lambda event: event_id in {event.get("redacts"), event["content"].get("redacts")},
            timeout,
        )

    async def timeline(self, room: str) -> list[Event]:
        """Return all events of the room, oldest first, as the homeserver holds them now."""
        path = f"rooms/{quote(room)}/messages?dir=b&limit={PAGE}"
        events: list[Event] = []
        start = ""
        while True:
            page = await self.request("GET", path + start)
            events += page["chunk"]
            if not page.get("end"):
                return [{**event, "room_id": room} for event in reversed(events)]
            start = f"&from={quote(page['end'])}"

    async def messages(self, room: str, sender: str | None = None) -> list[Event]:
        """Return the messages of a room that are not edits, oldest first."""
        return [
            event
            for event in await self.timeline(room)
            if event["type"] == "m.room.message"
            and sender in {None, event["sender"]}
            and event["content"].get("m.relates_to", {}).get("rel_type") != "m.replace"
        ]

    async def state(self, room: str, type_: str, key: str = "") -> Mapping[str, Any]:
        """Return the content of a state event. Raises MatrixError 404 without one."""
        path = f"rooms/{quote(room)}/state/{quote(type_)}/{quote(key)}"
        return await self.request("GET", path)

    async def all_state(self, room: str) -> Sequence[Event]:
        """Return all current state events."""
        answer: Any = await self.request("GET", f"rooms/{quote(room)}/state")
        return list(answer)

    # --- acting -----------------------------------------------------------------------------

    async def create_room(self, **content: object) -> str:
        """Create a room, and return its id."""
        return str((await self.request("POST", "createRoom", content))["room_id"])

    async def open_dm(self, user: str) -> str:
        """Make an unencrypted DM with somebody, as a client does, and return its room id."""
        return await self.create_room(preset="private_chat", is_direct=True, invite=[user])

    async def join(self, room_or_alias: str) -> str:
        """Join a room, and return its id."""
        return str((await self.request("POST", f"join/{quote(room_or_alias)}", {}))["room_id"])

    async def leave(self, room: str) -> None:
        """Leave a room, or decline an invite."""
        await self.request("POST", f"rooms/{quote(room)}/leave", {})

    async def kick(self, room: str, user: str) -> None:
        """Remove somebody, as the button of any client does."""
        await self.request("POST", f"rooms/{quote(room)}/kick", {"user_id": user})

    async def ban(self, room: str, user: str) -> None:
        """Ban somebody."""
        await self.request("POST", f"rooms/{quote(room)}/ban", {"user_id": user})

    async def unban(self, room: str, user: str) -> None:
        """Lift a ban."""
        await self.request("POST", f"rooms/{quote(room)}/unban", {"user_id": user})

    async def send(self, room: str, type_: str, content: Mapping[str, object]) -> str:
        """Send an event, and return its id."""
        path = f"rooms/{quote(room)}/send/{quote(type_)}/{secrets.token_hex(8)}"
        return str((await self._put(path, content))["event_id"])

    async def send_text(self, room: str, text: str) -> str:
        """Send a plain message, and return its id."""
        return await self.send(room, "m.room.message", {"msgtype": "m.text", "body": text})

    async def react(self, room: str, event_id: str, emoji: str) -> str:
        """Annotate an event with an emoji, and return the annotation's id."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
        return await self.send(room, "m.reaction", {"m.relates_to": relation})

    async def redact(self, room: str, event_id: str) -> str:
        """Redact an event, and return the redaction's id."""
        path = f"rooms/{quote(room)}/redact/{quote(event_id)}/{secrets.token_hex(8)}"
        return str((await self._put(path, {}))["event_id"])

    async def _put(self, path: str, content: Mapping[str, object]) -> Mapping[str, Any]:
        """Send under a transaction id, and again after an error of the homeserver itself.

        Synapse answers 500 where it was storing a forged event of another server just then.
        """
        for rest_s in (0.2, 0.5, 1.0, 2.0):
            try:
                return await self.request("PUT", path, content)
            except MatrixError as error:
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
            await asyncio.sleep(rest_s)
        return await self.request("PUT", path, content)

    async def put_state(
        self, room: str, type_: str, content: Mapping[str, object], key: str = ""
    ) -> str:
        """Write a state event, and return its id."""
        path = f"rooms/{quote(room)}/state/{quote(type_)}/{quote(key)}"
        return str((await self.request("PUT", path, content))["event_id"])

    async def levels(self, room: str) -> Mapping[str, int]:
        """Return the `users` of the room's power levels."""
        content = await self.state(room, "m.room.power_levels")
        return {user: int(level) for user, level in content.get("users", {}).items()}

    async def set_level(self, room: str, user: str, level: int | None) -> None:
        """Change one person's power level (None: take the entry away), as a client does."""
        content = dict(await self.state(room, "m.room.power_levels"))
        users = dict(content.get("users", {}))
        if level is None:
            users.pop(user, None)
        else:
            users[user] = level
        await self.put_state(room, "m.room.power_levels", {**content, "users": users})

    async def openid_token(self) -> Mapping[str, Any]:
        """Return the OpenID credentials that a client gives to a widget, to prove who this is."""
        return await self.request("POST", f"user/{self.id}/openid/request_token", {})

    async def request(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Mapping[str, Any]:
        """Call the Client-Server API. Raises MatrixError, aiohttp.ClientError."""
        if self._http is None:
            raise RuntimeError("the user was not started")
        url = f"{self.url}/_matrix/client/v3/{path}"
        async with self._http.request(method, _encoded(url), json=body) as response:
            answer: Any = await response.json(content_type=None)
            if response.status != 200:
                errcode = answer.get("errcode", "") if isinstance(answer, dict) else ""
                text = answer.get("error", "") if isinstance(answer, dict) else ""
                raise MatrixError(response.status, errcode, text)
            return answer  # type: ignore[no-any-return]  # JSON

    # --- sync -------------------------------------------------------------------------------

    async def _follow(self, since: str) -> None:
        while True:
            try:
                since = await self._sync_once(since, SYNC_TIMEOUT_MS)
            except (aiohttp.ClientError, TimeoutError, MatrixError, json.JSONDecodeError):
                await asyncio.sleep(0.2)  # the homeserver is away: go on from the same place

    async def _sync_once(self, since: str | None, timeout_ms: int) -> str:
        path = f"sync?timeout={timeout_ms}&filter={quote(json.dumps(FILTER))}"
        answer = await self.request("GET", path + (f"&since={quote(since)}" if since else ""))
        rooms = answer.get("rooms", {})
        for room, update in rooms.get("invite", {}).items():
            self._watch.note(_invite(room, self.id, update["invite_state"]["events"]))
        for room, update in [*rooms.get("join", {}).items(), *rooms.get("leave", {}).items()]:
            for event in update.get("timeline", {}).get("events", []):
                self._watch.note({**event, "room_id": room})
        return str(answer["next_batch"])


def _invite(room: str, user: str, state: Sequence[Event]) -> Event:
    """Return an event for an invite, with the stripped state in it."""
    member = next(
        (
            event
            for event in state
            if event["type"] == "m.room.member" and event.get("state_key") == user
        ),
        {"sender": ""},
    )
    return {**member, "room_id": room, "invite_state": list(state)}


def _encoded(url: str) -> Any:  # noqa: ANN401  # yarl.URL, a dependency of aiohttp
    from yarl import URL

    return URL(url, encoded=True)
