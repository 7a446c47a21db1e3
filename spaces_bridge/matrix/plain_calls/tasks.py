"""The task handler of plain calls: events and words sent, people called."""

import json
import logging
from typing import Final, get_args

from spaces_bridge.app import tasks
from spaces_bridge.app.errors import OfferRefused
from spaces_bridge.app.notes.plain_calls import CallsWanted
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.events.content import message
from spaces_bridge.matrix.plain_calls import words
from spaces_bridge.matrix.plain_calls.service import PlainCalls

log = logging.getLogger(__name__)

CALL_WITHIN_MS: Final = 90_000
"""How long after somebody asked to be called, or a live space went live, the bot calls."""

CallTask = tasks.CallWaiting | tasks.CallPerson | tasks.SignalCall | tasks.TellCaller


class PlainCallTasks:
    """The task handler of plain calls.

    Its methods raise RequestRefused, Away, StorageError, AdapterError.
    """

    kinds = get_args(CallTask)

    def __init__(
        self,
        bot: MatrixClient,
        dms: DirectRooms,
        spaces: Spaces,
        calling: Calling,
        calls: PlainCalls,
    ) -> None:
        self._bot = bot
        self._dms = dms
        self._spaces = spaces
        self._notes = spaces.context.notes
        self._clock = spaces.context.clock
        self._calling = calling
        self._calls = calls

    async def run(self, wanted: CallTask, key: str) -> EventId | None:
        """Carry the task out; the result is the event's id, None if nothing was sent."""
        match wanted:
            case tasks.SignalCall():
                return await self._signal(wanted, key)
            case tasks.TellCaller():
                content = message(wanted.text)
                return await self._bot.send(wanted.room, "m.room.message", content, key)
            case tasks.CallPerson():
                await self._call(wanted, key)
            case tasks.CallWaiting():
                await self._call_all(wanted)
        return None

    async def refused(self, wanted: CallTask, refusal: RequestRefused) -> None:
        """Log the refusal, and tell who waits to be called, if a message reaches them.

        Else there is nobody to tell where nothing can be sent.
        """
        log.warning("%s in a call: %s", type(wanted).__name__, refusal.errcode)
        if isinstance(wanted, tasks.CallPerson):
            key = f"{wanted.space}:{wanted.user}:{wanted.asked_at_ms}"
            await self._tell(wanted, words.NOT_REACHED, key)

    async def _signal(self, wanted: tasks.SignalCall, key: str) -> EventId | None:
        if wanted.until_ms is not None and self._clock.now_ms() > wanted.until_ms:
            log.info("%s is not sent: it comes too late", wanted.type)
            return None
        return await self._bot.send(wanted.room, wanted.type, json.loads(wanted.body), key)

    async def _call(self, wanted: tasks.CallPerson, key: str) -> None:
        if self._clock.now_ms() - wanted.asked_at_ms > CALL_WITHIN_MS:
            await self._tell(wanted, words.TOO_LATE, key)
            return
        try:
            self._calling.refuse_unless_may_come_in(wanted.space, wanted.user)
            room = await self._dms.room_for(wanted.user)
            await self._calls.dial(wanted.space, wanted.user, room, key)
        except Rejected as refusal:
            await self._tell(wanted, f"❌ {refusal.text}", key)
        except OfferRefused as refused:
            log.info("nobody can be called: %s", refused.code)
            await self._tell(wanted, f"❌ {refused.text}", key)

    async def _tell(self, wanted: tasks.CallPerson, text: str, key: str) -> None:
        await self._spaces.enqueue_task(tasks.TellUser(wanted.user, text), f"uncalled:{key}")

    async def _call_all(self, wanted: tasks.CallWaiting) -> None:
        note = await self._notes.get(CallsWanted.key(wanted.space))
        for user in note.users if note is not None else ():
            task = tasks.CallPerson(wanted.space, user, wanted.live_at_ms)
            await self._spaces.enqueue_task(task, f"call:{wanted.space}:{user}:live")
        if note is not None:
            await self._notes.drop(CallsWanted.key(wanted.space))
