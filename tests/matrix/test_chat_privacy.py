"""Which chats the bot opens encrypted, and which it goes on in."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiohttp import web

from spaces_bridge.app.crypto_ports import EncryptedRoom
from spaces_bridge.app.notes.dms_and_reactions import EncryptionExplained
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.home_well_known import EncryptionWishes, HomeWellKnown, wishes_in
from spaces_bridge.matrix.commands.greeting import Greeter
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms
from spaces_bridge.matrix.crypto.encryption import Encryption
from spaces_bridge.matrix.crypto.preference import ChatPreference
from spaces_bridge.matrix.crypto.recipients import ShareKeysWith
from spaces_bridge.matrix.crypto.sending_assembly import assemble_sending
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.events.translate import BotInvited, EncryptedMessage
from tests.storage.support import SetClock
from tests.support.crypto_peers import (
    BOT,
    Identity,
    KeyServer,
    MemoryCrypto,
    Peer,
    Postman,
    bot_account,
)
from tests.support.notes import MemoryNotes

pytestmark = pytest.mark.unit

EVE = UserId("@eve:home")
SECRET = {"algorithm": "m.megolm.v1.aes-sha2"}
OTHER = {"algorithm": "m.of.tomorrow"}


class Bot:
    """The bot's client, with rooms that it makes; `states` holds each room's encryption."""

    def __init__(self) -> None:
        self.user = BOT
        self.states: dict[RoomId, Mapping[str, Any] | None] = {}
        self.made: list[Mapping[str, Any]] = []
        self.said: list[tuple[RoomId, str]] = []

    async def call(
        self, method: str, path: Sequence[str], body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        assert (method, list(path)) == ("POST", ["createRoom"])
        assert body is not None
        self.made.append(body)
        room = RoomId(f"!made{len(self.made)}")
        state = {each["type"]: each["content"] for each in body.get("initial_state", [])}
        self.states[room] = state.get("m.room.encryption")
        return {"room_id": room}

    async def all_state(self, room: RoomId) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        state: dict[tuple[str, str], Mapping[str, Any]] = {
            ("m.room.member", user): {"membership": "join"} for user in (BOT, EVE)
        }
        encryption = self.states[room]
        return state | ({("m.room.encryption", ""): encryption} if encryption else {})

    async def state(self, room: RoomId, type_: str, key: str = "") -> Mapping[str, Any] | None:
        return self.states[room]

    async def write_state(self, room: RoomId, type_: str, content: object, key: str) -> EventId:
        return EventId("$invite")

    async def joined(self, room: RoomId) -> Mapping[UserId, str | None]:
        return {BOT: None, EVE: None}

    async def invited(self, room: RoomId) -> list[UserId]:
        return []

    async def join(self, room: RoomId, via: Sequence[str] = ()) -> None:
        """The bot may."""

    async def send(
        self, room: RoomId, type_: str, content: Mapping[str, Any], key: str
    ) -> EventId:
        self.said.append((room, content["body"]))
        return EventId("$said")


class Home:
    """A homeserver's wishes."""

    def __init__(self) -> None:
        self.said = EncryptionWishes()

    async def wishes(self) -> EncryptionWishes:
        return self.said


class Device:
    """The state of the bot's device."""

    is_set_up = True
    had_device = True
    problem = ""


class SetUp:
    """The bot's direct rooms, its encryption, and the keys of `peers`."""

    def __init__(self, *peers: Peer, policy: ShareKeysWith = "everybody") -> None:
        self.bot, self.home, self.device = Bot(), Home(), Device()
        self.notes, self.store, self.server = MemoryNotes(), MemoryCrypto(), KeyServer(*peers)
        rooms = EncryptedRooms(self.bot, self.store)
        encryption = Encryption(rooms, self.device)
        encryption.begin(
            assemble_sending(
                bot_account(),
                self.server,
                self.store,
                Postman(self.store, self.server),
                self.bot,
                SetClock(),
                policy,
            )
        )
        preference = ChatPreference(encryption, rooms, self.home, policy)
        self.dms = DirectRooms(self.bot, self.notes, preference)  # type: ignore[arg-type]
        self.greeter = Greeter(self.bot, self.dms, self.notes)  # type: ignore[arg-type]

    async def is_secret(self) -> bool:
        """Whether the person's chat is an encrypted one."""
        return self.bot.states[await self.dms.room_for(EVE)] is not None


async def test_somebody_with_a_device_that_encrypts_gets_an_encrypted_chat() -> None:
    assert await SetUp(Peer(EVE)).is_secret()


async def test_somebody_without_any_gets_one_that_they_can_read() -> None:
    assert not await SetUp().is_secret()


@pytest.mark.parametrize("vouched", [True, False])
async def test_only_devices_that_get_keys_count(vouched: bool) -> None:
    peer = Peer(EVE, "PHONE", Identity(EVE) if vouched else None)
    assert await SetUp(peer, policy="cross_signed").is_secret() is vouched


@pytest.mark.parametrize(
    "wishes",
    [
        EncryptionWishes(is_disabled=True),
        EncryptionWishes(by_default=False),
        EncryptionWishes(is_disabled=True, by_default=False),
    ],
)
async def test_the_homeserver_may_prefer_plain_chats(wishes: EncryptionWishes) -> None:
    chats = SetUp(Peer(EVE))
    chats.home.said = wishes
    assert not await chats.is_secret()


@pytest.mark.parametrize("disabled", [True, False])
async def test_an_encrypted_chat_of_before_counts_more_than_a_default(disabled: bool) -> None:
    chats = SetUp(Peer(EVE))
    chats.home.said = EncryptionWishes(is_disabled=disabled, by_default=False)
    old = RoomId("!old")
    await chats.dms.adopt(EVE, old)
    chats.bot.states[old] = OTHER  # one in which the bot cannot write any more
    await chats.store.apply([EncryptedRoom(old, SECRET)])
    assert await chats.is_secret() is not disabled


@pytest.mark.parametrize("encryption", [None, SECRET])
async def test_a_chat_that_there_is_goes_on(encryption: Mapping[str, Any] | None) -> None:
    chats, room = SetUp(Peer(EVE)), RoomId("!theirs")
    await chats.dms.adopt(EVE, room)
    chats.bot.states[room] = encryption
    assert await chats.dms.room_for(EVE) == room
    assert chats.bot.made == []


async def test_a_server_that_does_not_tell_of_devices_gets_a_plain_chat() -> None:
    chats = SetUp(Peer(EVE))
    chats.server.away = RequestRefused(403, "M_FORBIDDEN", "no")
    assert not await chats.is_secret()


async def test_before_the_bot_has_its_device_new_chats_wait() -> None:
    chats = SetUp(Peer(EVE))
    chats.device.is_set_up = False
    with pytest.raises(Away):
        await chats.dms.room_for(EVE)


async def test_without_encryption_encrypted_chats_are_left_for_plain_ones() -> None:
    chats, theirs = SetUp(Peer(EVE)), RoomId("!theirs")
    chats.device.problem, chats.device.had_device = "an old registration", False
    await chats.dms.adopt(EVE, theirs)
    chats.bot.states[theirs] = SECRET
    await chats.greeter.heard_cipher(EncryptedMessage(theirs, EventId("$e"), EVE))
    assert [room for room, _ in chats.bot.said] == [theirs, RoomId("!made1")]
    assert not await chats.is_secret()
    assert await chats.notes.get(EncryptionExplained.key(theirs)) is not None


async def test_an_encrypted_chat_is_greeted_and_adopted_as_any_other() -> None:
    chats, theirs = SetUp(Peer(EVE)), RoomId("!theirs")
    chats.bot.states[theirs] = SECRET
    await chats.greeter.invited(BotInvited(theirs, EventId("$e"), EVE, direct=True))
    [(room, text)] = chats.bot.said
    assert room == theirs
    assert text.startswith("Hello! I run live audio rooms")
    assert await chats.dms.room_for(EVE) == theirs
    await chats.greeter.heard_cipher(EncryptedMessage(theirs, EventId("$x"), EVE))
    assert len(chats.bot.said) == 1


# --- the homeserver's file -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "wishes"),
    [
        ({}, EncryptionWishes()),
        ({"io.element.e2ee": {"default": False}}, EncryptionWishes(by_default=False)),
        ({"io.element.e2ee": {"force_disable": True}}, EncryptionWishes(is_disabled=True)),
        ({"io.element.e2ee": {"default": "no", "force_disable": 1}}, EncryptionWishes()),
        ({"io.element.e2ee": []}, EncryptionWishes()),
    ],
)
def test_the_file_is_read_as_element_reads_it(
    file: Mapping[str, Any], wishes: EncryptionWishes
) -> None:
    assert wishes_in(file) == wishes


async def test_the_file_is_asked_for_once_an_hour() -> None:
    asked, now = list[str](), [0.0]
    file = {"io.element.e2ee": {"default": False}}

    async def serve(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(file)

    app = web.Application()
    app.router.add_get("/.well-known/matrix/client", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    home = HomeWellKnown(address, "localhost", lambda: now[0])
    assert await home.wishes() == EncryptionWishes(by_default=False)
    await home.wishes()
    assert len(asked) == 1
    await runner.cleanup()
    now[0] += 3601  # nobody answers any more: the last word counts
    assert await home.wishes() == EncryptionWishes(by_default=False)
