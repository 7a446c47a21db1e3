"""A verification service with its surroundings written down, and people who verify the bot."""

import itertools
from collections.abc import Mapping
from typing import Any

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.verification_ports import BotKeys, ShownVerification
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.events.verification import REQUEST, VerificationMessage
from spaces_bridge.matrix.verification.needs import PeerKeys, VerificationNeeds
from spaces_bridge.matrix.verification.service import VerificationService
from spaces_bridge.matrix.verification.values import OutgoingVerification
from tests.matrix.bare_verifier import BareVerifier

BOT = UserId("@m:example.org")
ANN = UserId("@ann:example.org")
DM = RoomId("!dm:example.org")
DEVICE_KEY, MASTER = "d" * 43, "M" * 43
HER_DEVICE_KEY, HER_MASTER = "h" * 43, "A" * 43
BOT_KEYS = {"ed25519:BOTDEVICE": DEVICE_KEY, f"ed25519:{MASTER}": MASTER}
HER_KEYS = {"ed25519:HERS": HER_DEVICE_KEY, f"ed25519:{HER_MASTER}": HER_MASTER}

Content = dict[str, Any]


class HandSetClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.at_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.at_ms


class WrittenDown:
    """Implements `Courier`, `PeerKeyBook` and `Endorser` by writing down what is asked of it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, OutgoingVerification]] = []
        """To whom (a room, or a device), and what."""
        self.told: list[str] = []
        self.endorsed: list[tuple[UserId, str]] = []
        self.away = False
        self.known: dict[tuple[UserId, str], PeerKeys | None] = {}

    def check(self) -> None:
        if self.away:
            raise AdapterError("away")

    async def keys_of(self, user: UserId, device: str) -> PeerKeys | None:
        self.check()
        return self.known.get((user, device), PeerKeys(HER_DEVICE_KEY, HER_MASTER))

    async def endorse(self, user: UserId, master: str) -> None:
        self.check()
        self.endorsed.append((user, master))

    def kinds(self) -> list[str]:
        return [out.type.removeprefix("m.key.verification.") for _, out in self.sent]

    def last(self, kind: str) -> Content:
        found = [out for _, out in self.sent if out.type == f"m.key.verification.{kind}"]
        return dict(found[-1].content)


class _Courier:
    def __init__(self, book: WrittenDown, to: str) -> None:
        self._book = book
        self._to = to

    async def send(self, out: OutgoingVerification) -> None:
        self._book.check()
        self._book.sent.append((self._to, out))

    async def tell(self, text: str, _key: str) -> None:
        self._book.check()
        self._book.told.append(text)


class Verifying:
    """A service, what it does, and its clock."""

    def __init__(self, own: BotKeys | None = None) -> None:
        self.done = WrittenDown()
        self.clock = HandSetClock()
        self.direct = {DM}
        self.own: BotKeys | None = own or BotKeys(BOT, "BOTDEVICE", DEVICE_KEY, MASTER)
        self._events = itertools.count(1)

        async def is_direct(room: RoomId) -> bool:
            return room in self.direct

        self.service = VerificationService(
            VerificationNeeds(
                lambda: self.own,
                self.done,
                self.done,
                lambda room, _id: _Courier(self.done, room),
                lambda user, device, _id: _Courier(self.done, f"{user} {device}"),
                is_direct,
                lambda ticket: f"https://spaces.example.org/verify/{ticket}",
                self.clock,
            )
        )

    def message(
        self,
        type_: str,
        content: Mapping[str, Any],
        *,
        id_: str = "",
        user: UserId = ANN,
        room: RoomId = DM,
    ) -> VerificationMessage:
        event = EventId(f"${next(self._events)}")
        at_ms = self.clock.now_ms()
        return VerificationMessage(room, event, user, type_, content, EventId(id_ or event), at_ms)

    def request(
        self, user: UserId = ANN, room: RoomId = DM, **changed: object
    ) -> VerificationMessage:
        content = {"from_device": "HERS", "methods": ["m.sas.v1", "m.qr_code.scan.v1"], "to": BOT}
        return self.message(REQUEST, {**content, **changed}, user=user, room=room)

    async def asked(self, user: UserId = ANN, room: RoomId = DM) -> BareVerifier:
        """Somebody asks in a room; the client that did."""
        request = self.request(user, room)
        await self.service.in_room(request)
        relation = {"rel_type": "m.reference", "event_id": request.id}
        return _client(user, {"m.relates_to": relation}, request.id)

    async def asked_by_device(self, txn: str = "txn1", **changed: object) -> BareVerifier:
        """Somebody asks by to-device; the client that did."""
        content = {
            "from_device": "HERS",
            "methods": ["m.sas.v1"],
            "timestamp": self.clock.now_ms(),
            "transaction_id": txn,
        }
        await self.service.to_device(REQUEST, ANN, {**content, **changed})
        return _client(ANN, {"transaction_id": txn}, txn)

    async def says(self, her: BareVerifier, kind: str, content: Mapping[str, Any]) -> None:
        """Her client sends a message, the way that it asked."""
        type_, user = f"m.key.verification.{kind}", UserId(her.user)
        if "transaction_id" in her.reference:
            await self.service.to_device(type_, user, content)
        else:
            await self.service.in_room(self.message(type_, content, id_=her.id, user=user))

    async def compares(self, her: BareVerifier) -> None:
        """Her client starts, and both exchange keys."""
        await self.says(her, "start", her.start())
        await self.says(her, "key", her.accepted(self.done.last("accept")))
        her.keyed(self.done.last("key"))

    async def confirms(self, her: BareVerifier) -> None:
        """She says that the emoji match."""
        await self.says(her, "mac", her.mac())
        her.maced(self.done.last("mac"))
        await self.says(her, "done", dict(her.reference))

    def shown(self) -> ShownVerification:
        """What the page shows at the last link that was written."""
        shown = self.service.shown(self.ticket())
        assert shown is not None
        return shown

    def ticket(self) -> str:
        links = [text for text in self.done.told if "/verify/" in text]
        return links[-1].partition("/verify/")[2].split()[0]


def _client(user: UserId, reference: Content, id_: str) -> BareVerifier:
    bot = (BOT, "BOTDEVICE")
    return BareVerifier(user, "HERS", dict(HER_KEYS), bot, BOT_KEYS, reference, id_)
