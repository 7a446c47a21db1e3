"""OpenID: accounts that their own Matrix server confirms, for the page as a widget in a client.

The client hands the page an OpenID token, the page shows it in its first frame, and the server
that made it is asked once. From then on the person has a session like anybody with a link.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Identities
from spaces_bridge.app.registry import is_ghost
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.problems import Problem, too_many
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You

TOKEN_MAX = 1000
SERVER_MAX = 255

BURST, PER_S = 30, 0.5
"""OpenID tokens that the people of one network may show."""

USED_KEPT_S = 3600.0
"""Seconds that an OpenID token may be valid at its server, and is remembered here as used."""

USED_KEPT = 20_000
"""Used tokens that are remembered: only those that a server confirmed, so that nobody can fill
the memory with noise."""


class OpenIdAccess:
    """OpenID access: identifies accounts by tokens that their own servers confirm."""

    def __init__(self, settings: WebSettings, access: PageAccess, identities: Identities) -> None:
        self._bot = settings.bot
        self._access = access
        self._domain = access.spaces.context.settings.domain
        self._followers = access.spaces.context.followers
        self._identities = identities
        self._limiter = TokenBuckets(BURST, PER_S)
        self._used = UsedOnce()
        self._being_asked: set[bytes] = set()

    async def enter(
        self, slug: str, credentials: object, address: str
    ) -> tuple[LiveSpace, You, str]:
        """Return the live space, who has come, and their new session token.

        `credentials` is what the client gave the page. Raises Problem: 401 `openid_refused`,
        503 `openid_unavailable`, 429, and as page access does; StorageError.
        """
        # identify first, so that a private live space takes as long as one that does not exist
        user = await self.user_of(credentials, address)
        space, token = await self._access.enter_as(slug, user)
        self._access.admit_confirmed(space, token)
        session = await self._access.sessions.mint(space.space, user, token.name, guest=False)
        follows = await self._followers.follows(space.host, user)
        self._access.admit_confirmed(space, token)  # again, as the calls before took time
        return space, You(user, token.name or user, guest=False, follows_host=follows), session

    async def user_of(self, credentials: object, address: str) -> UserId:
        """Return the account that its server confirms. Raises Problem as `enter` does."""
        if not self._limiter.take(address):
            raise too_many()
        server, secret = _parts(credentials)
        digest = hashlib.sha256(secret.encode()).digest()
        if digest in self._used or digest in self._being_asked:
            raise _refused()
        self._being_asked.add(digest)
        try:
            user = await self._identities.verify(server, secret)
        except AdapterError:
            raise _unavailable() from None
        finally:
            self._being_asked.discard(digest)
        if user is None or user == self._bot or is_ghost(user, self._domain):
            raise _refused()
        self._used.add(digest)
        return user


class UsedOnce:
    """The set of used tokens, as hashes, each for as long as it may be valid at its server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: OrderedDict[bytes, float] = OrderedDict()

    def __contains__(self, digest: bytes) -> bool:
        oldest = self._clock() - USED_KEPT_S
        while self._used and next(iter(self._used.values())) < oldest:
            self._used.popitem(last=False)
        return digest in self._used

    def add(self, digest: bytes) -> None:
        """Remember a token as used; the oldest goes when there are too many."""
        self._used[digest] = self._clock()
        if len(self._used) > USED_KEPT:
            self._used.popitem(last=False)


def _parts(credentials: object) -> tuple[str, str]:
    """Return server and token of an OpenID credential. Raises Problem."""
    if not isinstance(credentials, dict):
        raise _refused()
    server, secret = credentials.get("matrix_server_name"), credentials.get("access_token")
    if not _is_word(server, SERVER_MAX) or not _is_word(secret, TOKEN_MAX):
        raise _refused()
    return str(server), str(secret)


def _is_word(value: object, longest: int) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        return False
    return value.isascii() and value.isprintable() and " " not in value


def _refused() -> Problem:
    text = "Your Matrix server did not confirm who you are. Close this page and open it again."
    return Problem(HTTPStatus.UNAUTHORIZED, "openid_refused", text)


def _unavailable() -> Problem:
    text = "Your Matrix server could not be asked who you are. Try again in a moment."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "openid_unavailable", text)
