"""Secrets that say who somebody on the page is: personal links and guests' sessions.

160 random bits each; only the SHA-256 is stored.
"""

import hashlib
import secrets

from spaces_bridge.app.ports import Clock, Tokens
from spaces_bridge.app.records import Token
from spaces_bridge.core.ids import SpaceId, UserId


class Sessions:
    """Makes and reads secrets bound to one person in one live space."""

    def __init__(self, tokens: Tokens, clock: Clock, domain: str) -> None:
        self._tokens = tokens
        self._clock = clock
        self._domain = domain

    def guest_id(self) -> UserId:
        """An id for a new guest: that of the ghost it gets when given the floor."""
        return UserId(f"@spaces_{secrets.token_hex(8)}:{self._domain}")

    async def mint(self, space: SpaceId, user: UserId, name: str, *, guest: bool) -> str:
        """A new secret. Raises StorageError."""
        secret = secrets.token_urlsafe(20)
        now_ms = self._clock.now_ms()
        await self._tokens.put(Token(_hash(secret), space, user, name, guest, now_ms))
        return secret

    async def identify(self, secret: str) -> Token | None:
        """Who holds the secret; None when nobody does (any more). Raises StorageError."""
        return await self._tokens.find(_hash(secret))

    async def revoke(self, space: SpaceId, user: UserId) -> None:
        """All secrets of one person in one live space are void."""
        await self._tokens.revoke(space, user)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
