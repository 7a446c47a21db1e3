"""Use case: reporting a person to the moderators of this server."""

import asyncio
from collections.abc import Sequence

from spaces_bridge.app import tasks
from spaces_bridge.app.chat import ChatLine
from spaces_bridge.app.codec import entry_of
from spaces_bridge.app.ports import Reports
from spaces_bridge.app.records import OutboxEntry, Report
from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.app.usecases.refusals import refuse_bot, refuse_oneself
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import rank

LINES = 5
"""The number of the reported person's last lines that moderators see, said and written each."""

WRITTEN_MAX = 300
"""The number of characters of each written line."""

REASON_MAX = 500
"""The number of characters of a reason."""

HOUR_MS = 3_600_000

REPORTS_AN_HOUR = 5
"""The number of reports one person may file, by command and on the page together."""

GUESTS_REPORTS_AN_HOUR = 30
"""The number of reports all guests of one live space may file: a guest can take many names."""


class Reporting:
    """The use case of reporting: stores reports and has them forwarded."""

    def __init__(self, spaces: Spaces, reports: Reports) -> None:
        self._spaces = spaces
        self._context = spaces.context
        self._reports = reports
        self._turn = asyncio.Lock()
        """The lock under which reports are counted and stored, so that none slips past a limit."""

    async def file(
        self, space: LiveSpace, by: UserId, user: UserId, reason: str, source: str
    ) -> None:
        """File a report for the moderators. The same one again (by `source`) costs nothing.

        Raises Rejected, StorageError.
        """
        refuse_bot(user, self._context.settings)
        refuse_oneself(user, by)
        written = self._spaces.written(space.space)
        wrote = any(line.user == user for line in written)
        if not (wrote or user in space.people or user in space.removed):
            raise Rejected("unknown_person", "That person is not in this live space.")
        why = " ".join(reason.split())[:REASON_MAX]
        if not why:
            raise Rejected("no_reason", "Say in a few words what is wrong.")
        now_ms, context = self._context.clock.now_ms(), context_of(space, user, written)
        report = Report(0, space.space, by, user, why, context, now_ms)
        async with self._turn:
            if not await self._reports.is_filed(source):
                await self._refuse_flood(report)
            await self._reports.file(report, source, _forwarding)
        self._context.outbox_signal.wake()

    async def _refuse_flood(self, report: Report) -> None:
        since_ms, domain = report.at_ms - HOUR_MS, self._context.settings.domain
        if await self._reports.filed_by(report.reporter, since_ms) >= REPORTS_AN_HOUR:
            text = (
                "You have sent {most} reports within an hour: they are being looked at. "
                "In danger, call for help where you live."
            )
            raise Rejected("many_reports", text, most=REPORTS_AN_HOUR)
        if not is_ghost(report.reporter, domain):
            return
        reporters = await self._reports.reporters_in(report.space, since_ms)
        guests = sum(is_ghost(reporter, domain) for reporter in reporters)
        if guests >= GUESTS_REPORTS_AN_HOUR:
            text = (
                "Guests have sent very many reports here within an hour: they are being looked "
                "at. In danger, call for help where you live."
            )
            raise Rejected("many_guest_reports", text)


def _forwarding(report: int) -> OutboxEntry:
    return entry_of(tasks.ForwardReport(report), f"report:{report}")


def context_of(space: LiveSpace, reported: UserId, chat: Sequence[ChatLine] = ()) -> str:
    """Return what moderators need to judge: the reported person's role and last words.

    `chat`: the lines of everybody. The text is shown in a room: a guest without the floor stays
    nameless there, too.
    """
    person = space.person(reported)
    wrote = [line for line in chat if line.user == reported]
    guest = person.guest or any(line.guest for line in wrote)
    role = "guest" if guest else rank(space, reported).name.lower().replace("cohost", "co-host")
    nameless = guest and not person.joined
    named = role if nameless or not person.name else f"{person.name} · {role}"
    said = [line for line in space.caption_lines if line.speaker == reported]
    lines = [f"“{line.text}”" for line in said[-LINES:]]
    written = [f"wrote: “{_short(line.text)}”" for line in wrote[-LINES:]]
    return "\n".join([f"{named} in “{space.title}”", *lines, *written])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WRITTEN_MAX else line[:WRITTEN_MAX] + "…"
