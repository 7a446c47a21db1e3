"""Olm sessions that are broken, replaced: the other side uses the new one from then on.

Spec: Client-Server API, "Recovering from undecryptable messages".
"""

import asyncio
import logging
from collections import deque
from typing import Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.limits import UNWEDGE_PER_PERSON_BURST, UNWEDGE_PER_S
from spaces_bridge.matrix.crypto.olm_outbound import OlmSender
from spaces_bridge.pacing.token_bucket import TokenBuckets

log = logging.getLogger(__name__)

HELD_MAX: Final = 1000
"""Broken sessions that wait to be replaced; the others are when the next message comes."""


class Unwedging:
    """The replacer of broken Olm sessions: one in an hour for each device, a few for a person."""

    def __init__(self, sender: OlmSender, devices: DeviceLists) -> None:
        self._sender = sender
        self._devices = devices
        self._of_device = TokenBuckets(1, UNWEDGE_PER_S)
        self._of_person = TokenBuckets(UNWEDGE_PER_PERSON_BURST, UNWEDGE_PER_S)
        self._broken: deque[tuple[UserId, str]] = deque()
        self._news = asyncio.Event()

    def session_broken(self, user: UserId, sender_key: str) -> None:
        """Have the session with this device replaced. Returns at once."""
        if len(self._broken) >= HELD_MAX:
            return
        if self._of_device.take((user, sender_key)) and self._of_person.take(user):
            self._broken.append((user, sender_key))
            self._news.set()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._broken:
                user, sender_key = self._broken.popleft()
                try:
                    await self._replace(user, sender_key)
                except AdapterError as error:
                    log.info("an Olm session was not replaced: %s", error)

    async def _replace(self, user: UserId, sender_key: str) -> None:
        """Begin a new session with the device of this key, if it is the person's."""
        known = await self._devices.devices_of([user])
        for device in known.get(user, ()):
            if device.curve25519 == sender_key:
                is_begun = await self._sender.begin_anew(device)
                log.info(
                    "the Olm session with device %s of %s was broken: %s",
                    device.device,
                    user,
                    "a new one is begun" if is_begun else "it has no key for a new one",
                )
