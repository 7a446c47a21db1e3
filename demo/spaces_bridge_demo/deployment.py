"""A homeserver with the bridge beside it, and people with accounts who use live spaces.

Everything here goes through interfaces that anybody can use: Matrix events, the page's feed, WHEP
and WHIP.
"""

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from spaces_bridge_demo.bridge import Bridge, Settings
from spaces_bridge_demo.expected import Event, Expected
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.homeserver import Account, Homeserver
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from spaces_bridge_demo.patience import PATIENCE_S

LIVE_STATE = "io.spacesbridge.live"
CAPTION = "io.spacesbridge.caption"
CARD = "io.spacesbridge.card"
_LINK = re.compile(r"https?://[^\s<>\")]+/s/[^\s<>\")#]+#t=[\w.~-]+")


class Deployment:
    """A homeserver and a bridge in one temporary directory, which is removed with them."""

    def __init__(
        self,
        *,
        room_version: str = "12",
        homeserver_database: str | None = None,
        bridge_database: str | None = None,
        models: Path | None = None,
        sabotage: str | None = None,
        settings: Settings | None = None,
        homeserver_seen_at: str | None = None,
    ) -> None:
        """See `Homeserver` and `Bridge`. `homeserver_seen_at` is a proxy that the bridge uses."""
        # short: Unix sockets have paths of at most 107 bytes
        self.directory = Path(tempfile.mkdtemp(prefix="spaces-"))
        self.homeserver = Homeserver(
            self.directory / "homeserver",
            room_version=room_version,
            database_url=homeserver_database,
        )
        self.bridge = Bridge(
            self.directory / "bridge",
            homeserver_seen_at or self.homeserver.url,
            database_url=bridge_database,
            models=models,
            sabotage=sabotage,
            settings=settings,
        )
        self._people: list[Person] = []

    async def __aenter__(self) -> Self:
        await self.start_homeserver()
        try:
            await self.bridge.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start_homeserver(self) -> None:
        """Start the homeserver alone, with the bridge's registration."""
        self.bridge.write()
        self.homeserver.add_registration(self.bridge.registration)
        await self.homeserver.start()

    async def stop(self) -> None:
        """Stop all, and leave neither process nor file."""
        try:
            for person in self._people:
                await person.stop()
            await self.bridge.stop()
            await self.homeserver.stop()
        finally:
            self.kill_now()

    def kill_now(self) -> None:
        """Kill all processes at once, without an event loop."""
        self.bridge.kill_now()
        self.homeserver.kill_now()
        shutil.rmtree(self.directory, ignore_errors=True)

    async def person(self, name: str) -> "Person":
        """Return a new person with an account, signed in until the deployment stops."""
        person = Person(self.homeserver.url, await self.homeserver.register(name), self.bridge.bot)
        await person.start()
        self._people.append(person)
        return person


class Person(MatrixUser):
    """A person with an account who talks with the bot."""

    def __init__(self, url: str, account: Account, bot: str) -> None:
        super().__init__(url, account)
        self.bot = bot
        self.dm = ""
        """The room id of the DM with the bot; empty before `meet_bot`."""

    @property
    def name(self) -> str:
        """Return the display name (`Homeserver.register` makes it from the localpart)."""
        return self.id[1:].partition(":")[0].capitalize()

    async def meet_bot(self) -> Event:
        """Open a DM with the bot, and return its greeting."""
        greeting = self.next_event(
            lambda event: (
                event.get("type") == "m.room.message" and event.get("sender") == self.bot
            ),
            "the bot's greeting",
        )
        self.dm = await self.open_dm(self.bot)
        return await greeting

    async def tell_bot(self, command: str, room: str | None = None) -> Event:
        """Give a command in the DM, or in a room (with `!space `); return the bot's answer."""
        where = room or self.dm
        answer = self.next_message(where, sender=self.bot)
        await self.send_text(where, command if room is None else f"!space {command}")
        return await answer

    async def create_space(self, title: str, options: str = "") -> "LiveRoom":
        """Give `create` in the DM, and join the room that the bot makes."""
        invited = self.next_event(
            lambda event: "invite_state" in event and event["sender"] == self.bot,
            "the invitation to the new room",
        )
        await self.send_text(self.dm, f"create {title} {options}".strip())
        room = str((await invited)["room_id"])
        carded = self.next_in(room, "m.room.pinned_events")
        await self.join(room)
        return await self.find_space(room, carded)

    async def find_space(self, room: str, carded: Expected | None = None) -> "LiveRoom":
        """Return the live space that the room's state describes."""
        try:
            pinned = await self.state(room, "m.room.pinned_events")
        except MatrixError:
            if carded is None:
                raise
            pinned = (await carded)["content"]
        live = await self.state(room, LIVE_STATE)
        alias = (await self.state(room, "m.room.canonical_alias"))["alias"]
        return LiveRoom(room, str(alias), str(live["page"]), str(pinned["pinned"][0]))

    async def start_space(self, space: "LiveRoom") -> Event:
        """Give `start` in the room, and return the state event that says that it is live."""
        live = self.next_in(
            space.room, LIVE_STATE, lambda event: event["content"]["state"] == "live"
        )
        await self.send_text(space.room, "!space start")
        return await live

    async def personal_link(self, space: "LiveRoom") -> str:
        """Give `link` in the room, and return the link that the bot sends by DM."""
        sent = self.next_event(
            lambda event: (
                event.get("type") == "m.room.message"
                and event.get("sender") == self.bot
                and link_in(event) is not None
            ),
            "the personal link",
        )
        await self.send_text(space.room, "!space link")
        return link_in(await sent) or ""

    async def let_in_again(self, space: "LiveRoom", user: str) -> None:
        """Lift the ban that a kick has become, as a plain client does."""

        async def banned() -> bool:
            member = await self.state(space.room, "m.room.member", user)
            return bool(member["membership"] == "ban")

        await until(banned, f"the ban of {user}")
        await self.unban(space.room, user)

    async def come_back(self, space: "LiveRoom", tab: PageGuest, host: "Person") -> None:
        """Come back after a kick: the host lifts the ban, and a new link replaces the void one."""
        await host.let_in_again(space, self.id)
        await self.join(space.room)
        _, _, tab.token = (await self.personal_link(space)).partition("#t=")
        await tab.open()

    def next_level(self, space: "LiveRoom", user: str, level: int | None) -> Expected:
        """Return the next event that gives somebody this power level (None: takes it away)."""
        return self.next_in(
            space.room,
            "m.room.power_levels",
            lambda event: event["content"].get("users", {}).get(user) == level,
        )

    async def grant_floor(self, space: "LiveRoom", asker: "Person") -> str:
        """Grant the floor by taps alone: ✋ on the card, ✅ on the host's prompt.

        Return the hand's event, once the room's power levels hold the speaker.
        """
        prompt = self.next_prompt(asker)
        hand = await asker.react(space.room, space.card, "✋")
        asked = await prompt
        granted = self.next_level(space, asker.id, 10)
        await self.react(asked["room_id"], asked["event_id"], "✅")
        await granted
        return hand

    def next_prompt(self, asker: "Person") -> Expected:
        """Return the next prompt of the bot in our DM, about a raised hand."""
        return self.next_message(self.dm, asker.name, self.bot)

    async def captions(self, space: "LiveRoom") -> list["CaptionEvent"]:
        """Return the captions in the room, by when they were said."""
        found = [
            caption
            for event in await self.timeline(space.room)
            if (caption := caption_of(event)) is not None
        ]
        return sorted(found, key=lambda caption: caption.start_ms)


@dataclass(frozen=True, slots=True)
class LiveRoom:
    """A live space as the room shows it."""

    room: str
    alias: str
    page: str
    card: str

    @property
    def slug(self) -> str:
        """Return the last part of the page's address."""
        return self.page.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class CaptionEvent:
    """A caption in the room."""

    event_id: str
    speaker: str
    name: str
    text: str
    start_ms: int
    end_ms: int
    utterance: str


def caption_of(event: Event) -> CaptionEvent | None:
    """Return the caption that a room event carries, if it carries one."""
    content = event.get("content", {})
    block: Mapping[str, Any] | None = content.get(CAPTION)
    if block is None or content.get("m.relates_to", {}).get("rel_type") == "m.replace":
        return None
    return CaptionEvent(
        str(event["event_id"]),
        str(block["speaker"]),
        str(block["name"]),
        str(content["body"]).removeprefix(f"{block['name']}: "),
        int(block["start_ms"]),
        int(block["end_ms"]),
        str(block["utterance"]),
    )


def said_by(captions: Sequence[CaptionEvent], user: str) -> str:
    """Return all words of one speaker."""
    return " ".join(caption.text for caption in captions if caption.speaker == user)


def link_in(event: Event) -> str | None:
    """Return the personal link in a message, if there is one."""
    found = _LINK.search(str(event.get("content", {}).get("body", "")))
    return found[0] if found else None


async def until(
    condition: Callable[[], Awaitable[bool]], what: str, timeout: float = PATIENCE_S
) -> None:
    """Wait until an async condition holds. Raises TimeoutError, which names `what`."""
    deadline = time.monotonic() + timeout
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        await asyncio.sleep(0.05)
