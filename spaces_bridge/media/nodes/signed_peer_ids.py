"""The ids of a node's peers: the bridge signs whose they are, so that no node can claim others.

A node tells what happens to its peers, also to a bridge that was restarted and remembers none. The
signature binds a peer's id to the node, the live space, the person and the direction.
"""

import base64
import hmac
import secrets
from typing import Final

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.worker.values import StreamDirection

_RANDOM: Final = 16
"""Bytes."""
_RANDOM_LENGTH: Final = 22
"""Characters of these bytes."""


_LABEL: Final = b"spaces bridge: peers of media nodes"


def signing_key(as_token: str) -> bytes:
    """Return the key that signs, made of the appservice's token: it outlives the bridge."""
    return hmac.digest(as_token.encode(), _LABEL, "sha256")


class SignedPeerIds:
    """The peer names of one node; `key` is the bridge's alone."""

    def __init__(self, key: bytes, node: str) -> None:
        self._key, self._node = key, node

    def new(self, space: SpaceId, user: UserId, direction: StreamDirection) -> str:
        """Return the id of a new peer."""
        chance = secrets.token_urlsafe(_RANDOM)
        return chance + self._signature(chance, space, user, direction)

    def are_of(self, peer: str, space: SpaceId, user: UserId, direction: StreamDirection) -> bool:
        """Return whether the id was made for this person's peer on this node."""
        chance = peer[:_RANDOM_LENGTH]
        expected = self._signature(chance, space, user, direction)
        return hmac.compare_digest(peer[_RANDOM_LENGTH:].encode(), expected.encode())

    def _signature(
        self, chance: str, space: SpaceId, user: UserId, direction: StreamDirection
    ) -> str:
        parts = (self._node, chance, space, user, direction.value)
        told = "\0".join(parts).encode()
        return (
            base64.urlsafe_b64encode(hmac.digest(self._key, told, "sha256")[:_RANDOM])
            .decode()
            .rstrip("=")
        )
