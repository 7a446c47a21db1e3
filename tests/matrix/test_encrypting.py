"""What the bot sends into encrypted rooms: read by whom it is for, and by nobody else."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from spaces_bridge.app.crypto_ports import (
    EncryptedRoom,
    InboundSession,
    KeyShare,
    OlmSession,
    OutboundSession,
    QueuedToDevice,
)
from spaces_bridge.app.errors import StorageError
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.crypto import device_lists, key_sharing, olm_outbound, recipients
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms
from spaces_bridge.matrix.crypto.encryption import Encryption
from spaces_bridge.matrix.crypto.fitting import PLAINTEXT_MAX_BYTES
from spaces_bridge.matrix.crypto.recipients import ShareKeysWith
from spaces_bridge.matrix.crypto.sending_assembly import assemble_sending, follow
from spaces_bridge.matrix.crypto.to_device import ToDeviceQueue
from spaces_bridge.matrix.events.content import annotation, edit, message
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

pytestmark = pytest.mark.unit

ROOM = RoomId("!room:home")
MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}
HELLO = message("Hello")


class Room:
    """A room as the homeserver holds it; `encryption` is None while it is not encrypted."""

    def __init__(self, *people: str) -> None:
        self.encryption: Mapping[str, Any] | None = MEGOLM
        self.visibility = "shared"
        self.people = {UserId(user) for user in (BOT, *people)}
        self.guests: set[UserId] = set()
        self.states = 0

    async def state(self, room: RoomId, type_: str, key: str = "") -> Mapping[str, Any] | None:
        if type_ == "m.room.history_visibility":
            return {"history_visibility": self.visibility}
        assert (type_, key) == ("m.room.encryption", "")
        self.states += 1
        return self.encryption

    async def joined(self, room: RoomId) -> Mapping[UserId, str | None]:
        return dict.fromkeys(self.people)

    async def invited(self, room: RoomId) -> list[UserId]:
        return list(self.guests)


class Device:
    """The state of the bot's device."""

    is_set_up = True
    had_device = True
    problem = ""


class Bot:
    """The bot's sending side; `restart` is another process with the same database."""

    def __init__(self, room: Room, *peers: Peer, policy: ShareKeysWith = "everybody") -> None:
        self.room = room
        self.server, self.store, self.clock = KeyServer(*peers), MemoryCrypto(), SetClock()
        self.post, self.account = Postman(self.store, self.server), bot_account()
        self.policy: ShareKeysWith = policy
        self.device = Device()
        self.restart()

    def restart(self) -> None:
        self.encryption = Encryption(EncryptedRooms(self.room, self.store), self.device)
        self.sending = assemble_sending(
            self.account,
            self.server,
            self.store,
            self.post,
            self.room,
            self.clock,
            self.policy,
        )
        self.encryption.begin(self.sending)

    async def send(self, content: Mapping[str, Any] = HELLO) -> Mapping[str, Any]:
        sealed = await self.encryption.sealed(ROOM, "m.room.message", content)
        assert sealed is not None
        return json.loads(json.dumps(sealed))  # type: ignore[no-any-return]

    def tell(self, type_: str, content: Mapping[str, Any], key: str = "") -> None:
        """An event of the room arrives."""
        self.encryption.note(
            {
                "type": type_,
                "room_id": ROOM,
                "event_id": "$e",
                "sender": "@eve:home",
                "state_key": key,
                "content": content,
            }
        )

    def member(self, user: str, membership: str) -> None:
        """Somebody's membership changes, and the bot is told."""
        self.room.people.discard(UserId(user))
        self.room.guests.discard(UserId(user))
        if membership == "join":
            self.room.people.add(UserId(user))
        if membership == "invite":
            self.room.guests.add(UserId(user))
        self.tell("m.room.member", {"membership": membership}, user)

    async def logged_in(self, peer: Peer) -> None:
        """Somebody has one more device, and the key sync says so."""
        self.server.peers.append(peer)
        await follow(self.sending.lists, [peer.user], [], False)

    async def logged_out(self, peer: Peer) -> None:
        self.server.remove(peer)
        await follow(self.sending.lists, [peer.user], [], False)


async def test_everybody_in_the_room_reads_what_is_sent() -> None:
    eve, laptop, ben = Peer("@eve:home"), Peer("@eve:home", "LAPTOP"), Peer("@ben:far")
    stranger = Peer("@stranger:home")
    bot = Bot(Room("@eve:home", "@ben:far"), eve, laptop, ben, stranger)
    sealed = await bot.send()
    for peer in (eve, laptop, ben):
        payload, index = peer.read(sealed)
        assert index == 0
        assert payload == {"type": "m.room.message", "content": HELLO, "room_id": ROOM}
    assert stranger.received == []
    assert "Hello" not in json.dumps(sealed)


async def test_a_key_is_given_once_and_messages_count_up() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    indexes = [eve.read(await bot.send())[1] for _ in range(3)]
    assert indexes == [0, 1, 2]
    assert [type_ for type_, _ in eve.received] == ["m.room_key"]
    assert bot.server.calls == ["keys/query", "keys/claim"]


async def test_a_plain_room_costs_a_look_at_a_dictionary() -> None:
    room = Room("@eve:home")
    room.encryption = None
    bot = Bot(room)
    for _ in range(3):
        assert await bot.encryption.sealed(ROOM, "m.room.message", HELLO) is None
    assert room.states == 1
    assert bot.store.writes == []


async def test_a_room_that_gets_encrypted_is_encrypted_from_the_next_message_on() -> None:
    room, eve = Room("@eve:home"), Peer("@eve:home")
    room.encryption = None
    bot = Bot(room, eve)
    assert await bot.encryption.sealed(ROOM, "m.room.message", HELLO) is None
    room.encryption = MEGOLM
    bot.tell("m.room.encryption", MEGOLM)
    eve.read(await bot.send())
    room.encryption = None  # whatever a homeserver says later
    bot.restart()
    eve.read(await bot.send())
    assert await bot.store.find(EncryptedRoom) == [EncryptedRoom(ROOM, MEGOLM)]


async def test_nobody_takes_encryption_back() -> None:
    room, eve = Room("@eve:home"), Peer("@eve:home")
    bot = Bot(room, eve)
    await bot.send()
    for content in (None, {}, {"algorithm": "none"}):
        room.encryption = content
        bot.tell("m.room.encryption", content or {})
        eve.read(await bot.send())


async def test_a_room_says_anew_how_often_its_session_changes() -> None:
    room, eve = Room("@eve:home"), Peer("@eve:home")
    bot = Bot(room, eve)
    await bot.send()
    room.encryption = {**MEGOLM, "rotation_period_msgs": 1}
    bot.tell("m.room.encryption", room.encryption)
    assert eve.read(await bot.send())[1] == 0


async def test_an_unknown_encryption_is_refused_and_nothing_leaves_in_the_clear() -> None:
    room = Room("@eve:home")
    room.encryption = {"algorithm": "m.of.tomorrow"}
    with pytest.raises(RequestRefused):
        await Bot(room, Peer("@eve:home")).send()


async def test_reactions_and_relations_stay_in_the_clear() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    tap = annotation("$event", "✅")  # type: ignore[arg-type]
    assert await bot.encryption.sealed(ROOM, "m.reaction", tap) is None
    edited = edit(message("Better"), "$event")  # type: ignore[arg-type]
    sealed = await bot.send(edited)
    assert sealed["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$event"}
    assert eve.read(sealed)[0]["content"] == edited


# --- when the session changes -------------------------------------------------------------------


async def test_a_worn_session_is_replaced_by_count_and_by_age() -> None:
    room, eve = Room("@eve:home"), Peer("@eve:home")
    room.encryption = {**MEGOLM, "rotation_period_msgs": 3, "rotation_period_ms": 7_200_000}
    bot = Bot(room, eve)
    assert [eve.read(await bot.send())[1] for _ in range(4)] == [0, 1, 2, 0]
    bot.clock.ms += 7_200_000
    assert eve.read(await bot.send())[1] == 0
    assert len(eve.group) == 3


async def test_nobody_who_left_reads_on() -> None:
    eve, ben = Peer("@eve:home"), Peer("@ben:home")
    bot = Bot(Room("@eve:home", "@ben:home"), eve, ben)
    await bot.send()
    bot.member("@ben:home", "leave")
    sealed = await bot.send()
    eve.read(sealed)
    with pytest.raises(KeyError):
        ben.read(sealed)


async def test_nobody_who_leaves_while_keys_are_handed_out_reads_on() -> None:
    eve, ben = Peer("@eve:home"), Peer("@ben:home")
    bot = Bot(Room("@eve:home", "@ben:home"), eve, ben)
    call = bot.server.call

    async def leaving(method: str, path: Sequence[str], body: Any = None) -> Any:  # noqa: ANN401
        if list(path) == ["keys", "claim"] and ben.user in bot.room.people:
            bot.member("@ben:home", "leave")
        return await call(method, path, body)

    bot.server.call = leaving  # type: ignore[method-assign]
    sealed = await bot.send()
    eve.read(sealed)
    with pytest.raises(KeyError):
        ben.read(sealed)


async def test_nobody_who_left_while_the_bot_was_down_reads_on() -> None:
    eve, ben = Peer("@eve:home"), Peer("@ben:home")
    bot = Bot(Room("@eve:home", "@ben:home"), eve, ben)
    await bot.send()
    bot.room.people.discard(UserId("@ben:home"))
    bot.restart()
    sealed = await bot.send()
    eve.read(sealed)
    with pytest.raises(KeyError):
        ben.read(sealed)


async def test_a_device_that_is_gone_reads_on_no_more() -> None:
    phone, laptop = Peer("@eve:home"), Peer("@eve:home", "LAPTOP")
    bot = Bot(Room("@eve:home"), phone, laptop)
    await bot.send()
    await bot.logged_out(laptop)
    sealed = await bot.send()
    phone.read(sealed)
    with pytest.raises(KeyError):
        laptop.read(sealed)


async def test_who_comes_later_reads_from_then_on() -> None:
    eve, ben, laptop = Peer("@eve:home"), Peer("@ben:home"), Peer("@eve:home", "LAPTOP")
    bot = Bot(Room("@eve:home"), eve, ben)
    first = await bot.send()
    bot.member("@ben:home", "join")
    second = await bot.send()
    assert ben.read(second)[1] == eve.read(second)[1] == 1
    assert ben.group[first["session_id"]].first_known_index == 1
    await bot.logged_in(laptop)
    assert laptop.read(await bot.send())[1] == 2
    assert len(eve.group) == 1


async def test_somebody_without_any_device_gets_keys_with_the_first() -> None:
    bot = Bot(Room("@eve:home"))
    await bot.send()
    phone = Peer("@eve:home")
    await bot.logged_in(phone)
    phone.read(await bot.send())


async def test_invited_people_get_keys_unless_the_room_hides_what_was_before() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room(), eve)
    bot.member("@eve:home", "invite")
    eve.read(await bot.send())
    bot.room.visibility = "joined"
    bot.tell("m.room.history_visibility", {"history_visibility": "joined"})
    with pytest.raises(KeyError):
        eve.read(await bot.send())


async def test_an_invited_persons_new_device_is_seen_when_they_join() -> None:
    eve, laptop = Peer("@eve:far"), Peer("@eve:far", "LAPTOP")
    bot = Bot(Room(), eve)
    bot.member("@eve:far", "invite")
    await bot.send()
    bot.server.peers.append(laptop)  # nobody tells: no joined room is shared
    bot.clock.ms += 1
    bot.member("@eve:far", "join")
    laptop.read(await bot.send())


# --- who gets none ------------------------------------------------------------------------------


async def test_devices_that_are_not_cross_signed_are_told_so_if_the_config_wants_it() -> None:
    identity = Identity(UserId("@eve:home"))
    phone, laptop = Peer("@eve:home", "PHONE", identity), Peer("@eve:home", "LAPTOP")
    bot = Bot(Room("@eve:home"), phone, laptop, policy="cross_signed")
    sealed = await bot.send()
    phone.read(sealed)
    [(type_, told)] = laptop.received
    assert type_ == "m.room_key.withheld"
    assert told["code"] == "m.unverified"
    assert (told["room_id"], told["session_id"]) == (ROOM, sealed["session_id"])
    await bot.send()
    assert len(laptop.received) == 1
    laptop.identity = identity
    await follow(bot.sending.lists, [laptop.user], [], False)
    laptop.read(await bot.send())


async def test_a_device_without_one_time_keys_is_told_so_and_tried_again() -> None:
    eve, ben = Peer("@eve:home"), Peer("@ben:home")
    ben.one_time_keys = 0
    bot = Bot(Room("@eve:home", "@ben:home"), eve, ben)
    eve.read(await bot.send())
    [(type_, told)] = ben.received
    assert (type_, told["code"]) == ("m.room_key.withheld", "m.no_olm")
    assert "session_id" not in told
    ben.one_time_keys = 1
    await follow(bot.sending.lists, [ben.user], [], False)
    ben.read(await bot.send())
    assert len(ben.received) == 2


async def test_who_could_not_be_given_a_key_is_tried_again_after_a_while() -> None:
    eve, ben = Peer("@eve:home"), Peer("@ben:away")
    eve.one_time_keys = 0
    bot = Bot(Room("@eve:home", "@ben:away"), eve, ben)
    bot.server.failures.add("away")
    await bot.send()
    eve.one_time_keys = 1
    bot.server.failures.clear()
    with pytest.raises(KeyError):
        ben.read(await bot.send())
    bot.clock.ms += device_lists.REST_MS
    sealed = await bot.send()
    ben.read(sealed)
    with pytest.raises(KeyError):
        eve.read(sealed)
    bot.clock.ms += key_sharing.NO_OLM_AGAIN_MS
    eve.read(await bot.send())


async def test_a_one_time_key_that_its_device_did_not_sign_is_not_used() -> None:
    eve, mallory = Peer("@eve:home"), Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    eve.claimed = mallory.claimed  # type: ignore[method-assign]  # a homeserver's own key
    await bot.send()
    assert [told["code"] for _, told in eve.received] == ["m.no_olm"]


async def test_a_crowd_beyond_the_bound_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipients, "DEVICES_MAX", 2)
    peers = [Peer(f"@p{number}:home") for number in range(3)]
    bot = Bot(Room(*(peer.user for peer in peers)), *peers)
    await bot.send()
    assert [len(peer.received) for peer in peers] == [1, 1, 0]


# --- crowds and outages -------------------------------------------------------------------------


async def test_a_crowd_is_served_in_batches_each_stored_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(olm_outbound, "AT_ONCE", 2)
    peers = [Peer(f"@p{number}:home") for number in range(5)]
    bot = Bot(Room(*(peer.user for peer in peers)), *peers)
    sealed = await bot.send()
    for peer in peers:
        peer.read(sealed)
    rows = [[type(record) for record in put] for put, _ in bot.store.writes if _has_to_device(put)]
    assert [len(row) for row in rows] == [5, 5, 3]
    assert all(row.count(QueuedToDevice) == 1 for row in rows)


def _has_to_device(put: Any) -> bool:  # noqa: ANN401
    return any(isinstance(record, QueuedToDevice) for record in put)


async def test_a_message_does_not_wait_for_ever_for_a_crowds_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_sharing, "READY_WITHIN_S", 0.0)
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    go_on = asyncio.Event()
    ask = bot.server.call

    async def slow(*args: Any) -> Any:  # noqa: ANN401
        await go_on.wait()
        return await ask(*args)

    bot.server.call = slow  # type: ignore[method-assign,assignment]
    async with asyncio.timeout(10):
        with pytest.raises(Away) as away:
            await bot.send()
    assert away.value.retry_after_s == key_sharing.LOOK_AGAIN_S
    go_on.set()
    monkeypatch.setattr(key_sharing, "READY_WITHIN_S", 10.0)
    eve.read(await bot.send())
    assert bot.server.calls.count("keys/query") == 1


async def test_a_crowd_in_which_people_come_and_go_all_the_time_is_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_sharing, "CROWD", 1)
    eve, ben = Peer("@eve:home"), Peer("@ben:home")
    bot = Bot(Room("@eve:home", "@ben:home"), eve, ben)
    first = await bot.send()
    bot.member("@ben:home", "leave")
    assert (await bot.send())["session_id"] == first["session_id"]
    bot.clock.ms += key_sharing.CROWD_STEADY_MS
    assert (await bot.send())["session_id"] != first["session_id"]


async def test_an_outage_while_keys_are_handed_out_loses_nothing() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    bot.server.away = Away("gone")
    with pytest.raises(Away):
        await bot.send()
    bot.server.away = None
    eve.read(await bot.send())


async def test_a_key_that_could_not_be_stored_is_given_again() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    apply = bot.store.apply

    async def failing(put: Any = (), drop: Any = ()) -> None:  # noqa: ANN401
        if _has_to_device(put):
            raise StorageError("full")
        await apply(put, drop)

    bot.store.apply = failing  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        await bot.send()
    bot.store.apply = apply  # type: ignore[method-assign]
    eve.read(await bot.send())


async def test_before_the_bot_has_its_device_messages_wait() -> None:
    bot = Bot(Room("@eve:home"), Peer("@eve:home"))
    bot.device.is_set_up = False
    with pytest.raises(Away):
        await bot.send()


async def test_a_homeserver_without_encryption_for_the_bot_leaves_all_as_before() -> None:
    bot = Bot(Room("@eve:home"), Peer("@eve:home"))
    bot.device.problem, bot.device.had_device = "an old registration", False
    assert await bot.encryption.sealed(ROOM, "m.room.message", HELLO) is None


async def test_a_homeserver_that_takes_the_bots_device_away_gets_nothing_in_the_clear() -> None:
    bot = Bot(Room("@eve:home"), Peer("@eve:home"))
    await bot.send()
    bot.device.problem, bot.device.is_set_up = "refused from now on", False
    with pytest.raises(Away, match="refused from now on"):
        await bot.send()
    bot.room.encryption = None
    with pytest.raises(Away):
        await bot.send()


# --- crashes ------------------------------------------------------------------------------------


async def test_no_index_is_used_twice_whatever_was_lost() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    used = []
    for _ in range(5):
        used.append(eve.read(await bot.send())[1])
        bot.restart()
    assert used == [0, 1, 2, 3, 4]


async def test_nothing_is_encrypted_that_cannot_be_stored_first() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    await bot.send()
    bot.store.failure = StorageError("full")
    with pytest.raises(StorageError):
        await bot.send()
    bot.store.failure = None
    assert eve.read(await bot.send())[1] == 2


async def test_after_a_restart_who_lacks_the_key_gets_it_and_nobody_else_again() -> None:
    eve, ben = Peer("@eve:home"), Peer("@ben:home")
    bot = Bot(Room("@eve:home"), eve, ben)
    await bot.send()
    bot.room.people.add(ben.user)
    bot.restart()
    sealed = await bot.send()
    assert [peer.read(sealed)[1] for peer in (eve, ben)] == [1, 1]
    assert [len(peer.received) for peer in (eve, ben)] == [1, 1]


async def test_an_olm_session_goes_on_after_a_restart() -> None:
    room, eve = Room("@eve:home"), Peer("@eve:home")
    room.encryption = {**MEGOLM, "rotation_period_msgs": 1}
    bot = Bot(room, eve)
    for _ in range(3):
        eve.read(await bot.send())  # each time with a key that came by the same Olm session
        bot.restart()
    assert bot.server.calls.count("keys/claim") == 1
    assert len(await bot.store.find(OlmSession)) == 1


async def test_a_device_that_began_another_session_gets_keys_again() -> None:
    eve, ben = Peer("@eve:home"), Peer("@ben:home")
    bot = Bot(Room("@eve:home", "@ben:home"), eve, ben)
    await bot.send()
    eve.group.clear()
    theirs = eve.account.curve25519_key.to_base64()
    await bot.sending.sessions.give_again(eve.user, theirs)
    assert eve.read(await bot.send())[1] == 1
    assert [len(peer.received) for peer in (eve, ben)] == [2, 1]


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_device_that_began_another_session_and_is_gone_reads_on_no_more(
    is_restarted: bool,
) -> None:
    phone, laptop = Peer("@eve:home"), Peer("@eve:home", "LAPTOP")
    bot = Bot(Room("@eve:home"), phone, laptop)
    await bot.send()
    theirs = laptop.account.curve25519_key.to_base64()
    await bot.sending.sessions.give_again(laptop.user, theirs)
    if is_restarted:
        bot.restart()
    await bot.logged_out(laptop)
    sealed = await bot.send()
    phone.read(sealed)
    with pytest.raises(KeyError):
        laptop.read(sealed)


class Refusing:
    """A homeserver that takes no to-device message."""

    device = "SPACESABCDEFGH"

    async def send_to_device(self, *_: object) -> None:
        raise RequestRefused(413, "M_TOO_LARGE", "too large")


async def test_a_key_whose_message_was_refused_is_given_again() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    bot.post.holds = True
    lost = await bot.send()
    queue = ToDeviceQueue(bot.store, Refusing(), bot.clock)  # type: ignore[arg-type]
    queue.on_refused = bot.sending.sessions.give_again_to
    txns = [row.txn for row in await bot.store.find(QueuedToDevice)]
    sending = asyncio.create_task(queue.run())
    try:
        assert await queue.sent(txns, 20)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    bot.post.holds = False
    sealed = await bot.send()
    assert sealed["session_id"] == lost["session_id"]
    assert eve.read(sealed)[1] == 1


async def test_messages_sent_at_once_have_indexes_of_their_own() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    sealed = await asyncio.gather(*(bot.send() for _ in range(10)))
    assert sorted(eve.read(each)[1] for each in sealed) == list(range(10))


async def test_a_stored_session_that_cannot_be_read_is_replaced() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    await bot.store.apply([OutboundSession(ROOM, "old", "garbage", 3, 0)])
    assert eve.read(await bot.send())[1] == 0


async def test_the_bot_can_read_its_own_messages_back() -> None:
    bot = Bot(Room("@eve:home"), Peer("@eve:home"))
    sealed = await bot.send()
    [own] = await bot.store.find(InboundSession)
    assert (own.session, own.sender, own.sender_key) == (
        sealed["session_id"],
        BOT,
        sealed["sender_key"],
    )


async def test_shares_of_a_replaced_session_are_dropped() -> None:
    room, eve = Room("@eve:home"), Peer("@eve:home")
    room.encryption = {**MEGOLM, "rotation_period_msgs": 1}
    bot = Bot(room, eve)
    await bot.send()
    sealed = await bot.send()
    assert [share.session for share in await bot.store.find(KeyShare)] == [sealed["session_id"]]


async def test_a_long_message_is_cut_to_what_fits() -> None:
    eve = Peer("@eve:home")
    bot = Bot(Room("@eve:home"), eve)
    for content in (
        message("ä" * 40_000),
        message("x" * 23_000, "<b>" + "y" * 23_000 + "</b>"),
        edit(message("z" * 30_000), "$event"),  # type: ignore[arg-type]
    ):
        sealed = await bot.send(content)
        assert len(json.dumps(sealed)) < 61_000
        read = eve.read(sealed)[0]["content"]
        assert "formatted_body" not in read
        assert len(json.dumps(read, ensure_ascii=False).encode()) <= PLAINTEXT_MAX_BYTES + 100


async def test_a_room_id_that_is_none_is_survived() -> None:
    bot = Bot(Room("@eve:home"))
    odd: Mapping[str, Any] = {"type": "m.room.encryption", "state_key": "", "room_id": []}
    for event in (odd, {**odd, "type": []}, {**odd, "type": "m.room.member"}):
        bot.encryption.note(event)
