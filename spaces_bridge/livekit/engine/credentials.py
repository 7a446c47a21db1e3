"""Who a participant at a LiveKit server is: attributes that only the bridge can have given.

Whoever holds the server's API key makes tokens for it, and other services may: `lk-jwt-service`
gives everybody a token for the same rooms, whose holder writes its own attributes. So a proof goes
with ours, bound to the live space and the identity, which LiveKit keeps unique in a room.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Final

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.livekit.tokens import SPACE_CLAIM, USER_CLAIM

PROOF: Final = "io.spacesbridge.proof"

_LABEL: Final = b"spaces-bridge: proof of a participant, version 1"


class Credentials:
    """The credentials of participants, made and read with one secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.new(secret.encode(), _LABEL, hashlib.sha256).digest()

    def attributes(self, space: SpaceId, user: UserId, identity: str) -> Mapping[str, str]:
        """Return the attributes of a user's participant with this identity."""
        proof = self._proof(space, user, identity)
        return {USER_CLAIM: user, SPACE_CLAIM: space, PROOF: proof}

    def holder(
        self, space: SpaceId, identity: str, attributes: Mapping[str, str]
    ) -> UserId | None:
        """Return whose participant it is; None: the bridge let nobody in as this one."""
        user = UserId(attributes.get(USER_CLAIM, ""))
        shown = attributes.get(PROOF, "").encode()
        expected = self._proof(space, user, identity).encode()
        return user if user and hmac.compare_digest(shown, expected) else None

    def _proof(self, space: SpaceId, user: UserId, identity: str) -> str:
        said = json.dumps([space, user, identity]).encode()
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()
