"""The public JSON API."""

import json
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.http import listed
from spaces_bridge.web.http.openapi import document
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import JsonBody


class Api:
    """The public API: serves `/api`."""

    def __init__(self, settings: WebSettings, access: PageAccess, hub: Hub) -> None:
        self._document = document(settings.base_url)
        self._access = access
        self._hub = hub

    async def spaces(self, _request: web.Request) -> web.Response:
        """Answer with the public live spaces, live and upcoming ones."""
        shown = [s for s in self._access.spaces.open() if is_listed(s)]
        return json_answer({"spaces": [self._view(s) for s in listed.most_recent_first(shown)]})

    async def space(self, request: web.Request) -> web.Response:
        """Answer with one live space; a private one is shown to its members only."""
        space, _ = await self._access.from_request(request)
        return json_answer(self._view(space))

    async def openapi(self, _request: web.Request) -> web.Response:
        """Answer with the OpenAPI description of this API and of WHEP and WHIP."""
        return json_answer(self._document)

    def _view(self, space: LiveSpace) -> JsonBody:
        return listed.api_view(space, self._hub.about(space), self._hub.guests(space.space))


def is_listed(space: LiveSpace) -> bool:
    """Return whether strangers may know of the live space."""
    return not space.private and (space.phase is Phase.LIVE or space.room is not None)


def json_answer(body: JsonBody) -> web.Response:
    """Return the object as a JSON response."""
    return web.Response(
        status=HTTPStatus.OK,
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", "Cache-Control": "no-cache"},
    )
