"""Sessions: secrets that say who a person on the page is, of personal links and of guests.

A secret has 160 random bits; only its SHA-256 is stored.
"""

import hashlib
import secrets

from spaces_bridge.app.ports import Clock, Tokens
from spaces_bridge.app.records import Token
from spaces_bridge.core.ids import SpaceId, UserId


class Sessions:
    """The service of sessions: makes and reads secrets bound to one person in one live space."""

    def __init__(self, tokens: Tokens, clock: Clock, domain: str) -> None:
        self._tokens = tokens
        self._clock = clock
        self._domain = domain

    def guest_id(self) -> UserId:
        """Return an id for a new guest: that of the ghost it gets when given the floor."""
        return UserId(f"@spaces_{secrets.token_hex(8)}:{self._domain}")

    async def mint(self, space: SpaceId, user: UserId, name: str, *, guest: bool) -> str:
        """Return a new secret. Raises StorageError."""
        secret = secrets.token_urlsafe(20)
        now_ms = self._clock.now_ms()
        await self._tokens.put(Token(_hash(secret), space, user, name, guest, now_ms))
        return secret

    async def identify(self, secret: str) -> Token | None:
        """Return the token of the secret; None when it holds no more. Raises StorageError."""
        return await self._tokens.find(_hash(secret))

    async def revoke(self, space: SpaceId, user: UserId) -> None:
        """Void all secrets of one person in one live space."""
        await self._tokens.revoke(space, user)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
