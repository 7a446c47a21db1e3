"""Live spaces with an authoriser of calls before them; homeservers say what a test tells them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from spaces_bridge.app.call_ports import DelayedEventGone
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.app.usecases.calls import Calls
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit.issuer import CallTokens
from spaces_bridge.livekit.service import CallDependencies, LiveKitService
from spaces_bridge.livekit.tokens import CallGrant, TokenSigner
from spaces_bridge.web.access.addresses import Addresses
from tests.web.world import WebWorld, web_world

KEY, SECRET = "spaces", "a-secret-of-the-test-that-is-long-enough"
SFU = "wss://sfu.example.org/livekit"


class ToldEvents:
    """Homeservers with delayed events, and what they were asked to do with them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, UserId, str]] = []
        self.gone: set[str] = set()
        self.away = False

    async def restart(self, user: UserId, delay_id: str) -> None:
        self._ask("restart", user, delay_id)

    async def send(self, user: UserId, delay_id: str) -> None:
        self._ask("send", user, delay_id)
        self.gone.add(delay_id)

    async def cancel(self, user: UserId, delay_id: str) -> None:
        self._ask("cancel", user, delay_id)
        self.gone.add(delay_id)

    def _ask(self, what: str, user: UserId, delay_id: str) -> None:
        self.asked.append((what, user, delay_id))
        if self.away:
            raise AdapterError("the homeserver does not answer")
        if delay_id in self.gone:
            raise DelayedEventGone("There is no such delayed event.")

    def times(self, what: str, delay_id: str = "") -> int:
        """How often it was asked to."""
        return sum(asked == what and delay_id in ("", of) for asked, _user, of in self.asked)


class ToldPresence:
    """Who is connected, by the word of a test."""

    def __init__(self) -> None:
        self.identities: set[str] = set()
        self.empty: set[SpaceId] = set()
        """Live spaces in whose calls nobody is."""

    def is_connected(self, space: SpaceId, identity: str) -> bool:
        return space not in self.empty and identity in self.identities


class ToldSecrecy:
    """Which rooms are encrypted, by the word of a test."""

    def __init__(self) -> None:
        self.rooms: set[RoomId] = set()
        self.away = False

    async def is_encrypted(self, room: RoomId) -> bool:
        if self.away:
            raise AdapterError("the homeserver does not answer")
        return room in self.rooms


class Authorised:
    """The world, its authoriser, and requests as Element Call makes them."""

    def __init__(self, world: WebWorld, parts: "Parts") -> None:
        self.world = world
        self.events, self.presence, self.secrecy = parts.events, parts.presence, parts.secrecy
        self.signer = parts.signer
        self.service = parts.service

    def vouched(self, user: UserId, token: str = "") -> dict[str, object]:
        """An OpenID token of this person, as their homeserver gives it to a client."""
        said = self.world.identities.confirm(user, token or f"openid-of-{user}")
        return {**said, "token_type": "Bearer", "expires_in": 3600}

    def older(self, space: LiveSpace, user: UserId, **more: object) -> dict[str, object]:
        """The body of `/sfu/get`."""
        return {
            "room": space.room,
            "openid_token": self.vouched(user),
            "device_id": "PHONE",
            **more,
        }

    def newer(self, space: LiveSpace, user: UserId, **more: object) -> dict[str, object]:
        """The body of `/get_token`."""
        return {
            "room_id": space.room,
            "slot_id": "m.call#ROOM",
            "openid_token": self.vouched(user),
            "member": {"id": "uuid-1", "claimed_user_id": user, "claimed_device_id": "PHONE"},
            **more,
        }

    async def post(
        self, path: str, body: object, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, object]]:
        """Status and answer."""
        address = f"{self.world.base}/livekit{path}"
        async with self.world.http.post(address, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def grant(self, path: str, body: object) -> CallGrant:
        """What the token grants that the answer holds."""
        status, answer = await self.post(path, body)
        assert (status, answer.get("url")) == (200, SFU), answer
        return self.signer.read(str(answer["jwt"]))

    async def refused(self, path: str, body: object) -> tuple[int, object]:
        """Status and errcode; there is a sentence beside them."""
        status, answer = await self.post(path, body)
        assert status >= 400
        assert str(answer["error"]).endswith(".")
        return status, answer["errcode"]


class Parts:
    """What the authoriser is made of here."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.events, self.presence, self.secrecy = ToldEvents(), ToldPresence(), ToldSecrecy()
        self.tasks = TaskSupervisor()
        self.signer = TokenSigner(KEY, SECRET)
        self.service: LiveKitService

    def mounts(self, world: WebWorld) -> list[LiveKitService]:
        """The service over this world's live spaces."""

        def bars(host: UserId, user: UserId) -> bool:
            return world.ban_lists.verdict(host, user) is not None

        needs = CallDependencies(
            Calls(world.spaces, bars, strict=self.strict),
            world.identities,
            self.secrecy,
            self.presence,
            self.events,
            world.storage.notes,
            self.tasks,
            Addresses(world.settings.trusted_proxies).of,
            "example.org",
        )
        self.service = LiveKitService(CallTokens(SFU, self.signer), self.signer, needs)
        return [self.service]


@asynccontextmanager
async def authorised(
    folder: Path, prefix: str = "", *, strict: bool = False
) -> AsyncIterator[Authorised]:
    """All of it, listening; with what an earlier one has left in the folder."""
    parts = Parts(strict=strict)
    async with web_world(folder, prefix, mounts=parts.mounts) as world:
        parts.service.start()
        try:
            yield Authorised(world, parts)
        finally:
            await parts.service.stop()


def answer_of(response: aiohttp.ClientResponse) -> str:
    """The header by which a page of another origin may read the answer."""
    return response.headers.get("Access-Control-Allow-Origin", "")
