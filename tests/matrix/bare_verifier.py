"""The other side of a verification, straight from the spec and bare vodozemac.

It uses nothing of the product, so that two of the same mistakes do not agree. Spec:
Client-Server API, "Short Authentication String (SAS) verification".
"""

import hashlib
import json
from base64 import b64encode
from typing import Any

from vodozemac import Curve25519PublicKey, EstablishedSas, Sas

Content = dict[str, Any]

V2 = "hkdf-hmac-sha256.v2"
V1 = "hkdf-hmac-sha256"


class BareVerifier:
    """A client that verifies; `keys` are its own by key id, `peer` and `peer_keys` the bot's."""

    def __init__(
        self,
        user: str,
        device: str,
        keys: dict[str, str],
        peer: tuple[str, str],
        peer_keys: dict[str, str],
        reference: Content,
        id_: str,
    ) -> None:
        self.user, self.device, self.keys = user, device, keys
        self.peer, self.peer_keys = peer, peer_keys
        self.reference, self.id = reference, id_
        self.sas = Sas()
        self.key = self.sas.public_key.to_base64()
        self.mac_method = V2
        self.started: Content = {}
        self.i_started = False
        self.commitment = ""
        self.established: EstablishedSas | None = None
        self.peer_key = ""
        self.verified: list[str] = []

    # --- messages -------------------------------------------------------------------------------

    def start(self, **changed: Any) -> Content:  # noqa: ANN401 - JSON
        self.i_started = True
        self.started = {
            "from_device": self.device,
            "method": "m.sas.v1",
            "key_agreement_protocols": ["curve25519-hkdf-sha256", "curve25519"],
            "hashes": ["sha256"],
            "message_authentication_codes": [V2, V1],
            "short_authentication_string": ["decimal", "emoji"],
            **self.reference,
            **changed,
        }
        return self.started

    def accept(self, start: Content) -> Content:
        self.started = start
        text = json.dumps(start, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        digest = hashlib.sha256((self.key + text).encode()).digest()
        return {
            "method": "m.sas.v1",
            "key_agreement_protocol": "curve25519-hkdf-sha256",
            "hash": "sha256",
            "message_authentication_code": self.mac_method,
            "short_authentication_string": ["decimal", "emoji"],
            "commitment": b64encode(digest).decode().rstrip("="),
            **self.reference,
        }

    def accepted(self, accept: Content) -> Content:
        """Take the answer to our start; return our key."""
        self.commitment = accept["commitment"]
        self.mac_method = accept["message_authentication_code"]
        return self.key_message()

    def key_message(self) -> Content:
        return {"key": self.key, **self.reference}

    def keyed(self, key: Content) -> None:
        """Take the other side's key, which must be the one it committed to."""
        self.peer_key = key["key"]
        if self.i_started:
            text = json.dumps(
                self.started, ensure_ascii=False, separators=(",", ":"), sort_keys=True
            )
            digest = hashlib.sha256((self.peer_key + text).encode()).digest()
            assert self.commitment == b64encode(digest).decode().rstrip("=")
        theirs = Curve25519PublicKey.from_base64(self.peer_key)
        self.established = self.sas.diffie_hellman(theirs)

    def mac(self, **changed: Any) -> Content:  # noqa: ANN401 - JSON
        mine = (self.user, self.device)
        ids = ",".join(sorted(self.keys))
        return {
            "mac": {id_: self._mac(key, mine, self.peer, id_) for id_, key in self.keys.items()},
            "keys": self._mac(ids, mine, self.peer, "KEY_IDS"),
            **self.reference,
            **changed,
        }

    def maced(self, mac: Content) -> None:
        """Take the other side's MACs, which must be right for all of its keys."""
        mine = (self.user, self.device)
        ids = ",".join(sorted(mac["mac"]))
        assert mac["keys"] == self._mac(ids, self.peer, mine, "KEY_IDS")
        for id_, value in mac["mac"].items():
            assert value == self._mac(self.peer_keys[id_], self.peer, mine, id_)
        self.verified = sorted(mac["mac"])

    # --- the code -------------------------------------------------------------------------------

    @property
    def emojis(self) -> list[int]:
        return list(self._bytes().emoji_indices)

    @property
    def decimals(self) -> tuple[int, int, int]:
        one, two, three = self._bytes().decimals
        return one, two, three

    def _bytes(self) -> Any:  # noqa: ANN401 - SasBytes
        assert self.established is not None
        me = f"{self.user}|{self.device}|{self.key}"
        other = f"{self.peer[0]}|{self.peer[1]}|{self.peer_key}"
        first, second = (me, other) if self.i_started else (other, me)
        return self.established.bytes(f"MATRIX_KEY_VERIFICATION_SAS|{first}|{second}|{self.id}")

    def _mac(
        self, text: str, sender: tuple[str, str], receiver: tuple[str, str], key_id: str
    ) -> str:
        assert self.established is not None
        info = f"MATRIX_KEY_VERIFICATION_MAC{''.join(sender)}{''.join(receiver)}{self.id}{key_id}"
        if self.mac_method == V2:
            return self.established.calculate_mac(text, info)
        return self.established.calculate_mac_invalid_base64(text, info)
