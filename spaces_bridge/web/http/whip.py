"""WHEP to listen and WHIP to speak (RFC 9725): an SDP offer is answered with an SDP answer."""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.media_events import CUT
from spaces_bridge.app.ports import Direction, MediaSession, Stage
from spaces_bridge.app.records import Token
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.audio import no_floor, refuse_unless_may_speak
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.access.page_access import PageAccess, guests_listen, guests_off
from spaces_bridge.web.http.bodies import body_of
from spaces_bridge.web.problems import Problem, not_found, refuse_unless_live, refused, too_many
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You

OFFER_MAX = 16 * 1024
SDP = "application/sdp"

OFFERS_BURST, OFFERS_PER_S = 60, 2
"""Offers that one address may make."""

PAGE_MAX = 64
"""Characters of the id that a page gives itself."""


@dataclass(frozen=True, slots=True)
class _Microphone:
    session: str
    page: str  # "" where the client did not say


class WhipEndpoints:
    """The WHEP and WHIP handler at `/s/SLUG/whep` and `/s/SLUG/whip` (a `Watcher` of the hub)."""

    def __init__(self, settings: WebSettings, access: PageAccess, stage: Stage) -> None:
        self._prefix = settings.path_prefix
        self._access = access
        self._stage = stage
        self._microphones: dict[tuple[SpaceId, UserId], _Microphone] = {}
        self._offers = TokenBuckets(OFFERS_BURST, OFFERS_PER_S)
        self._accounts: dict[SpaceId, set[UserId]] = {}

    # --- requests -----------------------------------------------------------------------------

    async def listen(self, request: web.Request) -> web.Response:
        """Answer `POST whep`, with or without a token."""
        space, token = await self._access.from_request(request)
        refuse_unless_live(space)
        self._access.admit(space, token)
        offer = await self._offer_of(request)
        user = token.user if token is not None else self._access.sessions.guest_id()
        if token is not None and not token.guest:
            self._remember(space.space, user)
        now = self._access.spaces.view(space.space) or space
        has_floor = token is not None and now.may_speak(user)
        session = await self._answer(space, user, Direction.LISTEN, offer, has_floor=has_floor)
        try:
            self._access.admit(space, token)  # again, as the calls before took time
        except Problem:
            self._stage.hang_up(session.id)
            raise
        return self._created("whep", space, session)

    async def speak(self, request: web.Request) -> web.Response:
        """Answer `POST whip` of somebody with the floor, and open their microphone.

        `?page=ID` names the page, `&again` says that its microphone was lost and comes back.
        The newest microphone of a person wins, but one that comes back does not oust another
        page's: two pages would take turns for ever.
        """
        space, token = await self._access.from_request(request)
        refuse_unless_live(space)
        self._refuse_guest(space, token)
        if token is None:
            raise Problem.saying(HTTPStatus.FORBIDDEN, no_floor().said)
        self._refuse_unless_may_speak(space, token.user)
        key = (space.space, token.user)
        page = request.query.get("page", "")[:PAGE_MAX]
        if "again" in request.query:
            self._refuse_ousted(key, page)
        offer = await self._offer_of(request)
        session = await self._answer(space, token.user, Direction.SPEAK, offer)
        self._end_earlier(*key, spare=session.id)
        try:
            self._refuse_guest(space, token)
            await self._access.spaces.ask(space.space, cmd.OpenMicrophone(token.user))
        except Rejected as refusal:
            self._stage.hang_up(session.id)
            raise Problem.saying(HTTPStatus.FORBIDDEN, refusal.said) from None
        except (AdapterError, Problem):
            self._stage.hang_up(session.id)
            raise
        if key not in self._microphones:
            # most pages close without `DELETE`: forget their microphones with the live space
            self._microphones = {k: m for k, m in self._microphones.items() if self._is_open(k[0])}
        self._microphones[key] = _Microphone(session.id, page)
        return self._created("whip", space, session)

    async def leave(self, request: web.Request) -> web.Response:
        """Answer `DELETE` of a `Location` from anybody who knows it; say if it was cut."""
        session = request.match_info["session"]
        for key, current in list(self._microphones.items()):
            if current.session == session:
                del self._microphones[key]
                self._access.spaces.tell(key[0], cmd.CloseMicrophone(key[1]))
        is_cut = self._stage.is_cut(session)
        if not self._stage.hang_up(session):
            raise not_found()
        return web.Response(status=HTTPStatus.OK, text=CUT.text if is_cut else None)

    def listening(self, space: SpaceId) -> set[UserId]:
        """Return the accounts that came to listen by a personal link; some may have left."""
        return set(self._accounts.get(space, ()))

    # --- Watcher ------------------------------------------------------------------------------

    def arrived(self, space: SpaceId, you: You) -> None:
        """Do nothing: feed and sound are independent."""

    def gone(self, space: SpaceId, you: You) -> None:
        """Do nothing: sound may go on without a page."""

    def left(self, space: SpaceId, user: UserId) -> None:
        """Do nothing: anybody may listen where it is not private."""

    def removed(self, space: SpaceId, user: UserId) -> None:
        """End the person's sessions; the gate of their microphone was shut before."""
        self._accounts.get(space, set()).discard(user)
        self._stage.end_microphone_session(space, user)
        self._stage.end_listening(space, user)

    # --- parts --------------------------------------------------------------------------------

    async def _offer_of(self, request: web.Request) -> str:
        if not self._offers.take(self._access.addresses.of(request)):
            raise too_many()
        return await _offer_of(request)

    def _refuse_ousted(self, key: tuple[SpaceId, UserId], page: str) -> None:
        current = self._microphones.get(key)
        if current is not None and current.page != page and self._stage.has_microphone(*key):
            text = "Your microphone is on in another tab or on another device."
            raise Problem(HTTPStatus.CONFLICT, "elsewhere", text)

    def _end_earlier(self, space: SpaceId, user: UserId, spare: str) -> None:
        """End the person's earlier microphones: only the newest is kept. The floor stays."""
        self._microphones.pop((space, user), None)
        self._stage.end_microphone_session(space, user, spare)
        # a session of before a restart may hold it open: close it, so that the new one opens it
        self._access.spaces.tell(space, cmd.CloseMicrophone(user))

    def _remember(self, space: SpaceId, user: UserId) -> None:
        if space not in self._accounts:
            self._accounts = {s: users for s, users in self._accounts.items() if self._is_open(s)}
        self._accounts.setdefault(space, set()).add(user)

    def _is_open(self, space: SpaceId) -> bool:
        return self._access.spaces.view(space) is not None

    def _refuse_guest(self, space: LiveSpace, token: Token | None) -> None:
        now = self._access.spaces.view(space.space) or space
        is_guest = token is None or token.guest
        if is_guest and now.guests is GuestPolicy.OFF:
            raise guests_off()
        if is_guest and token is not None and now.guests is GuestPolicy.LISTEN:
            raise guests_listen()

    def _refuse_unless_may_speak(self, space: LiveSpace, user: UserId) -> None:
        now = self._access.spaces.view(space.space) or space
        try:
            refuse_unless_may_speak(now, user)
        except Rejected as refusal:
            raise Problem.saying(HTTPStatus.FORBIDDEN, refusal.said) from None

    async def _answer(
        self,
        space: LiveSpace,
        user: UserId,
        direction: Direction,
        offer: str,
        *,
        has_floor: bool = True,
    ) -> MediaSession:
        try:
            return await self._stage.offer(
                space.space, user, direction, offer, has_floor=has_floor
            )
        except OfferRefused as refusal:
            raise refused(refusal) from None

    def _created(self, kind: str, space: LiveSpace, session: MediaSession) -> web.Response:
        location = f"{self._prefix}/s/{space.slug}/{kind}/{session.id}"
        return web.Response(
            status=HTTPStatus.CREATED,
            body=session.answer.encode(),
            headers={"Content-Type": SDP, "Location": location},
        )


async def _offer_of(request: web.Request) -> str:
    if request.content_type != SDP:
        text = "Send the SDP offer with Content-Type application/sdp."
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise Problem(status, "not_sdp", text, {"Accept-Post": SDP})
    too_long = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "offer_too_long",
        "An SDP offer may have {most} kB. Offer one audio track only.",
        most=OFFER_MAX // 1024,
    )
    if (request.content_length or 0) > OFFER_MAX:
        raise too_long
    body = await body_of(request)
    if len(body) > OFFER_MAX:
        raise too_long
    try:
        return body.decode()
    except UnicodeDecodeError:
        text = "The SDP offer is not UTF-8 text."
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_offer", text) from None
