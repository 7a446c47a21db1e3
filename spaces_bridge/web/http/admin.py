"""The admin API on the ops listener: live spaces, participants, reports, end, remove."""

import hmac
import json
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from spaces_bridge.app.ports import Reports
from spaces_bridge.app.records import Report
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.blocking import Blocking
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.live_space import LiveSpace, Person
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.feed.verbs import Refusal, text_of, user_of
from spaces_bridge.web.http import listed
from spaces_bridge.web.http.bodies import object_of
from spaces_bridge.web.problems import Problem, not_found, problems, too_many
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import JsonBody

REPORTS_SHOWN = 100
REPORTS_MAX = 1000
GUESSES = 10
"""Wrong tokens that one address may show at once, then one every six seconds."""


class Admin:
    """The admin API: serves `/admin/v1/…`."""

    def __init__(
        self, settings: WebSettings, spaces: Spaces, hub: Hub, reports: Reports, blocking: Blocking
    ) -> None:
        self._settings = settings
        self._spaces = spaces
        self._hub = hub
        self._reports = reports
        self._blocking = blocking
        self._guesses = TokenBuckets(GUESSES, 1 / 6)

    def app(self) -> web.Application:
        """Return the application below `/admin/v1`."""
        app = web.Application(middlewares=[problems, self._guard()])
        app.router.add_get("/reports", self._list_reports)
        app.router.add_get("/spaces", self._list_spaces)
        app.router.add_get("/spaces/{slug}/participants", self._participants)
        app.router.add_post("/spaces/{slug}/end", self._end)
        app.router.add_post("/spaces/{slug}/remove", self._remove)
        return app

    # --- access -------------------------------------------------------------------------------

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._refuse_strangers(request)
            try:
                return await handler(request)
            except Refusal as refusal:
                status = HTTPStatus.BAD_REQUEST
                raise Problem.saying(status, refusal.said) from None

        return guard

    def _refuse_strangers(self, request: web.Request) -> None:
        token = self._settings.admin_token
        if not token:
            text = "There is no admin API: the config has no ops.admin_token."
            raise Problem(HTTPStatus.FORBIDDEN, "admin_off", text)
        address = request.remote or ""
        if not self._guesses.has(address):
            raise too_many()
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(_bytes(shown.strip()), _bytes(token))
        if scheme.lower() != "bearer" or not right:
            self._guesses.take(address)
            text = "Show the ops.admin_token of the config as the bearer."
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(HTTPStatus.UNAUTHORIZED, "bad_token", text, challenge)

    # --- reading ------------------------------------------------------------------------------

    async def _list_reports(self, request: web.Request) -> web.Response:
        found = await self._reports.listing(_limit_of(request))
        return _json({"reports": [self._report_view(report) for report in found]})

    async def _list_spaces(self, _request: web.Request) -> web.Response:
        shown = listed.most_recent_first(self._spaces.open())
        return _json({"spaces": [self._space_view(space) for space in shown]})

    async def _participants(self, request: web.Request) -> web.Response:
        space = self._space_of(request)
        present = self._hub.present(space.space)
        guests = {you.user: you.name for you in present if you.guest and you.user is not None}
        return _json(
            {
                "people": [_person_view(space, p) for p in _by_id(space.people.values())],
                "guests": [{"id": user, "name": guests[user]} for user in sorted(guests)],
                "nameless": sum(you.user is None for you in present),
                "removed": [
                    {"id": user, "by": gone.by, "reason": gone.reason, "blocked": gone.blocked}
                    for user, gone in sorted(space.removed.items())
                ],
            }
        )

    # --- changing -----------------------------------------------------------------------------

    async def _end(self, request: web.Request) -> web.Response:
        space = self._space_of(request)
        reason = text_of(await _body_of(request), "reason") or "ended by the server's admin"
        now_ms = self._spaces.context.clock.now_ms()
        await self._spaces.ask(space.space, cmd.EndSpace(None, now_ms, reason))
        return _json({"ended": True})

    async def _remove(self, request: web.Request) -> web.Response:
        space = self._space_of(request)
        frame = await _body_of(request)
        user, reason = user_of(frame), text_of(frame, "reason")
        if user == space.host:
            text = "That person hosts this live space: end it instead."
            raise Problem(HTTPStatus.CONFLICT, "is_host", text)
        await self._blocking.remove(space, None, user, reason)
        return _json({"removed": True})

    # --- parts --------------------------------------------------------------------------------

    def _space_of(self, request: web.Request) -> LiveSpace:
        space = self._spaces.by_slug(request.match_info["slug"])
        if space is None:
            raise not_found()
        return space

    def _space_view(self, space: LiveSpace) -> JsonBody:
        return {
            **self._hub.about(space),
            "room": space.room,
            "listeners": self._spaces.audience_size(space.space),
            "pages": len(self._hub.present(space.space)),
            "hands": len(space.hands),
        }

    def _report_view(self, report: Report) -> JsonBody:
        space = self._spaces.view(report.space)  # None: it ended a while ago
        return {
            "id": report.id,
            "space": report.space,
            "slug": space.slug if space is not None else None,
            "title": space.title if space is not None else None,
            "reporter": report.reporter,
            "reported": report.reported,
            "reason": report.reason,
            "context": report.context,
            "at": report.at_ms,
        }


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _limit_of(request: web.Request) -> int:
    text = request.query.get("limit", str(REPORTS_SHOWN))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= REPORTS_MAX:
        words = f"“limit” must be a number from 1 to {REPORTS_MAX}."
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_limit", words)
    return int(text)


async def _body_of(request: web.Request) -> JsonBody:
    body = await object_of(request)
    if body is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_body", "Send a JSON object.")
    return body


def _by_id(people: Iterable[Person]) -> list[Person]:
    return sorted(people, key=lambda person: person.user)


def _person_view(space: LiveSpace, person: Person) -> JsonBody:
    return {
        "id": person.user,
        "name": person.name,
        "role": space.role(person.user).name.lower(),
        "joined": person.joined,
        "guest": person.guest,
        "on_air": person.user in space.on_air,
        "muted": person.user in space.muted,
    }


def _json(body: JsonBody) -> web.Response:
    return web.Response(
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
