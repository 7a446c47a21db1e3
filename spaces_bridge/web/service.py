"""The web adapter as a whole: the service that the composition root starts and stops."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.ports import Health, Identities, Pictures, Reports
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.tally import Tally
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.app.verification_ports import VerificationDesk
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web import views
from spaces_bridge.web.access.addresses import Addresses
from spaces_bridge.web.access.openid import OpenIdAccess
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.access.token_revocation import TokenRevocation
from spaces_bridge.web.feed.access_sweeper import AccessSweeper
from spaces_bridge.web.feed.acts import Acts
from spaces_bridge.web.feed.feed import Feed
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.feed.presence import SEAT_KEPT_S, CallLater, Presence
from spaces_bridge.web.frames.views import SpaceView
from spaces_bridge.web.http import server
from spaces_bridge.web.http.admin import Admin
from spaces_bridge.web.http.api import Api
from spaces_bridge.web.http.assets import Assets
from spaces_bridge.web.http.avatars import AvatarImages
from spaces_bridge.web.http.calendar import Calendar
from spaces_bridge.web.http.host_api import HostApi
from spaces_bridge.web.http.listen import OggStream
from spaces_bridge.web.http.metrics import BridgeNumbers, NumberSource, page_numbers
from spaces_bridge.web.http.ops import OpsServer
from spaces_bridge.web.http.pages import Pages
from spaces_bridge.web.http.qr import QrCodes
from spaces_bridge.web.http.server import Mount
from spaces_bridge.web.http.transcript import Transcripts
from spaces_bridge.web.http.whip import WhipEndpoints
from spaces_bridge.web.settings import WebSettings

DRAIN_S = 0.6
"""Time for requests under way when we stop, counted twice: to end by themselves, and then again
after they were told to."""


HEADERS_WITHIN_S = 75.0
"""Time from the beginning of a connection, or from the last answer, to the end of the next
headers. Proxies keep an idle connection for less (nginx: 60 s), so that they close it, not we."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The services by which the web adapter knows people: identity, pictures, ban lists, reports.

    `sessions` identify people by their personal links, `identities` those whose Matrix client
    shows the page. `desk` is where people verify the bot, None where it has no keys.
    """

    sessions: Sessions
    identities: Identities
    pictures: Pictures
    ban_lists: BanListService
    reports: Reports
    desk: VerificationDesk | None = None


class WebService:
    """The web adapter's service: the public listener with the pages, and the admin's ops listener.

    `hub` is the app's `Audience`: it is made first, given to `Spaces`, then handed in here.
    `health` holds the parts that `/ready` asks, by name; `sources` are the numbers that `/metrics`
    shows besides those of the pages. `mounts` have addresses of their own on the public listener.
    """

    def __init__(
        self,
        settings: WebSettings,
        hub: Hub,
        spaces: Spaces,
        people: Dependencies,
        use_cases: UseCases,
        health: Mapping[str, Health],
        sources: Mapping[str, NumberSource],
        seat_kept_s: float = SEAT_KEPT_S,
        call_later: CallLater | None = None,
        mounts: Sequence[Mount] = (),
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._spaces = spaces
        self._presence = Presence(spaces, seat_kept_s, call_later)
        self._tally = Tally(spaces)
        self._public = _runner(self._build(people, use_cases, mounts))
        numbers = BridgeNumbers({"pages": page_numbers(spaces, hub), **sources})
        admin = Admin(settings, spaces, hub, people.reports, use_cases.blocking)
        ops = OpsServer(health, numbers, admin)
        self._ops = _runner(ops.app())

    def _build(
        self, people: Dependencies, use_cases: UseCases, mounts: Sequence[Mount]
    ) -> web.Application:
        settings, hub, spaces = self._settings, self._hub, self._spaces
        context = spaces.context
        addresses = Addresses(settings.trusted_proxies)
        access = PageAccess(spaces, people.sessions, addresses, people.ban_lists)
        openid = OpenIdAccess(settings, access, people.identities)
        acts = Acts(settings, spaces, use_cases)
        assets = Assets()
        media = WhipEndpoints(settings, access, context.stage)

        def about(space: LiveSpace) -> SpaceView:
            return views.space_view(space, settings, context.settings.domain, hub.overload)

        hub.about = about
        hub.chat_lines = context.chat.lines
        hub.guest_chat = settings.guest_chat
        hub.watch(self._presence)
        hub.watch(media)
        hub.watch(TokenRevocation(people.sessions))
        AccessSweeper(access, hub, people.ban_lists, media.listening)
        handlers = server.Handlers(
            pages=Pages(settings, access, hub, context.directory, assets, people.desk),
            api=Api(settings, access, hub),
            hosts=HostApi(settings, access, openid, use_cases.creating),
            media=media,
            feed=Feed(settings, access, hub, acts, self._tally, openid),
            ogg=OggStream(settings, access, context.stage),
            transcripts=Transcripts(access, context.journal),
            calendar=Calendar(access, settings, context.settings.domain, context.clock),
            codes=QrCodes(access, settings),
            avatars=AvatarImages(access, people.pictures),
            assets=assets,
        )
        return server.build(settings, handlers, mounts)

    async def start(self) -> None:
        """Listen on both addresses. Raises OSError when one is taken."""
        await self._public.setup()
        await web.TCPSite(self._public, self._settings.hostname, self._settings.port).start()
        await self._ops.setup()
        await web.TCPSite(self._ops, self._settings.ops_hostname, self._settings.ops_port).start()
        self._presence.start()

    async def stop(self) -> None:
        """Tell the pages that the server stops, and close both listeners. Safe to repeat."""
        self._presence.stop()
        self._hub.stop()
        await asyncio.gather(self._public.cleanup(), self._ops.cleanup())
        await self._journal_last_reactions()

    async def _journal_last_reactions(self) -> None:
        """Wait until the last counted reactions are journalled; nobody can react any more."""
        counted = self._tally.flush()
        if not counted:
            return
        done = {asyncio.get_running_loop().create_future() for _ in counted}
        for space, future in zip(counted, done, strict=True):
            self._spaces.then(space, partial(future.set_result, None))
        await asyncio.wait(done, timeout=DRAIN_S)

    @property
    def port(self) -> int:
        """Return the port that the public listener has taken."""
        return _port(self._public)

    @property
    def ops_port(self) -> int:
        """Return the port that the ops listener has taken."""
        return _port(self._ops)


def _runner(app: web.Application) -> web.AppRunner:
    """Return a runner whose waits all have a limit, and that inflates no request's body."""
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=DRAIN_S,
        keepalive_timeout=HEADERS_WITHIN_S,
        auto_decompress=False,
    )


def _port(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])
