"""The pages as HTML that can be read before, and without, any script.

Personal links carry their token in the fragment, which no request holds. So the page of a private
live space answers 404 to everybody, byte for byte as a slug that does not exist; but that answer
is a shell whose script, when it holds a token, opens the feed and draws the page from `hello`.
"""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from spaces_bridge.app.ports import Directory
from spaces_bridge.app.verification_ports import VerificationDesk
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.text.sas_emojis import EMOJIS
from spaces_bridge.web import views
from spaces_bridge.web.access.page_access import SLUG_MAX, PageAccess
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.http import listed
from spaces_bridge.web.http.api import is_listed
from spaces_bridge.web.http.assets import Assets
from spaces_bridge.web.languages import Catalogues
from spaces_bridge.web.problems import Problem
from spaces_bridge.web.settings import WebSettings

ENDED_LISTED = 12

_SLUG_HERE = "slug-of-nobody-4c1f0a2e77"
"""The placeholder of the slug in a kept shell; as any slug, it needs no escaping anywhere."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The language and theme of an answer: some thirty combinations are possible."""

    language: str
    is_kept: bool  # in the address of the links
    theme: str


class Pages:
    """The pages' handler: the directory, live spaces' pages, the page for lost addresses."""

    def __init__(
        self,
        settings: WebSettings,
        access: PageAccess,
        hub: Hub,
        directory: Directory,
        assets: Assets,
        desk: VerificationDesk | None = None,
    ) -> None:
        """`desk`: where people verify the bot; None: it has no keys."""
        self._settings = settings
        self._desk = desk
        self._access = access
        self._hub = hub
        self._directory = directory
        self._templates = Environment(
            loader=PackageLoader("spaces_bridge.web", "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["in_fours"] = _in_fours
        self._languages = Catalogues()
        self._shells: dict[_Look, str] = {}
        prefix = settings.path_prefix
        self._templates.globals |= {
            "static": f"{prefix}/static/{assets.version}",
            "needed_by": assets.needed_by,
            "og_image": f"{settings.base_url}/static/{assets.version}/og.png",
            "reactions": views.REACTIONS,
            "initial": _initial,
            "bot": settings.bot,
        }

    async def directory(self, request: web.Request) -> web.Response:
        """Answer with the directory of live, upcoming and ended live spaces."""
        spaces = [self._bubble(s) for s in self._access.spaces.open() if is_listed(s)]
        ended = await self._directory.listing([Phase.ENDED.value], ENDED_LISTED * 2)
        return self._html(
            request,
            "directory.html",
            base_url=self._settings.base_url,
            live=[s for s in spaces if s["state"] == Phase.LIVE.value],
            upcoming=[s for s in spaces if s["state"] == Phase.SCHEDULED.value],
            ended=[listed.past_view(s, self._settings) for s in ended if not s.private][
                :ENDED_LISTED
            ],
        )

    async def space(self, request: web.Request) -> web.Response:
        """Answer with a live space's page, or with the shell to askers who may not know of it."""
        slug = request.match_info["slug"]
        try:
            space, _ = await self._access.from_request(request)
        except Problem as problem:
            if problem.status is not HTTPStatus.NOT_FOUND:
                raise
            return self.shell(request, slug)
        guests = self._hub.guests(space.space)
        you = views.You()
        hello = views.hello_view(space, you, None, guests, self._hub.about(space))
        return self._html(request, "space.html", slug=space.slug, known=True, hello=hello)

    def shell(self, request: web.Request, slug: str) -> web.Response:
        """Answer with the shell, which is the same for private live spaces and for none.

        The shell is rendered once for each look: anybody may ask for any number of slugs that do
        not exist.
        """
        look = self._look_of(request)
        page = self._shells.get(look)
        if page is None:
            page = self._shells[look] = self._render("space.html", look, **self._nobodys())
        shown = page.replace(_SLUG_HERE, slug[:SLUG_MAX])
        return _answer(shown, look.language, HTTPStatus.NOT_FOUND)

    def _nobodys(self) -> views.JsonBody:
        hello = {
            "space": {
                "title": "",
                "state": "unknown",
                "host": {"name": "", "tone": 0, "picture": None},
                "captions": False,
                "locked": False,
                "scheduled_at": None,
                "page": self._settings.page(_SLUG_HERE),
            },
            "roster": {"stage": [], "queue": [], "hands": 0, "listeners": 0},
            "captions": [],
        }
        return {"slug": _SLUG_HERE, "known": False, "hello": hello}

    async def verify(self, request: web.Request) -> web.Response:
        """Answer with the bot's keys, or with the code that a ticket in the address stands for.

        No chat shows the code: it would come through the homeserver that is to be checked.
        """
        keys = self._desk.bot_keys() if self._desk is not None else None
        if self._desk is None or keys is None:
            return self.lost(request)
        ticket = request.match_info.get("ticket", "")
        shown = self._desk.shown(ticket) if ticket else None
        numbers = shown.code.emojis if shown is not None else ()
        return self._html(
            request,
            "verify.html",
            HTTPStatus.NOT_FOUND if ticket and shown is None else HTTPStatus.OK,
            keys=keys,
            ticket=ticket,
            shown=shown,
            emojis=[{"number": n, "picture": EMOJIS[n][0]} for n in numbers],
            host=self._settings.base_url.partition("://")[2],
        )

    def lost(self, request: web.Request) -> web.Response:
        """Answer with the page for addresses that lead nowhere."""
        return self._html(request, "lost.html", HTTPStatus.NOT_FOUND)

    def _bubble(self, space: LiveSpace) -> views.JsonBody:
        guests = self._hub.guests(space.space)
        return listed.api_view(space, self._hub.about(space), guests)

    def _html(
        self,
        request: web.Request,
        template: str,
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> web.Response:
        look = self._look_of(request)
        return _answer(self._render(template, look, **values), look.language, status)

    def _look_of(self, request: web.Request) -> _Look:
        wanted = request.query.get("lang", "")
        language = self._languages.choose(wanted, request.headers.get("Accept-Language", ""))
        theme = _theme_of(request.query.get("theme", ""))
        return _Look(language.code, is_kept=bool(wanted), theme=theme)

    def _render(self, template: str, look: _Look, **values: object) -> str:
        language = self._languages.choose(look.language, "")
        kept = {"lang": language.code} if look.is_kept else {}
        values |= {
            "language": language,
            "languages": self._languages.all.values(),
            "t": language.say,
            "theme": look.theme,
            "home": f"{self._settings.path_prefix}/{'?' if kept else ''}{urlencode(kept)}",
        }
        return self._templates.get_template(template).render(values)


def _answer(text: str, language: str, status: HTTPStatus) -> web.Response:
    response = web.Response(
        status=status,
        body=text.encode(),
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Content-Language": language,
            "Cache-Control": "no-store",
            "Vary": "Accept-Language, Accept-Encoding",
        },
    )
    response.enable_compression()  # no page holds a secret: tokens are in fragments
    return response


def _theme_of(wanted: str) -> str:
    """Return `dark`, `light` or "" for a client's theme name, or for a template left unfilled."""
    if not wanted or wanted.startswith("$"):
        return ""
    return "dark" if "dark" in wanted else "light"


def _in_fours(key: str) -> str:
    """Return a key in groups of four letters, as clients show it."""
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def _initial(name: str) -> str:
    """Return the letter that stands for somebody without a picture."""
    return name.lstrip("@")[:1].upper() or "?"
