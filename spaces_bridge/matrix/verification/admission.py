"""Who may begin a verification: what is asked first, and how it is refused."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.verification import words
from spaces_bridge.matrix.verification.book import Name, Running, VerificationBook
from spaces_bridge.matrix.verification.limits import REFUSED_KEPT
from spaces_bridge.matrix.verification.needs import Courier, VerificationNeeds
from spaces_bridge.matrix.verification.values import (
    SAS_METHOD,
    CancelCode,
    Exchange,
    Side,
    cancellation,
)

log = logging.getLogger(__name__)

CancelRunning = Callable[[Running, CancelCode], Awaitable[None]]


class VerificationAdmission:
    """The admission of verifications. Its methods raise AdapterError: hand in the same again."""

    def __init__(
        self, needs: VerificationNeeds, book: VerificationBook, cancel: CancelRunning
    ) -> None:
        """`cancel` ends a verification under way."""
        self._needs = needs
        self._book = book
        self._cancel = cancel
        self._refused: OrderedDict[Name, None] = OrderedDict()

    async def welcome(
        self, name: Name, device: str, methods: Sequence[str], courier: Courier
    ) -> Exchange | None:
        """Return what the new verification is about; None when it is refused or ignored."""
        user, room, id_ = name
        own, now_ms = self._needs.own_keys(), self._needs.clock.now_ms()
        if own is None or name in self._refused or self._book.is_pestered_by(user, now_ms):
            return None
        if self._book.is_full_for(user, now_ms):
            await self._refuse(name, courier, CancelCode.USER, words.CROWDED)
            return None
        if SAS_METHOD not in methods:
            await courier.tell(words.cannot(", ".join(methods)), f"methods:{id_}")
            await self._refuse(name, courier, CancelCode.UNKNOWN_METHOD)
            return None
        others = self._book.alive_of(user)
        if others:
            for other in others:
                await self._cancel(other, CancelCode.UNEXPECTED_MESSAGE)
            await self._refuse(name, courier, CancelCode.UNEXPECTED_MESSAGE, words.TWO_AT_ONCE)
            return None
        theirs = await self._needs.peers.keys_of(user, device)
        if theirs is None:
            await self._refuse(name, courier, CancelCode.KEY_MISMATCH)
            return None
        us = Side(own.user, own.device, _keys(own.device, own.device_key, own.master_key))
        them = Side(user, device, _keys(device, theirs.device, theirs.master))
        return Exchange(id_, us, them, in_room=room != "")

    async def refuse_unknown(self, name: Name, courier: Courier) -> None:
        """Say once, in a room alone with the person, that there is no such verification."""
        if name not in self._refused and await self._needs.is_direct(RoomId(name[1])):
            await self._refuse(name, courier, CancelCode.UNKNOWN_TRANSACTION)

    async def _refuse(
        self, name: Name, courier: Courier, code: CancelCode, reason: str = ""
    ) -> None:
        """Cancel what was never begun; once, however often it is tried."""
        nobody = Side(name[0], "", {})
        exchange = Exchange(name[2], nobody, nobody, in_room=name[1] != "")
        await courier.send(cancellation(exchange, code, reason))
        self._book.count_refusal(name[0], self._needs.clock.now_ms())
        log.info("a verification with %s is refused: %s", name[0], code.code)
        self._refused[name] = None
        if len(self._refused) > REFUSED_KEPT:
            self._refused.popitem(last=False)


def _keys(device: str, device_key: str, master: str | None) -> dict[str, str]:
    """Return the keys that are verified, by key id. Spec: "Cross-signing"."""
    found = {f"ed25519:{device}": device_key}
    if master is not None:
        found[f"ed25519:{master}"] = master
    return found
