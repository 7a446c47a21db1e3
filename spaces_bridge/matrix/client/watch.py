"""The homeserver watch: it registers the bot, and checks that both sides reach each other.

Until it answers a ping the homeserver may keep events back for minutes; a ping makes it deliver.
Spec: Application Service API, "Pinging".
"""

import asyncio
import logging
from collections.abc import Callable

from spaces_bridge.core.display_names import BOT_NAME
from spaces_bridge.matrix.client.errors import Away, MatrixError, RequestRefused
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.client.rests import AWAY_BACKOFF
from spaces_bridge.pacing.backoff import Backoff

log = logging.getLogger(__name__)

PING_BACKOFF = Backoff(1.0, 30.0)
"""The back-off while the homeserver is there but cannot reach us. The first ping may fail for no
lasting reason: a homeserver tries the connection that it had with a bridge before its restart.
"""
PROBE_EVERY_S = 1.0
"""The pause between probes while nobody answers at all."""
PROBE_WITHIN_S = 3.0
"""A probe that takes longer, while the homeserver is away, is given up for the next one."""
SILENT_S = 1.0
"""The silence, without call or answer, after which a probe is sent; restarts take longer."""
HANGS_AFTER_S = 7.0
"""A homeserver that takes longer over a probe hangs: it is noticed within ten seconds."""
PING_WITHIN_S = 10.0
GRACE_S = 2.0
"""Calls from before the homeserver hung are waited for so long after it is back."""
STEADY_S = 30.0
"""A homeserver that is lost sooner after its return is probed less and less often."""


class HomeserverWatch:
    """The watch that registers the bot once, and pings at start and after every outage."""

    def __init__(
        self,
        api: HomeserverApi,
        bot: MatrixClient,
        reach: Reach,
        appservice_id: str,
        back: Callable[[], None],
        away: Callable[[], None] = lambda: None,
    ) -> None:
        """`back` is called whenever the homeserver is (again) there and reaches us, `away`
        whenever it is gone.
        """
        self._api = api
        self._bot = bot
        self._reach = reach
        self._id = appservice_id
        self._back = back
        self._away = away
        self._hung = False
        self._pings = 0
        self._registered = asyncio.Event()
        self.last_error = "The homeserver has not answered yet."
        """The reason why we are not ready, in a sentence; empty when we are."""

    async def registered(self) -> None:
        """Wait until the bot may act."""
        await self._registered.wait()

    async def run(self) -> None:
        """Run until cancelled."""
        now, unsteady = asyncio.get_running_loop().time, 0
        while True:
            await self._until_answered()
            found_at = now()
            self.last_error = ""
            self._back()
            hung = await self._until_lost()
            self.last_error = "The homeserver does not answer."
            log.warning("the homeserver does not answer; trying every second")
            self._away()
            self._hung = self._hung or hung
            unsteady = unsteady + 1 if now() - found_at < STEADY_S else 0
            if unsteady > 1:
                await asyncio.sleep(AWAY_BACKOFF.wait_s(unsteady))

    async def _until_lost(self) -> bool:
        """Wait until the homeserver is lost. True: it hangs, taking connections and silent."""
        while True:
            await self._reach.until_lost_or_silent(SILENT_S)
            if self._reach.lost:
                return False
            try:
                await self._api.is_there(HANGS_AFTER_S)
            except Away as away:
                if away.unreached:
                    return True
                await asyncio.sleep(SILENT_S)
            except RequestRefused:
                await asyncio.sleep(SILENT_S)

    async def _until_answered(self) -> None:
        said, failed = "", 0
        while True:
            try:
                await self._api.is_there(PROBE_WITHIN_S)
                if not self._registered.is_set():
                    await self._register()
                await self._ping()
            except MatrixError as error:
                self.last_error = str(error)
                if said != self.last_error:
                    said = self.last_error
                    log.warning("not connected with the homeserver: %s", error)
                unreached = isinstance(error, Away) and error.unreached
                failed = 0 if unreached else failed + 1
                await asyncio.sleep(PROBE_EVERY_S if unreached else PING_BACKOFF.wait_s(failed))
            else:
                log.info("the homeserver reaches the bridge")
                self._drop_what_hangs()
                return

    def _drop_what_hangs(self) -> None:
        """Time out the calls of before a hang, so that they are sent again.

        A proxy that swallowed a request never answers it.
        """
        if self._hung:
            self._hung = False
            loop = asyncio.get_running_loop()
            loop.call_later(GRACE_S, self._reach.give_up_waiting, loop.time())

    async def _register(self) -> None:
        await self._bot.register()
        localpart = self._bot.user[1:].partition(":")[0]
        if await self._bot.display_name(self._bot.user) in {None, localpart}:
            await self._bot.call_myself(BOT_NAME)
        self._registered.set()

    async def _ping(self) -> None:
        self._pings += 1
        try:
            await self._api.call(
                "POST",
                ["appservice", self._id, "ping"],
                {"transaction_id": f"ping{self._pings}"},
                version="v1",
                within_s=PING_WITHIN_S,
            )
        except RequestRefused as refusal:
            if refusal.errcode == "M_UNRECOGNIZED":
                return  # an older homeserver has no ping
            if refusal.errcode in {"M_URL_NOT_SET", "M_FORBIDDEN"}:
                raise PingFailed(f"The registration does not fit: {refusal.text}") from refusal
            raise
        except Away as away:
            if away.broken:
                raise PingFailed(
                    f"The homeserver cannot reach the bridge: {away} "
                    "Check the registration's url and appservice.hostname."
                ) from away
            raise


class PingFailed(MatrixError):
    """The homeserver is there, but does not reach us."""
