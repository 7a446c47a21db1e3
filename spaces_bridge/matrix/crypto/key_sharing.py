"""The keys of rooms' messages: who gets them, before the message that needs them leaves.

A session is changed when it is worn, and when somebody or some device that has its key is gone.
Spec: Client-Server API, "m.room_key" and "m.room_key.withheld".
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final

from spaces_bridge.app.crypto_ports import KeyShare, KnownDevice
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.encrypted_rooms import RoomMembers
from spaces_bridge.matrix.crypto.olm_outbound import OlmAccount, OlmSender, ToDeviceSender
from spaces_bridge.matrix.crypto.outbound_sessions import (
    DeviceName,
    OutboundSessions,
    RoomSession,
    Rotation,
)
from spaces_bridge.matrix.crypto.peer_keys import MEGOLM, OLM
from spaces_bridge.matrix.crypto.recipients import (
    DEVICES_MAX,
    WORDS,
    Recipients,
    ShareKeysWith,
    Withholding,
    recipients_of,
)

log = logging.getLogger(__name__)

READY_WITHIN_S: Final = 5.0
"""How long a message waits for its room's keys; in a crowd the rest goes on beside it."""
LOOK_AGAIN_S: Final = 2.0
"""When a message that waited in vain is tried again."""
INVITED_ASKED_EVERY_MS: Final = 60_000
"""How old what is known of invited people's devices may be: no news of them come."""
NO_OLM_AGAIN_MS: Final = 600_000
"""When a device without one-time keys is tried again."""
NO_OLM_KEPT: Final = 10_000
SENT_FIRST_MAX: Final = 4
"""Batches of keys up to which the message waits until they have left."""
SENT_WITHIN_S: Final = 2.0
CROWD: Final = 500
"""The devices of a room from which its keys take long to hand out."""
CROWD_STEADY_MS: Final = 10_000
"""How long a crowd's key is used after it was handed out, whoever comes and goes meanwhile.

Else a crowd in which somebody leaves all the time would never be written to.
"""


class KeySharing:
    """The keys of all encrypted rooms."""

    def __init__(
        self,
        account: OlmAccount,
        lists: DeviceLists,
        members: RoomMembers,
        sessions: OutboundSessions,
        olm: OlmSender,
        queue: ToDeviceSender,
        clock: Clock,
        policy: ShareKeysWith,
    ) -> None:
        self._account = account
        self._lists = lists
        self._members = members
        self._sessions = sessions
        self._olm = olm
        self._queue = queue
        self._clock = clock
        self._policy: ShareKeysWith = policy
        self._preparing: dict[RoomId, asyncio.Task[RoomSession]] = {}
        self._handed_out_ms: dict[RoomId, int] = {}
        """When a crowd's key was handed out."""
        self._no_olm_until: dict[DeviceName, int] = {}
        self.counts: Counter[str] = Counter()
        """Numbers for the metrics: `shared`, `withheld`."""
        lists.on_change(self._devices_changed)

    async def session_for(self, room: RoomId, rotation: Rotation) -> RoomSession:
        """Return the session to encrypt the room's next message with.

        Its key is queued for everybody who is to have it. Raises RequestRefused, StorageError,
        and Away: also while a crowd's keys are being handed out.
        """
        session, task = self._sessions.held(room), self._preparing.get(room)
        if task is None and session is not None and self._is_ready(session, rotation):
            return session
        if task is None:
            task = asyncio.create_task(self._prepare(room, rotation), name=f"keys of {room}")
            self._preparing[room] = task
            task.add_done_callback(partial(self._prepared, room))
        await asyncio.wait({task}, timeout=READY_WITHIN_S)
        if not task.done():
            raise Away("The keys of a large room are on their way.", retry_after_s=LOOK_AGAIN_S)
        return task.result()

    def _is_ready(self, session: RoomSession, rotation: Rotation) -> bool:
        now_ms = self._clock.now_ms()
        if session.is_worn(rotation, now_ms):
            return False
        if session.again_at_ms is not None and now_ms >= session.again_at_ms:
            return False
        handed_out_ms = self._handed_out_ms.get(session.room, -CROWD_STEADY_MS)
        return session.is_shared or 0 <= now_ms - handed_out_ms < CROWD_STEADY_MS

    def doubt(self) -> None:
        """Look again at who is to have the keys of all rooms: events may have been missed."""
        self._members.doubt()
        self._sessions.doubt()

    async def stop(self) -> None:
        """Stop handing out keys; what was queued is kept. Safe to repeat."""
        tasks = list(self._preparing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- a room's keys --------------------------------------------------------------------------

    async def _prepare(self, room: RoomId, rotation: Rotation) -> RoomSession:
        session = await self._prepare_once(room, rotation)
        if session.is_doubted and len(session.shares) <= CROWD:
            # somebody left, came, or could not be told meanwhile: that counts for this message
            session = await self._prepare_once(room, rotation)
        return session

    async def _prepare_once(self, room: RoomId, rotation: Rotation) -> RoomSession:
        session = await self._sessions.of(room)
        if session is None or session.is_worn(rotation, self._clock.now_ms()):
            self._members.forget(room)  # read anew: whatever events did not say counts now
            session = await self._sessions.make(room)
        session.is_doubted = False
        people = await self._people(room)
        wanted = await self._recipients(room, people)
        if _has_lost(session, wanted):
            session = await self._sessions.make(room)
        session.people = frozenset(people)
        try:
            await self._share(session, wanted)
        except BaseException:
            self._sessions.drop(room)  # what is noted in memory may not be stored
            raise
        session.is_shared = not session.is_doubted
        session.again_at_ms = self._again_at_ms(people, wanted)
        if len(session.shares) > CROWD:
            self._handed_out_ms[room] = self._clock.now_ms()
        return session

    def _again_at_ms(self, people: Collection[UserId], wanted: Recipients) -> int | None:
        """Return when somebody is to be tried again who could not be given the key."""
        names = [(device.user, device.device) for device in wanted.trusted]
        waits = [self._no_olm_until[name] for name in names if name in self._no_olm_until]
        asked = self._lists.asked_again_at_ms(people)
        return min([*waits, *([asked] if asked is not None else [])], default=None)

    async def _people(self, room: RoomId) -> Collection[UserId]:
        """Return everybody in the room who is to have its keys, but the bot."""
        members = await self._members.of(room)
        self._lists.doubt(members.invited, INVITED_ASKED_EVERY_MS)
        return members.all - {self._account.user}

    def _prepared(self, room: RoomId, task: asyncio.Task[RoomSession]) -> None:
        self._preparing.pop(room, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # who waits hears of it, too; nobody may wait any more
            log.info("the keys of %s are not handed out: %s", room, error)
            if not isinstance(error, AdapterError):
                log.error("the keys of %s are not handed out", room, exc_info=error)

    async def _recipients(self, room: RoomId, people: Collection[UserId]) -> Recipients:
        devices = await self._lists.devices_of(people)
        recipients = recipients_of(
            (device for user in sorted(people) for device in devices[user]), self._policy
        )
        if recipients.left_out:
            log.warning(
                "%d devices in %s are beyond %d and cannot read the bot",
                recipients.left_out,
                room,
                DEVICES_MAX,
            )
        return recipients

    async def _share(self, session: RoomSession, wanted: Recipients) -> None:
        """Queue the session's key for the devices that lack it, or the reason why not."""
        index, now_ms = session.group.message_index, self._clock.now_ms()
        key = session.group.session_key.to_base64()
        lacking = [d for d in wanted.trusted if self._lacks(session, d, now_ms)]
        content = {
            "algorithm": MEGOLM,
            "room_id": session.room,
            "session_id": session.group.session_id,
            "session_key": key,
        }
        also = partial(self._noted, session, index, Withholding.NONE)
        outcome = await self._olm.send(lacking, "m.room_key", content, also)
        self.counts["shared"] += len(outcome.reached)
        for device in outcome.reached:
            self._no_olm_until.pop((device.user, device.device), None)
        await self._withhold(session, index, outcome.unreached, Withholding.NO_OLM)
        if len(outcome.txns) <= SENT_FIRST_MAX:
            await self._queue.sent(outcome.txns, SENT_WITHIN_S)
        unread = [d for d in wanted.untrusted if (d.user, d.device) not in session.shares]
        await self._withhold(session, index, unread, Withholding.UNVERIFIED)

    def _lacks(self, session: RoomSession, device: KnownDevice, now_ms: int) -> bool:
        """Return whether the device is to be given the key now."""
        name = (device.user, device.device)
        share = session.shares.get(name)
        if share is None or share.code == Withholding.UNVERIFIED:
            return True
        if share.code == Withholding.NO_OLM:
            return self._no_olm_until.get(name, 0) <= now_ms
        return share.curve25519 != device.curve25519

    async def _withhold(
        self,
        session: RoomSession,
        index: int,
        devices: Sequence[KnownDevice],
        code: Withholding,
    ) -> None:
        """Tell devices why they do not get the key, once each."""
        if code is Withholding.NO_OLM:
            self._rest(devices)
        untold = [d for d in devices if (d.user, d.device) not in session.shares]
        content: dict[str, Any] = {
            "algorithm": MEGOLM,
            "sender_key": self._account.curve25519,
            "from_device": self._account.device,
            "code": code.value,
            "reason": WORDS[code],
        }
        if code is Withholding.NO_OLM:
            content["algorithm"] = OLM  # by the spec, no room and no session are named
        else:
            content |= {"room_id": session.room, "session_id": session.group.session_id}
        also = partial(self._noted, session, index, code)
        self.counts["withheld"] += len(untold)
        await self._olm.send_plain(untold, "m.room_key.withheld", content, also)

    def _rest(self, devices: Sequence[KnownDevice]) -> None:
        again_ms = self._clock.now_ms() + NO_OLM_AGAIN_MS
        for device in devices:
            self._no_olm_until[device.user, device.device] = again_ms
        while len(self._no_olm_until) > NO_OLM_KEPT:
            del self._no_olm_until[next(iter(self._no_olm_until))]

    def _noted(
        self,
        session: RoomSession,
        index: int,
        code: Withholding,
        devices: Sequence[KnownDevice],
    ) -> Sequence[KeyShare]:
        """Note what these devices got of the session; returned for the database."""
        shares = [
            KeyShare(session.group.session_id, d.user, d.device, d.curve25519, index, code.value)
            for d in devices
        ]
        session.shares |= {(share.user, share.device): share for share in shares}
        return shares

    def _devices_changed(self, users: Iterable[UserId]) -> None:
        for user in users:
            for name in [name for name in self._no_olm_until if name[0] == user]:
                del self._no_olm_until[name]
        self._sessions.doubt_people(list(users))


def _has_lost(session: RoomSession, wanted: Recipients) -> bool:
    """Return whether somebody has the session's key who is not to read what comes."""
    rightful = {(device.user, device.device) for device in wanted.trusted}
    return any(name not in rightful for name in session.holders())
