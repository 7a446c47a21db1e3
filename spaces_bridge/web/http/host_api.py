"""The hosts' API: making a live space from the directory page.

The bearer token of a personal link says who asks, or a widget's OpenID token in the body does.
The use case decides whether they may host, as it does for the command.
"""

import re
import secrets
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.app.usecases.creating import Creating, NewSpace
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.access.openid import OpenIdAccess
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.feed.verbs import (
    Frame,
    Refusal,
    choice_of,
    flag_of,
    misshapen,
    moment_of,
    text_of,
)
from spaces_bridge.web.http.api import json_answer
from spaces_bridge.web.http.bodies import object_of
from spaces_bridge.web.problems import Problem
from spaces_bridge.web.settings import WebSettings

TRIES, TRIES_PER_S = 10, 1 / 30
"""Requests of one person to make a live space. The use case limits how many may be open."""

_NONCE = re.compile(r"[\w-]{1,64}", re.ASCII)


class HostApi:
    """The hosts' API: serves `/api/v1/you` and `POST /api/v1/spaces`."""

    def __init__(
        self, settings: WebSettings, access: PageAccess, openid: OpenIdAccess, creating: Creating
    ) -> None:
        self._settings = settings
        self._access = access
        self._openid = openid
        self._creating = creating
        self._tries = TokenBuckets(TRIES, TRIES_PER_S)

    async def you(self, request: web.Request) -> web.Response:
        """Answer with the account that the bearer token names, and whether it may host."""
        user, _ = await self._bearer(request)
        why = None
        try:
            await self._creating.refuse_who_may_not_host(user)
        except Rejected as refusal:
            why = {"code": refusal.code, "text": refusal.text, "with": dict(refusal.said.values)}
        return json_answer({"id": user, "may_host": why is None, "why": why})

    async def create(self, request: web.Request) -> web.Response:
        """Make a live space, and answer with its page and a session token of its host."""
        try:
            return await self._create(request)
        except Refusal as refusal:
            raise Problem.saying(HTTPStatus.BAD_REQUEST, refusal.said) from None

    async def _create(self, request: web.Request) -> web.Response:
        frame = await object_of(request)
        if frame is None:
            raise misshapen("the body must be a JSON object")
        wanted, nonce = _wanted(frame), _nonce_of(frame)
        user, name = await self._who(request, frame)
        if not self._tries.take(user):
            text = "You have started very many live spaces just now. Wait a minute."
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "created_often", text)
        space = await self._creating.create(user, name, wanted, f"page:{user}:{nonce}")
        session = await self._access.sessions.mint(space.space, user, name, guest=False)
        page = self._settings.page(space.slug)
        answer = json_answer({"slug": space.slug, "page": page, "session": session})
        answer.set_status(HTTPStatus.CREATED)
        answer.headers["Location"] = page
        answer.headers["Cache-Control"] = "no-store"
        return answer

    # --- identification -----------------------------------------------------------------------

    async def _who(self, request: web.Request, frame: Frame) -> tuple[UserId, str]:
        """Return the asker's user id, and their name where it is known. Raises Problem."""
        openid = frame.get("openid")
        if openid is not None and "Authorization" not in request.headers:
            return await self._openid.user_of(openid, self._access.addresses.of(request)), ""
        return await self._bearer(request)

    async def _bearer(self, request: web.Request) -> tuple[UserId, str]:
        token = await self._access.bearer(request)
        if token is None:
            text = (
                "The page does not know who you are. Open it by your personal link, which the bot "
                "sends you."
            )
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(HTTPStatus.UNAUTHORIZED, "who_are_you", text, challenge)
        space = await self._access.spaces.find(token.space)
        known = space.person(token.user).name if space is not None else ""
        return token.user, known or token.name


def _wanted(frame: Frame) -> NewSpace:
    """Return the live space that the body asks for. Raises Refusal."""
    at_ms = None if frame.get("at") is None else moment_of(frame, "at")
    policy = SpeakPolicy.REQUEST
    if "speak_policy" in frame:
        policy = choice_of(frame, "speak_policy", SpeakPolicy)
    return NewSpace(
        title=text_of(frame, "title"),
        private=flag_of(frame, "private") if "private" in frame else False,
        speak_policy=policy,
        scheduled_at_ms=at_ms,
    )


def _nonce_of(frame: Frame) -> str:
    """Return the page's name of this request: the same again makes no second live space."""
    nonce = text_of(frame, "nonce")
    if nonce and not _NONCE.fullmatch(nonce):
        raise misshapen("“nonce” is at most 64 letters, digits, - and _")
    return nonce or secrets.token_hex(16)
