"""The service of verifications: several at once, with their clock and what leaves because of them.

Who may ask: anybody, for themselves. A verification lives in memory only: after a restart it is
begun again by the person. Messages in rooms come from the inbox, each until it was handled, so
that what could not be sent is sent when the same event comes again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, assert_never

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.verification_ports import (
    BotKeys,
    ShownVerification,
    VerificationOutcome,
)
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.text import sas_emojis
from spaces_bridge.matrix.events.envelope import is_id
from spaces_bridge.matrix.events.verification import REQUEST, VerificationMessage
from spaces_bridge.matrix.verification import machine, words
from spaces_bridge.matrix.verification.admission import VerificationAdmission
from spaces_bridge.matrix.verification.book import (
    Deed,
    Endorsing,
    Name,
    Running,
    Telling,
    VerificationBook,
)
from spaces_bridge.matrix.verification.heard import (
    InvalidMessage,
    device_in,
    heard_in,
    methods_in,
)
from spaces_bridge.matrix.verification.limits import (
    AHEAD_MS,
    BEGIN_AFTER_MS,
    LIVES_MS,
)
from spaces_bridge.matrix.verification.needs import Courier, VerificationNeeds
from spaces_bridge.matrix.verification.values import (
    PREFIX,
    SAS_METHOD,
    CancelCode,
    OutgoingVerification,
)
from spaces_bridge.pacing.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)

CourierTo = Callable[[str], Courier]
"""Returns the courier to a device, by its id."""

TICK_S: Final = 1.0
"""The pause between looks at the clock while any verification is under way."""

MISMATCHED_SAS: Final = "m.mismatched_sas"

_SILENT: Final = frozenset({f"{PREFIX}cancel", f"{PREFIX}done", f"{PREFIX}ready"})
"""Messages that are not answered when they are about nothing we know."""


class VerificationService:
    """The service of verifications. Implements `VerificationDesk`."""

    def __init__(self, needs: VerificationNeeds) -> None:
        self._needs = needs
        self._book = VerificationBook()
        self._locks = KeyedLocks()
        self._admission = VerificationAdmission(needs, self._book, self._cancel)
        self._any = asyncio.Event()

    def bot_keys(self) -> BotKeys | None:
        """Return the bot's keys; None: there are none yet."""
        return self._needs.own_keys()

    def shown(self, ticket: str) -> ShownVerification | None:
        """Return the verification whose code is shown at this ticket."""
        return self._book.shown(ticket)

    # --- what comes ---------------------------------------------------------------------------

    async def in_room(self, said: VerificationMessage) -> None:
        """Act on a message in a room. Raises AdapterError: hand the same one in again."""
        name = said.sender, said.room, said.id
        async with self._locks.holding(said.sender):
            courier = self._needs.courier_in(said.room, said.id)
            if said.is_request:
                if await self._needs.is_direct(said.room):
                    await self._requested(name, said.content, said.at_ms, lambda _: courier)
            elif self._book.find(name) is not None:
                await self._heard(name, said.type, said.content, said.event)
            elif said.type not in _SILENT and not self._book.has(said.room, said.id):
                # an answer to what somebody says of another's would cancel that
                await self._admission.refuse_unknown(name, courier)

    async def to_device(self, type_: str, sender: UserId, content: Mapping[str, Any]) -> None:
        """Act on a to-device message. Nothing is raised: who hears nothing begins again."""
        id_ = content.get("transaction_id")
        if not is_id(id_):
            return
        name = sender, "", str(id_)
        try:
            async with self._locks.holding(sender):
                await self._to_device(name, type_, content)
        except AdapterError as error:
            log.warning("a verification with %s waits for the homeserver: %s", sender, error)

    async def _to_device(self, name: Name, type_: str, content: Mapping[str, Any]) -> None:
        user, _, id_ = name

        def courier_to(device: str) -> Courier:
            return self._needs.courier_to(user, device, id_)

        if type_ == REQUEST:
            at_ms = content.get("timestamp")
            sent_at = at_ms if isinstance(at_ms, int) else None
            await self._requested(name, content, sent_at, courier_to)
        elif self._book.find(name) is not None:
            await self._heard(name, type_, content, "")
        elif type_ == f"{PREFIX}start":
            await self._started_unasked(name, content, courier_to)
        # other unknown ones name no device that could be answered

    async def _requested(
        self, name: Name, content: Mapping[str, Any], at_ms: int | None, courier_to: CourierTo
    ) -> None:
        known = self._book.find(name)
        if known is not None:  # it came twice
            await self._work_off(known)
            return
        age_ms = self._needs.clock.now_ms() - at_ms if at_ms is not None else LIVES_MS
        if not -AHEAD_MS <= age_ms < LIVES_MS:
            log.info("a request to verify from %s is too old or has no time", name[0])
            return
        try:
            device, methods = device_in(content), methods_in(content)
        except InvalidMessage:
            log.info("a request to verify from %s is malformed", name[0])
            return
        courier = courier_to(device)
        exchange = await self._admission.welcome(name, device, methods, courier)
        if exchange is None:
            return
        ready = exchange.content(from_device=exchange.us.device, methods=[SAS_METHOD])
        running = self._enter(name, machine.Ready(exchange), courier)
        running.deeds.append(OutgoingVerification(f"{PREFIX}ready", ready))
        await self._work_off(running)

    async def _started_unasked(
        self, name: Name, content: Mapping[str, Any], courier_to: CourierTo
    ) -> None:
        """Accept a start without a request, as older clients send it by to-device."""
        try:
            device = device_in(content)
        except InvalidMessage:
            return
        courier = courier_to(device)
        exchange = await self._admission.welcome(name, device, (SAS_METHOD,), courier)
        if exchange is not None:
            self._enter(name, machine.Ready(replace(exchange, is_requested=False)), courier)
            await self._heard(name, f"{PREFIX}start", content, "")

    async def _heard(self, name: Name, type_: str, content: Mapping[str, Any], event: str) -> None:
        running = self._book.find(name)
        if running is None:
            return
        if event == "" or event not in running.heard:
            running.heard.add(event)
            try:
                step = machine.hear(running.state, heard_in(type_, content))
            except InvalidMessage:
                step = machine.cancel(running.state, CancelCode.INVALID_MESSAGE)
            self._advance(running, step)
        await self._work_off(running)

    # --- what follows -------------------------------------------------------------------------

    def _enter(self, name: Name, ready: machine.Ready, courier: Courier) -> Running:
        now_ms = self._needs.clock.now_ms()
        running = Running(ready, courier, now_ms)
        self._book.enter(name, running)
        self._book.count(name[0], now_ms)
        self._any.set()
        return running

    def _advance(self, running: Running, step: machine.Step) -> None:
        before, running.state = running.state, step.state
        running.deeds.extend(step.out)
        match step.state:
            case machine.Comparing() if not isinstance(before, machine.Comparing):
                self._compare(running, step.state)
            case machine.Confirmed() if not isinstance(before, machine.Confirmed):
                self._confirm(running, step.state)
            case machine.Over() if step.state.cancelled is not None:
                self._end(running, step.state, step.state.cancelled)
            case _:
                pass

    def _compare(self, running: Running, state: machine.Comparing) -> None:
        user, id_ = state.exchange.them.user, state.exchange.id
        page = self._needs.page_of(self._book.show(running, state))
        emojis = sas_emojis.named(state.code.emojis)
        log.info("verification with %s: compare %s; %s", user, emojis, state.code.decimals)
        running.deeds.append(Telling(words.compare(page), f"compare:{id_}"))

    def _confirm(self, running: Running, state: machine.Confirmed) -> None:
        them = state.exchange.them
        log.info("verification with %s completed: %s", them.user, ", ".join(state.verified))
        self._outcome(running, VerificationOutcome.VERIFIED)
        own_device = f"ed25519:{them.device}"
        for id_ in state.verified:
            if id_ != own_device:
                running.deeds.append(Endorsing(them.user, them.keys[id_]))

    def _end(self, running: Running, state: machine.Over, code: str) -> None:
        user = state.exchange.them.user
        self._outcome(running, VerificationOutcome.CANCELLED)
        if code != MISMATCHED_SAS:
            log.info("verification with %s cancelled: %s", user, code)
            return
        log.warning("verification with %s: they say that the emoji differ", user)
        running.deeds.append(Telling(words.MISMATCH, f"mismatch:{state.exchange.id}"))

    def _outcome(self, running: Running, outcome: VerificationOutcome) -> None:
        if running.shown is not None:
            running.shown = replace(running.shown, outcome=outcome)

    async def _cancel(self, running: Running, code: CancelCode) -> None:
        self._advance(running, machine.cancel(running.state, code))
        await self._work_off(running)

    async def _work_off(self, running: Running) -> None:
        """Do what is to be done, in order; what fails stays, and is tried again."""
        while running.deeds:
            await self._do(running.courier, running.deeds[0])
            running.deeds.popleft()

    async def _do(self, courier: Courier, deed: Deed) -> None:
        match deed:
            case OutgoingVerification():
                await courier.send(deed)
            case Telling():
                await courier.tell(deed.text, deed.key)
            case Endorsing():
                await self._needs.endorser.endorse(deed.user, deed.master)
            case _:
                assert_never(deed)

    # --- the clock ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Look at the clock until cancelled."""
        while True:
            await self._any.wait()
            await asyncio.sleep(TICK_S)
            await self.tick()

    async def tick(self) -> None:
        """Start where nobody does, cancel what lasts too long, forget what ended."""
        self._any.clear()
        for (user, _, _), running in self._book:
            self._any.set()
            try:
                async with self._locks.holding(user):
                    await self._look(running)
            except AdapterError as error:
                log.warning("a verification with %s waits for the homeserver: %s", user, error)
        self._book.forget_old(self._needs.clock.now_ms())

    async def _look(self, running: Running) -> None:
        age_ms = self._needs.clock.now_ms() - running.began_ms
        if running.is_alive and age_ms >= LIVES_MS:
            self._advance(running, machine.cancel(running.state, CancelCode.TIMEOUT))
        elif isinstance(running.state, machine.Ready) and age_ms >= BEGIN_AFTER_MS:
            self._advance(running, machine.begin(running.state))
        await self._work_off(running)
