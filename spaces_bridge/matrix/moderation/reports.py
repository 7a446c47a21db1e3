"""Reports reach people: the bridge's moderators in their room, and those of the homeserver."""

import logging
from html import escape
from urllib.parse import quote

from spaces_bridge.app import tasks
from spaces_bridge.app.ports import Reports
from spaces_bridge.app.records import Report
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.content import cut, message
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.text.wording import one_line

log = logging.getLogger(__name__)

CONTEXT_MAX_BYTES = 8_000
REASON_MAX_BYTES = 2_000
TITLE_MAX_BYTES = 400


class ReportHandler:
    """The report handler carries out `ForwardReport`."""

    kinds = (tasks.ForwardReport,)

    def __init__(
        self, bot: MatrixClient, spaces: Spaces, reports: Reports, settings: MatrixSettings
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._reports = reports
        self._settings = settings

    async def run(self, wanted: tasks.ForwardReport, key: str) -> str | None:
        """Forward the report; the result is the message's event id, None without a room for it.

        The message comes first: it is sent once per `key`, however often the rest is tried.
        Raises RequestRefused, Away, StorageError.
        """
        report = await self._reports.find(wanted.report)
        if report is None:
            return None
        try:
            event = await self._show(report, key) if self._settings.moderators_room else None
        except RequestRefused:
            await self._tell_homeserver(report)
            raise
        await self._tell_homeserver(report)
        return event

    async def refused(self, wanted: tasks.ForwardReport, refusal: RequestRefused) -> None:
        """Log that the report cannot be shown: it is stored all the same."""
        log.error(
            "report %d cannot be shown in moderation.room (%s): invite the bot there, and let it "
            "write; the report is kept",
            wanted.report,
            refusal.errcode,
        )

    async def _show(self, report: Report, key: str) -> str:
        space = await self._spaces.find(report.space)
        said = message(*texts(report, space, self._settings), "m.text")
        return await self._send(await self._room(), said, key)

    async def _room(self) -> RoomId:
        named = self._settings.moderators_room
        if not named.startswith("#"):
            return RoomId(named)
        answer = await self._bot.call("GET", ["directory", "room", named])
        return RoomId(str(answer["room_id"]))

    async def _send(self, room: RoomId, said: dict[str, object], key: str) -> str:
        try:
            return await self._bot.send(room, "m.room.message", said, key)
        except RequestRefused as refusal:
            if refusal.errcode != "M_FORBIDDEN":
                raise
        await self._bot.join(room)
        return await self._bot.send(room, "m.room.message", said, key)

    async def _tell_homeserver(self, report: Report) -> None:
        """Report the person to the homeserver, which need not know the endpoint.

        Spec: Client-Server API, "Reporting content".
        """
        if self._settings.is_ours(report.reported):
            return
        reason = f"{one_line(report.reason)} (reported by {report.reporter} in a live space)"
        try:
            await self._bot.call("POST", ["users", report.reported, "report"], {"reason": reason})
        except RequestRefused as refusal:
            log.info("the homeserver takes no report of a person: %s", refusal.errcode)


def texts(report: Report, space: LiveSpace | None, settings: MatrixSettings) -> tuple[str, str]:
    """Return the report as plain text and as HTML.

    What people wrote is quoted, and nothing of it acts.
    """
    title = cut(one_line(space.title), TITLE_MAX_BYTES) if space is not None else report.space
    reason = cut(one_line(report.reason), REASON_MAX_BYTES) or "none given"
    context = cut(report.context.strip(), CONTEXT_MAX_BYTES)
    alias = settings.alias(space.slug) if space is not None else ""
    head = [
        ("Reported", report.reported),
        ("By", report.reporter),
        ("Reason", reason),
        ("In", f"“{title}” {alias}".strip()),
    ]
    links = [link(report.reported)] if not settings.is_ghost(report.reported) else []
    links += [link(alias)] if alias else []
    advice = advice_on(report.reported, settings)
    quoted = [f"> {line}" for line in context.splitlines()]
    plain = [
        f"Report {report.id}",
        *(f"{name}: {value}" for name, value in head),
        *quoted,
        *links,
        advice,
    ]
    rows = "<br>".join(f"<b>{name}:</b> {escape(value)}" for name, value in head)
    lines = "<br>".join(escape(line) for line in context.splitlines())
    quote = f"<blockquote>{lines}</blockquote>" if lines else ""
    anchors = "<br>".join(f'<a href="{escape(to)}">{escape(to)}</a>' for to in links)
    html = (
        f"<p><b>Report {report.id}</b><br>{rows}</p>{quote}<p>{anchors}</p><p>{escape(advice)}</p>"
    )
    return "\n".join(plain), html


def advice_on(user: UserId, settings: MatrixSettings) -> str:
    """Return advice on what a moderator can do about somebody."""
    if settings.is_ghost(user):
        return (
            "What you can do: ask a host to `remove` this guest. `guests listen` or `guests off` "
            "keeps guests from coming back under another name."
        )
    return (
        f"What you can do: add {user}, or their whole server, to a policy list that the bridge "
        "follows: that counts in every live space at once. Hosts can `block` them; the bridge's "
        "admin can `remove` them or `end` the live space."
    )


def link(to: str) -> str:
    """Return a link that any client opens."""
    return f"https://matrix.to/#/{quote(to, safe='@#:')}"
