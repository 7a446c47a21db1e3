"""Page access: the decision who may see and hear a live space on the web.

A private live space does not exist for people without a member's token. A token of somebody who
was removed or is blocked opens nothing. Where guests are off or the room is locked, the page can
be read, but its feed and its sound are for those who may come in.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.records import Token
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.core import refusals
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.access.addresses import Addresses
from spaces_bridge.web.access.limits import Places
from spaces_bridge.web.problems import Problem, not_found, too_many

GUESSES = 20
"""Wrong tokens that one address may show at once, then one every three seconds."""

MISSES, MISSES_PER_S = 200, 5
"""Requests of one address for live spaces that do not exist or are private. Every page of a
private one begins with such a request: its link holds the token where no request does."""

ENDED_KEPT = 32
"""Ended live spaces that are kept in memory, so that not each reader replays a journal."""

ENDED_KEPT_S = 300.0

MOST_AT_ONCE = 200
"""Feeds, and streams over HTTP, that one address may have open at the same time."""

SECRET_MAX = 200
SLUG_MAX = 100

ANSWERS_KEPT = 10_000
"""Remembered answers about whether a list bars somebody, because the lists may be long."""


class PageAccess:
    """Page access: identifies people by their tokens and decides whether they may come in."""

    def __init__(
        self,
        spaces: Spaces,
        sessions: Sessions,
        addresses: Addresses,
        ban_lists: BanListService,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spaces = spaces
        self.sessions = sessions
        self.addresses = addresses
        self._ban_lists = ban_lists
        self._barred: dict[tuple[UserId, UserId], bool] = {}
        ban_lists.watch(self._barred.clear)
        self._guesses = TokenBuckets(GUESSES, 1 / 3)
        self._misses = TokenBuckets(MISSES, MISSES_PER_S)
        self._clock = clock
        self._ended: OrderedDict[str, tuple[float, LiveSpace]] = OrderedDict()
        self.feeds = Places(MOST_AT_ONCE)
        self.streams = Places(MOST_AT_ONCE)

    # --- identification -----------------------------------------------------------------------

    async def bearer(self, request: web.Request) -> Token | None:
        """Return the token of the `Authorization` header, or None. Raises as `identify` does."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            return None
        return await self.identify(secret.strip(), self.addresses.of(request))

    async def identify(self, secret: str, address: str) -> Token | None:
        """Return the secret's token, or None. Raises Problem 429 for an address that guesses."""
        if not self._guesses.has(address):
            raise too_many()
        token = await self.sessions.identify(secret) if len(secret) <= SECRET_MAX else None
        if token is None:
            self._guesses.take(address)
        return token

    # --- access -------------------------------------------------------------------------------

    async def enter(self, slug: str, token: Token | None, address: str) -> LiveSpace:
        """Return the live space for somebody to look at.

        Raises Problem 404, also for a private one without a member's token, 403 `removed` for the
        token of somebody who was removed, however they came by it, and 429 for an address that
        looked in vain too often. Private live spaces count as looked for in vain, too: they must
        look like none.
        """
        may_miss = self._misses.has(address)
        space = await self._find(slug, look_up=may_miss) if len(slug) <= SLUG_MAX else None
        if space is None or not may_enter(space, token):
            if not self._misses.take(address):
                raise too_many()
            raise not_found()
        self._refuse_shown_out(space, token)
        return space

    async def enter_as(self, slug: str, user: UserId) -> tuple[LiveSpace, Token]:
        """Return the live space and a token for an account that its own server confirms.

        Raises Problem as `enter` does.
        """
        space = await self._find(slug) if len(slug) <= SLUG_MAX else None
        if space is None:
            raise not_found()
        name = space.person(user).name
        token = Token("", space.space, user, name, guest=False, created_at_ms=0)
        self._look(space, token)
        return space, token

    async def from_request(self, request: web.Request) -> tuple[LiveSpace, Token | None]:
        """Return the live space of the path, and the asker's token if it is for that one."""
        token = await self.bearer(request)
        space = await self.enter_from(request, token)
        mine = token if token is not None and token.space == space.space else None
        return space, mine

    async def enter_from(self, request: web.Request, token: Token | None) -> LiveSpace:
        """Return the live space of the path, or raise, as `enter` does."""
        return await self.enter(request.match_info["slug"], token, self.addresses.of(request))

    def admit(self, space: LiveSpace, token: Token | None) -> None:
        """Refuse feed and sound of the live space, as it is now, to those who may not come in.

        Raises Problem 404, 403 `removed`, `guests_off` or `locked`. `enter` comes first. Ask again
        after every wait: the answer may be another one by then.
        """
        now = self._stay(space, token)
        # people with a token of this live space have been here already
        if now.phase is not Phase.ENDED and now.locked and not _is_of(now, token):
            raise locked()

    def admit_confirmed(self, space: LiveSpace, token: Token) -> None:
        """Refuse as `admit` does, and as a newcomer any account that is not in the room."""
        self.admit(space, token)
        if not belongs(self.spaces.view(space.space) or space, token.user):
            self.admit(space, None)

    def still_in(self, space: LiveSpace, token: Token | None) -> bool:
        """Return whether somebody who was admitted before may stay."""
        try:
            self._stay(space, token)
        except Problem:
            return False
        return True

    def bars(self, space: LiveSpace, user: UserId) -> bool:
        """Return whether a block list or a policy list bars this account."""
        key = (space.host, user)
        answer = self._barred.get(key)
        if answer is None:
            if len(self._barred) >= ANSWERS_KEPT:
                self._barred.clear()
            answer = self._barred[key] = self._ban_lists.verdict(*key) is not None
        return answer

    def _look(self, space: LiveSpace, token: Token | None) -> None:
        if not may_enter(space, token):
            raise not_found()
        self._refuse_shown_out(space, token)

    def _stay(self, space: LiveSpace, token: Token | None) -> LiveSpace:
        now = self.spaces.view(space.space) or space
        self._look(now, token)
        member = _is_members(now, token)
        if now.phase is not Phase.ENDED and now.guests is GuestPolicy.OFF and not member:
            raise guests_off()
        return now

    def _refuse_shown_out(self, space: LiveSpace, token: Token | None) -> None:
        if token is None or token.space != space.space:
            return
        if token.user in space.removed or (not token.guest and self.bars(space, token.user)):
            raise removed(space, token.user)

    # --- finding ------------------------------------------------------------------------------

    async def _find(self, slug: str, *, look_up: bool = True) -> LiveSpace | None:
        """Return the live space; `look_up` also asks the database if it is not in memory."""
        here = self.spaces.by_slug(slug)
        if here is not None:
            return here
        now = self._clock()
        kept_at, kept = self._ended.get(slug, (0.0, None))
        if kept is not None and now - kept_at < ENDED_KEPT_S:
            return kept
        self._ended.pop(slug, None)
        if not look_up:
            return None
        space = await self.spaces.find_by_slug(slug)
        # a live space with an actor may still change: last captions, people who leave
        if space is not None and space.phase is Phase.ENDED and not self._is_seated(space):
            self._ended[slug] = now, space
            if len(self._ended) > ENDED_KEPT:
                self._ended.popitem(last=False)
        return space

    def _is_seated(self, space: LiveSpace) -> bool:
        return self.spaces.view(space.space) is not None


def may_enter(space: LiveSpace, token: Token | None) -> bool:
    """Return whether the live space exists for the holder of this token."""
    if not space.private:
        return True
    return _is_members(space, token)


def belongs(space: LiveSpace, user: UserId) -> bool:
    """Return whether the account is in the room; the host always is."""
    return user == space.host or space.person(user).joined


def _is_members(space: LiveSpace, token: Token | None) -> bool:
    if token is None or token.guest or token.space != space.space:
        return False
    return belongs(space, token.user)


def _is_of(space: LiveSpace, token: Token | None) -> bool:
    return token is not None and token.space == space.space


# --- refusals -----------------------------------------------------------------------------------


def removed(space: LiveSpace, user: UserId) -> Problem:
    """Return the problem for people who were removed, with the host's reason if one was given."""
    removal = space.removed.get(user)
    why = {"reason": removal.reason} if removal is not None and removal.reason else {}
    return Problem.saying(HTTPStatus.FORBIDDEN, refusals.removed(**why).said)


def not_a_member() -> Problem:
    """Return the problem for people who left the room of a private live space."""
    text = "You are not in this private live space any more."
    return Problem(HTTPStatus.FORBIDDEN, "not_a_member", text)


def guests_off() -> Problem:
    """Return the problem for people without a member's link, where guests are off."""
    text = "Guests are not admitted here. Join the room with a Matrix account and ask for a link."
    return Problem(HTTPStatus.FORBIDDEN, "guests_off", text)


def guests_listen() -> Problem:
    """Return the problem for guests who want to speak where guests only listen."""
    return Problem.saying(HTTPStatus.FORBIDDEN, refusals.guests_listen().said)


def locked() -> Problem:
    """Return the problem for newcomers to a locked live space."""
    return Problem.saying(HTTPStatus.FORBIDDEN, refusals.locked().said)
