"""Two homeservers that federate, and the wire between them."""

import asyncio
import itertools
from contextlib import suppress
from pathlib import Path

from spaces_bridge_demo.matrix_user import MatrixUser
from tests.federation.authority import Authority
from tests.federation.homeserver import FederatedHomeserver
from tests.matrix.support import PATIENCE_S, LiveSetup

CALL_AGAIN_S = 0.5
"""After a failure, a server waits so long at most before it tries the other one again."""


class Twins:
    """`home` knows the bridge; `away` does not, and lets users called `evil…` do anything.

    Both are real, federate over TLS on loopback, and are called `localhost:PORT`. Not bound to
    an event loop: a test run shares one pair.
    """

    def __init__(
        self,
        directory: Path,
        *,
        room_version: str = "12",
        home_database: str | None = None,
        away_database: str | None = None,
    ) -> None:
        """Databases are PostgreSQL URLs, else SQLite. Rooms the bridge makes have the version
        that *its* settings say; `room_version` is for those that users make.
        """
        self.authority = authority = Authority(directory / "authority")
        near = FederatedHomeserver(
            directory / "home" / "synapse",
            authority,
            room_version=room_version,
            database_url=home_database,
        )
        self.away = FederatedHomeserver(
            directory / "away",
            authority,
            room_version=room_version,
            database_url=away_database,
            evil=True,
        )
        self._links = (near.link, self.away.link)
        self.home = LiveSetup(directory / "home", near)
        self._callers: tuple[MatrixUser, MatrixUser]
        self._numbers = itertools.count(1)
        self._room = ""

    async def start(self) -> None:
        """Returns when they know each other. Raises StartFailed."""
        near = self.home.homeserver
        await asyncio.gather(near.start(), self.away.start())
        servers = (near, self.away)
        one, other = [MatrixUser(s.url, await s.register("caller")) for s in servers]
        self._callers = (one, other)
        async with one, other:
            self._room = await one.create_room(preset="private_chat", invite=[other.id])
            await other.join(self._room)
        await self._talk()

    def kill_now(self) -> None:
        """End both and the wire, without an event loop."""
        self.home.homeserver.kill_now()
        self.away.kill_now()

    def cut(self) -> None:
        """From now on nothing passes between the two, in either direction."""
        for link in self._links:
            link.cut()

    async def heal(self) -> None:
        """Join them again; returns when what either held back for the other has been sent."""
        for link in self._links:
            link.heal()
        await self._talk()

    async def _talk(self) -> None:
        """Each says something until the other hears it: that ends every back-off, and what waits
        goes out in order.
        """
        near, far = self._callers
        async with near as one, far as other, asyncio.timeout(PATIENCE_S):
            for speaker, hearer in ((one, other), (other, one)):
                await self._call(speaker, hearer)

    async def _call(self, speaker: MatrixUser, hearer: MatrixUser) -> None:
        word = f"call {next(self._numbers)}"
        while True:
            heard = hearer.next_message(self._room, word, timeout=CALL_AGAIN_S)
            await speaker.send_text(self._room, word)
            with suppress(TimeoutError):
                await heard
                return
