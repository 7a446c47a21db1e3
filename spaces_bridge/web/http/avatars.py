"""Pictures of the people whom everybody sees: host, stage and the front of the hand queue."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from aiohttp import web

from spaces_bridge.app.ports import Avatar, Pictures
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web import views
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.problems import Problem, not_found

POLICY: Final = "default-src 'none'; sandbox"
"""The content security policy of a stranger's file, which may do nothing when opened by itself."""

BLANK: Final = Avatar(
    "image/gif",
    bytes.fromhex(
        "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
    ),
)
"""A transparent dot in place of a missing picture, which only a script could take away."""


class AvatarImages:
    """The pictures' handler: serves `/s/SLUG/face/FACE` of public live spaces."""

    def __init__(self, access: PageAccess, pictures: Pictures) -> None:
        self._access = access
        self._pictures = pictures

    async def handle(self, request: web.Request) -> web.Response:
        """Answer with the picture; with `?or=blank`, a transparent dot where there is none.

        Raises Problem 404 for a person who is not here, or has no picture.
        """
        # an <img> shows no token: private live spaces have no pictures
        space = await self._access.enter_from(request, None)
        face = request.match_info["face"]
        user = next((u for u in _seen(space) if views.face(u) == face), None)
        if user is None:
            raise not_found()
        avatar = await self._pictures.avatar(user)
        if avatar is None and request.query.get("or") == "blank":
            avatar = BLANK
        if avatar is None:
            text = "This person has no picture."
            headers = {"Cache-Control": "public, max-age=300"}
            raise Problem(HTTPStatus.NOT_FOUND, "no_picture", text, headers)
        return web.Response(
            status=HTTPStatus.OK,
            body=avatar.body,
            headers={
                "Content-Type": avatar.content_type,
                "Content-Security-Policy": POLICY,
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cache-Control": "public, max-age=3600",
            },
        )


def _seen(space: LiveSpace) -> Iterator[UserId]:
    """Yield the people with an account whom the page shows to everybody."""
    yield space.host
    yield from (person.user for person in space.stage if not person.guest)
    waiting = (request.user for request in views.waiting(space)[: views.QUEUE_SHOWN])
    yield from (user for user in waiting if not space.person(user).guest)
