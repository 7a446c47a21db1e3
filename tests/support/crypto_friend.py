"""A person's device made of bare vodozemac, and the homeserver between it and the bot's device."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import vodozemac

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.crypto.signatures import signed

BOT = UserId("@spacesbot:home.test")
OLM, MEGOLM = "m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"
MAX_EVENTS = 100


class KeyHome:
    """A homeserver as far as the bot's encryption goes; it stands in for `HomeserverApi`.

    To-device messages wait until a sync acknowledges them. `failure`: what the next calls of these
    paths fail with.
    """

    def __init__(self) -> None:
        self.sender = "@spaces_sender:home.test"
        self.devices: dict[str, Mapping[str, Any]] = {}
        self.one_time: dict[str, Any] = {}
        self.fallback: dict[str, Any] = {}
        self.cross_signing: Mapping[str, Any] | None = None
        self.signatures: list[Mapping[str, Any]] = []
        self.friends: dict[UserId, list[Friend]] = {}
        self.held: int | None = None
        """The number of one-time keys that is told, where it is not the true one."""
        self.inbox: list[tuple[int, Mapping[str, Any]]] = []
        self.sent: list[tuple[str, Mapping[str, Any]]] = []
        self.changed: list[str] = []
        self.failure: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.news = asyncio.Event()
        self._stream = 0

    def to_bot(self, sender: str, type_: str, content: Mapping[str, Any]) -> None:
        """Put a to-device message in front of the bot."""
        self._stream += 1
        event = {"sender": sender, "type": type_, "content": content}
        self.inbox.append((self._stream, json.loads(json.dumps(event))))
        self.news.set()

    async def call(
        self,
        method: str,
        path: Sequence[str],
        body: Mapping[str, Any] | None = None,
        *,
        user: UserId | None = None,
        device: str | None = "SPACES",
        query: Mapping[str, str] | None = None,
        version: str = "v3",
        within_s: float = 60.0,
    ) -> Any:  # noqa: ANN401 - JSON
        """Answer as Synapse does."""
        name = "/".join(path)
        self.calls.append(f"{method} {name}")
        for start, failure in self.failure.items():
            if name.startswith(start):
                raise failure
        match path[0]:
            case "sync":
                return await self._sync(body or {}, query or {})
            case "account":
                return {"user_id": user or self.sender}
            case "devices":
                return self._devices(method, path)
            case "sendToDevice":
                return self._send(path[1], body or {})
            case _:
                return self._keys(list(path), body or {}, device or "")

    def _devices(self, method: str, path: Sequence[str]) -> Mapping[str, Any]:
        if method == "GET":
            return {"devices": [{"device_id": each} for each in self.devices]}
        if method == "PUT":
            self.devices.setdefault(path[1], {})
        else:
            self.devices.pop(path[1], None)
        return {}

    def _keys(self, path: list[str], body: Mapping[str, Any], device: str) -> Mapping[str, Any]:
        match path:
            case ["keys", "upload"]:
                if device not in self.devices:
                    raise RequestRefused(400, "M_UNKNOWN", "no such device")
                if "device_keys" in body:
                    self.devices[device] = body["device_keys"]
                known = self.one_time.keys() & body.get("one_time_keys", {}).keys()
                if any(self.one_time[name] != body["one_time_keys"][name] for name in known):
                    raise RequestRefused(400, "M_UNKNOWN", "One time key X already exists.")
                self.one_time |= body.get("one_time_keys", {})
                self.fallback |= body.get("fallback_keys", {})
                return {"one_time_key_counts": {"signed_curve25519": len(self.one_time)}}
            case ["keys", "device_signing", "upload"]:
                self.cross_signing = body
                return {}
            case ["keys", "signatures", "upload"]:
                self.signatures.append(body)
                return {}
            case ["keys", "query"]:
                asked = {
                    UserId(user): self.friends.get(UserId(user), [])
                    for user in body["device_keys"]
                }
                return {
                    "device_keys": {
                        user: {each.device: each.keys() for each in them}
                        for user, them in asked.items()
                    }
                }
            case _:
                return {
                    "one_time_keys": {
                        user: {
                            each.device: each.one_time_key()
                            for each in self.friends.get(UserId(user), [])
                            if each.device in devices
                        }
                        for user, devices in body["one_time_keys"].items()
                    }
                }

    def _send(self, type_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.sent.append((type_, body["messages"]))
        self.news.set()
        return {}

    async def _sync(self, body: Mapping[str, Any], query: Mapping[str, str]) -> Mapping[str, Any]:
        extensions = body["extensions"]["to_device"]
        since = int(extensions.get("since", 0))
        self.inbox = [each for each in self.inbox if each[0] > since]
        while "pos" in query and not self.inbox and not self.changed:
            self.news.clear()
            await self.news.wait()
        some = self.inbox[:MAX_EVENTS]
        changed, self.changed = self.changed, []
        return {
            "pos": "p",
            "extensions": {
                "to_device": {
                    "next_batch": str(some[-1][0] if some else since),
                    "events": [event for _, event in some],
                },
                "e2ee": {
                    "device_lists": {"changed": changed, "left": []},
                    "device_one_time_keys_count": {
                        "signed_curve25519": len(self.one_time) if self.held is None else self.held
                    },
                    "device_unused_fallback_key_types": ["signed_curve25519"]
                    if self.fallback
                    else [],
                },
            },
        }


class Friend:
    """A person's device that writes to the bot."""

    def __init__(self, home: KeyHome, user: str = "@ada:home.test", device: str = "PHONE") -> None:
        self.home = home
        self.user = UserId(user)
        self.device = device
        self.account = vodozemac.Account()
        self.olm: vodozemac.Session | None = None
        self.group = vodozemac.GroupSession()
        home.friends.setdefault(self.user, []).append(self)

    @property
    def curve25519(self) -> str:
        return self.account.curve25519_key.to_base64()

    @property
    def ed25519(self) -> str:
        return self.account.ed25519_key.to_base64()

    def keys(self) -> dict[str, Any]:
        """The device's keys as published."""
        keys: dict[str, Any] = {
            "user_id": self.user,
            "device_id": self.device,
            "algorithms": [OLM, MEGOLM],
            "keys": {
                f"curve25519:{self.device}": self.curve25519,
                f"ed25519:{self.device}": self.ed25519,
            },
        }
        return signed(keys, self.user, f"ed25519:{self.device}", self._sign)

    def one_time_key(self) -> dict[str, Any]:
        self.account.generate_one_time_keys(1)
        [(key_id, key)] = self.account.one_time_keys.items()
        self.account.mark_keys_as_published()
        value = {"key": key.to_base64()}
        by_it = signed(value, self.user, f"ed25519:{self.device}", self._sign)
        return {f"signed_curve25519:{key_id}": by_it}

    def begin(self) -> None:
        """Begin an Olm session with the bot, by one of its one-time keys or its fallback key."""
        bot = next(keys for keys in self.home.devices.values() if keys)
        held = self.home.one_time or dict(self.home.fallback)
        _, key = held.popitem()
        identity = next(
            value for name, value in bot["keys"].items() if name.startswith("curve25519:")
        )
        self.olm = self.account.create_outbound_session(
            vodozemac.Curve25519PublicKey.from_base64(identity),
            vodozemac.Curve25519PublicKey.from_base64(key["key"]),
        )

    def sealed(
        self, type_: str, content: Mapping[str, Any], **changes: object
    ) -> Mapping[str, Any]:
        """An Olm message to the bot. `changes`: of its payload."""
        if self.olm is None:
            self.begin()
        assert self.olm is not None
        bot = next(keys for keys in self.home.devices.values() if keys)
        named = {name.partition(":")[0]: value for name, value in bot["keys"].items()}
        payload = {
            "type": type_,
            "content": content,
            "sender": self.user,
            "keys": {"ed25519": self.ed25519},
            "recipient": BOT,
            "recipient_keys": {"ed25519": named["ed25519"]},
            **changes,
        }
        kind, body = self.olm.encrypt(json.dumps(payload).encode()).to_parts()
        text = b64encode(body).decode().rstrip("=")
        return {
            "algorithm": OLM,
            "sender_key": self.curve25519,
            "ciphertext": {named["curve25519"]: {"type": kind, "body": text}},
        }

    def tell(self, type_: str, content: Mapping[str, Any], **changes: object) -> None:
        """Send the bot a to-device message by Olm."""
        self.home.to_bot(self.user, "m.room.encrypted", self.sealed(type_, content, **changes))

    def room_key(self, room: str = "!dm") -> dict[str, Any]:
        """The content of `m.room_key`, from the group session's present index on."""
        return {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": self.group.session_id,
            "session_key": self.group.session_key.to_base64(),
        }

    def share(self, room: str = "!dm") -> None:
        """Give the bot the key of the room."""
        self.tell("m.room_key", self.room_key(room))

    def says(
        self, text: str, event: str = "$e", room: str = "!dm", **changes: object
    ) -> dict[str, Any]:
        """An encrypted event of the room. `changes`: of its payload."""
        payload = {
            "type": "m.room.message",
            "content": {"msgtype": "m.text", "body": text},
            "room_id": room,
            **changes,
        }
        ciphertext = self.group.encrypt(json.dumps(payload).encode()).to_base64()
        return {
            "type": "m.room.encrypted",
            "event_id": event,
            "room_id": room,
            "sender": self.user,
            "content": {
                "algorithm": MEGOLM,
                "ciphertext": ciphertext,
                "session_id": self.group.session_id,
            },
        }

    def _sign(self, message: bytes) -> str:
        return self.account.sign(message).to_base64()
