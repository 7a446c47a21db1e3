"""Keys of rooms that come by to-device messages, and words that one is not given.

Spec: Client-Server API, "m.room_key" and "m.room_key.withheld". Keys that somebody passes on
(`m.forwarded_room_key`) are not taken: nothing shows whose they are.
"""

import logging
from typing import Final

import vodozemac

from spaces_bridge.app.crypto_ports import CryptoRecord, CryptoStore, InboundSession, Withheld
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.budgets import SenderBudget
from spaces_bridge.matrix.crypto.limits import (
    INDEX_MAX,
    NEW_MEGOLM_BURST,
    NEW_MEGOLM_PER_S,
    NEW_MEGOLM_SERVER_BURST,
    NEW_MEGOLM_SERVER_PER_S,
    WITHHELD_BURST,
    WITHHELD_PER_S,
    WITHHELD_SERVER_BURST,
    WITHHELD_SERVER_PER_S,
)
from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent
from spaces_bridge.matrix.events.envelope import is_id

log = logging.getLogger(__name__)

MEGOLM: Final = "m.megolm.v1.aes-sha2"
CODE_MAX: Final = 100
WITHHELD_TYPES: Final = frozenset({"m.room_key.withheld", "org.matrix.room_key.withheld"})


class RoomKeys:
    """The keys of rooms that others give us."""

    def __init__(self, store: CryptoStore, account: OwnAccount, clock: Clock) -> None:
        self._store = store
        self._pickle_key = account.pickle_key
        self._clock = clock
        self._new = SenderBudget(
            account.user,
            (NEW_MEGOLM_BURST, NEW_MEGOLM_PER_S),
            (NEW_MEGOLM_SERVER_BURST, NEW_MEGOLM_SERVER_PER_S),
        )
        self._withholding = SenderBudget(
            account.user,
            (WITHHELD_BURST, WITHHELD_PER_S),
            (WITHHELD_SERVER_BURST, WITHHELD_SERVER_PER_S),
        )

    async def records(self, event: ToDeviceEvent) -> list[CryptoRecord]:
        """Return what is to be stored of a to-device message; of most kinds it is nothing.

        Raises StorageError.
        """
        if event.type == "m.room_key":
            session = await self._session(event)
            return [] if session is None else [session]
        if event.type in WITHHELD_TYPES:
            withheld = self._withheld(event)
            return [] if withheld is None else [withheld]
        return []

    async def _session(self, event: ToDeviceEvent) -> InboundSession | None:
        room, session_id, key = (
            event.content.get(name) for name in ("room_id", "session_id", "session_key")
        )
        if event.sender_key is None or event.signing_key is None:
            return None  # whoever sends a key in the clear has shown it to the homeserver
        if event.content.get("algorithm") != MEGOLM or not is_id(room) or not is_id(session_id):
            return None
        session = _session_of(key)
        if session is None or session.session_id != session_id:
            return None
        if session.first_known_index > INDEX_MAX:
            return None
        found = await self._store.find(
            InboundSession,
            room=str(room),
            session=session.session_id,
            sender_key=event.sender_key,
        )
        if found and found[0].first_index <= session.first_known_index:
            return None
        if not found and not self._new.take(event.sender):
            log.warning("%s, or their server, gives too many keys: one is refused", event.sender)
            return None
        return InboundSession(
            RoomId(str(room)),
            session.session_id,
            event.sender_key,
            event.signing_key,
            event.sender,
            session.pickle(self._pickle_key),
            session.first_known_index,
            self._clock.now_ms(),
        )

    def _withheld(self, event: ToDeviceEvent) -> Withheld | None:
        room, session, code = (
            event.content.get(name) for name in ("room_id", "session_id", "code")
        )
        if not is_id(room) or not is_id(session) or not isinstance(code, str):
            return None
        if not self._withholding.take(event.sender):
            return None
        now = self._clock.now_ms()
        return Withheld(RoomId(str(room)), str(session), event.sender, code[:CODE_MAX], now)


def is_no_olm(event: ToDeviceEvent) -> bool:
    """Return whether the sender's device could begin no Olm session with us."""
    return event.type in WITHHELD_TYPES and event.content.get("code") == "m.no_olm"


def _session_of(key: object) -> vodozemac.InboundGroupSession | None:
    if not isinstance(key, str) or len(key) > 1000:
        return None
    try:
        return vodozemac.InboundGroupSession(vodozemac.SessionKey(key))
    except ValueError:
        return None
