"""Peers of the bot's encryption, of bare vodozemac, and a homeserver that knows their keys."""

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

import vodozemac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from spaces_bridge.app.crypto_ports import CryptoRecord, OlmSession, QueuedToDevice
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.signatures import signed
from spaces_bridge.storage.crypto import TABLES

BOT = UserId("@bot:home")
PICKLE_KEY = b"k" * 32


def bot_account() -> OwnAccount:
    """The bot's account, as if its keys were published."""
    return OwnAccount(BOT, "SPACESABCDEFGH", vodozemac.Account(), PICKLE_KEY, 0, is_published=True)


class MemoryCrypto:
    """The store of encryption in memory. `fails_at`: the writes from which on it fails."""

    def __init__(self) -> None:
        self.rows: dict[type, dict[tuple[object, ...], Any]] = {t.kind: {} for t in TABLES}
        self._keys = {t.kind: t.key for t in TABLES}
        self.writes: list[tuple[Sequence[CryptoRecord], Sequence[CryptoRecord]]] = []
        self.failure: Exception | None = None

    async def apply(
        self, put: Sequence[CryptoRecord] = (), drop: Sequence[CryptoRecord] = ()
    ) -> None:
        if self.failure is not None:
            raise self.failure
        self.writes.append((list(put), list(drop)))
        for record in put:
            self.rows[type(record)][self._key(record)] = record
        for record in drop:
            self.rows[type(record)].pop(self._key(record), None)

    async def find(self, kind: Any, **wanted: object) -> list[Any]:  # noqa: ANN401  a kind of record
        assert set(wanted) <= {f.name for f in fields(kind)}
        return [
            row
            for row in self.rows[kind].values()
            if all(getattr(row, name) == value for name, value in wanted.items())
        ]

    async def find_among(self, kind: Any, field: str, values: Sequence[str]) -> list[Any]:  # noqa: ANN401
        wanted = set(values)
        return [row for row in self.rows[kind].values() if getattr(row, field) in wanted]

    async def olm_sessions_of(self, sender_keys: Sequence[str]) -> list[OlmSession]:
        found = await self.find_among(OlmSession, "sender_key", sender_keys)
        return sorted(found, key=lambda row: -row.used_at_ms)

    async def prune(self, before_ms: int, withheld_before_ms: int) -> None:
        """Nothing grows old here."""

    async def trim_olm_sessions(self, sender_key: str, keep: int) -> None:
        """Nothing is too much here."""

    async def trim_sent(self, kind: type, sender: UserId, keep: int) -> None:
        """Nothing is too much here."""

    async def counts(self) -> Mapping[str, int]:
        return {kind.__name__: len(rows) for kind, rows in self.rows.items()}

    async def forget_device(self) -> None:
        """Nothing is forgotten here."""

    def _key(self, record: CryptoRecord) -> tuple[object, ...]:
        return tuple(getattr(record, name) for name in self._keys[type(record)])


class SigningKey:
    """A cross-signing key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = _unpadded(raw)

    def sign(self, message: bytes) -> str:
        return _unpadded(self._key.sign(message))


@dataclass
class Identity:
    """A person's cross-signing keys."""

    user: UserId
    master: SigningKey = field(default_factory=SigningKey)
    self_signing: SigningKey = field(default_factory=SigningKey)

    def master_keys(self) -> dict[str, Any]:
        return self._key("master", self.master)

    def self_signing_keys(self) -> dict[str, Any]:
        key = self._key("self_signing", self.self_signing)
        return signed(key, self.user, f"ed25519:{self.master.public}", self.master.sign)

    def _key(self, usage: str, key: SigningKey) -> dict[str, Any]:
        keys = {f"ed25519:{key.public}": key.public}
        return {"user_id": self.user, "usage": [usage], "keys": keys}


class Peer:
    """Somebody's device: it publishes keys, and reads what it is sent."""

    def __init__(self, user: str, device: str = "PHONE", identity: Identity | None = None) -> None:
        """`identity`: whose self-signing key vouches for the device; None: nobody's."""
        self.user = UserId(user)
        self.device = device
        self.account = vodozemac.Account()
        self.one_time_keys = 10
        self.identity = identity
        self.group: dict[str, vodozemac.InboundGroupSession] = {}
        self.received: list[tuple[str, Mapping[str, Any]]] = []
        """What came to it, decrypted: types and contents."""
        self._sessions: list[vodozemac.Session] = []

    def keys(self) -> dict[str, Any]:
        """The device's keys, as published."""
        public = {
            f"curve25519:{self.device}": self.account.curve25519_key.to_base64(),
            f"ed25519:{self.device}": self.account.ed25519_key.to_base64(),
        }
        keys: dict[str, Any] = {
            "user_id": self.user,
            "device_id": self.device,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": public,
        }
        keys = signed(keys, self.user, f"ed25519:{self.device}", self._sign)
        if self.identity is not None:
            signer = self.identity.self_signing
            keys = signed(keys, self.user, f"ed25519:{signer.public}", signer.sign)
        return keys

    def claimed(self) -> dict[str, Any]:
        """One more one-time key, empty where none is left."""
        if not self.one_time_keys:
            return {}
        self.one_time_keys -= 1
        self.account.generate_one_time_keys(1)
        [(key_id, key)] = self.account.one_time_keys.items()
        self.account.mark_keys_as_published()
        value = {"key": key.to_base64()}
        by_it = signed(value, self.user, f"ed25519:{self.device}", self._sign)
        return {f"signed_curve25519:{key_id}": by_it}

    def receive(self, type_: str, content: Mapping[str, Any]) -> None:
        """Take in a to-device message."""
        if type_ != "m.room.encrypted":
            self.received.append((type_, content))
            return
        ours = self.account.curve25519_key.to_base64()
        part = content["ciphertext"][ours]
        body = b64decode(part["body"] + "=" * (-len(part["body"]) % 4))
        message = vodozemac.AnyOlmMessage.from_parts(part["type"], body)
        payload = json.loads(self._decrypted(content["sender_key"], message))
        assert payload["recipient"] == self.user
        assert payload["recipient_keys"]["ed25519"] == self.account.ed25519_key.to_base64()
        self.received.append((payload["type"], payload["content"]))
        if payload["type"] == "m.room_key":
            given = payload["content"]
            key = vodozemac.SessionKey(given["session_key"])
            self.group[given["session_id"]] = vodozemac.InboundGroupSession(key)

    def read(self, content: Mapping[str, Any]) -> tuple[Mapping[str, Any], int]:
        """The payload of a room's event, and its index. Raises KeyError: it has no key for it."""
        message = vodozemac.MegolmMessage.from_base64(content["ciphertext"])
        found = self.group[content["session_id"]].decrypt(message)
        return json.loads(bytes(found.plaintext)), found.message_index

    def _decrypted(self, sender_key: str, message: vodozemac.AnyOlmMessage) -> bytes:
        for session in self._sessions:
            try:
                return bytes(session.decrypt(message))
            except ValueError:
                continue
        first = message.to_pre_key()
        assert first is not None
        theirs = vodozemac.Curve25519PublicKey.from_base64(sender_key)
        session, plaintext = self.account.create_inbound_session(theirs, first)
        self._sessions.append(session)
        return bytes(plaintext)

    def _sign(self, message: bytes) -> str:
        return self.account.sign(message).to_base64()


class KeyServer:
    """A homeserver's keys, and its to-device messages. `away`: what each call fails with."""

    def __init__(self, *peers: Peer) -> None:
        self.peers = list(peers)
        self.calls: list[str] = []
        self.asked: list[list[str]] = []
        """The people of each `keys/query`."""
        self.failures: set[str] = set()
        """Servers that do not answer."""
        self.extra: dict[str, dict[str, Any]] = {}
        """Device keys by user and device that stand in place of the peers' own."""
        self.away: Exception | None = None

    def remove(self, peer: Peer) -> None:
        self.peers.remove(peer)

    async def call(
        self, method: str, path: Sequence[str], body: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        if self.away is not None:
            raise self.away
        assert body is not None
        self.calls.append("/".join(path))
        if list(path) == ["keys", "query"]:
            return self._query(list(body["device_keys"]))
        assert list(path) == ["keys", "claim"]
        return self._claim(body["one_time_keys"])

    def _query(self, users: Collection[str]) -> Mapping[str, Any]:
        self.asked.append(list(users))
        answer: dict[str, Any] = {name: {} for name in ("device_keys", "failures")}
        answer |= {"master_keys": {}, "self_signing_keys": {}}
        for server in self.failures:
            answer["failures"][server] = {"status": 503}
        for peer in self.peers:
            if peer.user not in users or peer.user.partition(":")[2] in self.failures:
                continue
            answer["device_keys"].setdefault(peer.user, {})[peer.device] = peer.keys()
            if peer.identity is not None:
                answer["master_keys"][peer.user] = peer.identity.master_keys()
                answer["self_signing_keys"][peer.user] = peer.identity.self_signing_keys()
        for user in set(self.extra) & set(users):
            answer["device_keys"].setdefault(user, {}).update(self.extra[user])
        return cast("Mapping[str, Any]", json.loads(json.dumps(answer)))

    def _claim(self, wanted: Mapping[str, Mapping[str, str]]) -> Mapping[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for peer in self.peers:
            if peer.device in wanted.get(peer.user, {}) and (key := peer.claimed()):
                found.setdefault(peer.user, {})[peer.device] = key
        return {"one_time_keys": found, "failures": {}}


class Postman:
    """Hands queued to-device messages to the peers at once."""

    def __init__(self, store: MemoryCrypto, server: KeyServer) -> None:
        self._store = store
        self._server = server
        self.holds = False

    def wake(self) -> None:
        if self.holds:
            return
        queued: list[QueuedToDevice] = list(self._store.rows[QueuedToDevice].values())
        self._store.rows[QueuedToDevice].clear()
        for row in queued:
            for peer in self._server.peers:
                of_user = cast("Mapping[str, Any]", row.messages.get(peer.user, {}))
                if peer.device in of_user:
                    peer.receive(row.type, json.loads(json.dumps(of_user[peer.device])))

    async def sent(self, txns: Collection[str], within_s: float) -> bool:
        return True


def _unpadded(raw: bytes) -> str:
    return b64encode(raw).decode().rstrip("=")
