"""Who may see what: private live spaces do not exist for those without a member's token."""

import time
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from spaces_bridge.app.records import Token
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.web.limits import Addresses, Limiter, Places
from spaces_bridge.web.problems import not_found, too_many

GUESSES = 20
"""Wrong tokens one address may show at once, then one every three seconds."""

ENDED_KEPT = 32
"""Ended live spaces kept in memory, so that readers do not replay a journal each time."""

ENDED_KEPT_S = 300.0

MOST_AT_ONCE = 200
"""Feeds, and streams over HTTP, that one address may have open."""

SECRET_MAX = 200
SLUG_MAX = 100


class Door:
    """Identifies people and lets them in."""

    def __init__(
        self,
        spaces: Spaces,
        sessions: Sessions,
        addresses: Addresses,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spaces = spaces
        self.sessions = sessions
        self.addresses = addresses
        self._guesses = Limiter(GUESSES, 1 / 3)
        self._clock = clock
        self._ended: OrderedDict[str, tuple[float, LiveSpace]] = OrderedDict()
        self.feeds = Places(MOST_AT_ONCE)
        self.streams = Places(MOST_AT_ONCE)

    async def bearer(self, request: web.Request) -> Token | None:
        """Who the ``Authorization`` header names. Raises Problem 429 for guessers."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            return None
        return await self.identify(secret.strip(), self.addresses.of(request))

    async def identify(self, secret: str, address: str) -> Token | None:
        """Who holds the secret. Raises Problem 429 for an address that guesses."""
        if not self._guesses.has(address):
            raise too_many()
        token = await self.sessions.identify(secret) if len(secret) <= SECRET_MAX else None
        if token is None:
            self._guesses.take(address)
        return token

    async def enter(self, slug: str, token: Token | None) -> LiveSpace:
        """The live space. Raises Problem 404, also for a private one that is not theirs."""
        space = await self._find(slug) if len(slug) <= SLUG_MAX else None
        if space is None or not may_enter(space, token):
            raise not_found()
        return space

    async def from_request(self, request: web.Request) -> tuple[LiveSpace, Token | None]:
        """The live space of the path, and who asks (None: nobody known to it)."""
        token = await self.bearer(request)
        space = await self.enter(request.match_info["slug"], token)
        mine = token if token is not None and token.space == space.space else None
        return space, mine

    def still_in(self, space: LiveSpace, token: Token | None) -> bool:
        """Whether whoever was let in a moment ago would be let in again."""
        return may_enter(self.spaces.view(space.space) or space, token)

    async def _find(self, slug: str) -> LiveSpace | None:
        here = self.spaces.by_slug(slug)
        if here is not None:
            return here
        now = self._clock()
        kept_at, kept = self._ended.get(slug, (0.0, None))
        if kept is not None and now - kept_at < ENDED_KEPT_S:
            return kept
        self._ended.pop(slug, None)
        space = await self.spaces.find_by_slug(slug)
        # one with an actor may still change: last captions, people who leave
        if space is not None and space.phase is Phase.ENDED and not self._is_seated(space):
            self._ended[slug] = now, space
            if len(self._ended) > ENDED_KEPT:
                self._ended.popitem(last=False)
        return space

    def _is_seated(self, space: LiveSpace) -> bool:
        return self.spaces.view(space.space) is not None


def may_enter(space: LiveSpace, token: Token | None) -> bool:
    """Whether the live space exists for whoever holds this token."""
    if not space.private:
        return True
    if token is None or token.guest or token.space != space.space:
        return False
    return token.user == space.host or space.person(token.user).joined
