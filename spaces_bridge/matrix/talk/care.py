"""What people want of each other: to hear from a host, and to be kept from harm."""

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.notes.commands import ReportsFiled
from spaces_bridge.app.records import Report
from spaces_bridge.app.reporting import context_of
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import Person
from spaces_bridge.matrix.talk.desk import Answers, Desk, Heard, is_in
from spaces_bridge.matrix.words import people
from spaces_bridge.matrix.words.people import Crowd

REPORTS_AN_HOUR = 5
HOUR_MS = 3_600_000
REASON_MAX = 500
THANKS = "Thank you: the moderators of this server have your report."


class Care:
    """Answers who follows, and who reports."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.answers: Answers = {
            "follow": self._follow,
            "unfollow": self._unfollow,
            "report": self._report,
        }

    # --- following -----------------------------------------------------------------------------

    async def _follow(self, heard: Heard) -> str:
        host, name = self._host_meant(heard)
        if host == heard.by:
            raise Rejected("oneself", "You cannot follow yourself.")
        if self._desk.settings.is_ours(host):
            raise Rejected("ours", "That is me, or a guest of mine: name a host.")
        await self._desk.followers.follow(host, heard.by, self._desk.clock.now_ms())
        return f"You follow {name}: I write to you when they go live."

    async def _unfollow(self, heard: Heard) -> str:
        host, name = self._host_meant(heard)
        followed = await self._desk.followers.unfollow(host, heard.by)
        return f"You do not follow {name}" + (" any more." if followed else ".")

    def _host_meant(self, heard: Heard) -> tuple[UserId, str]:
        """The host, and how to call them. Raises Rejected."""
        if not heard.argument:
            if heard.here is None:
                raise Rejected("who", "Say whom: a Matrix ID such as @ann:example.org.")
            return heard.here.host, people.shown(heard.here, heard.here.host)
        found = people.user_id(heard.argument)
        hosts = self._hosts(heard)
        if found is None:
            crowd = Crowd(tuple(hosts.values()), "hosts anything right now; write their Matrix ID")
            found = people.named(crowd, heard.argument)
        person = hosts.get(found)
        return found, (person.name if person is not None and person.name else found)

    def _hosts(self, heard: Heard) -> dict[UserId, Person]:
        """Hosts of what the person may know of."""
        spaces = [s for s in self._desk.spaces.open() if not s.private or is_in(s, heard.by)]
        return {s.host: s.person(s.host) for s in spaces}

    # --- reporting -----------------------------------------------------------------------------

    async def _report(self, heard: Heard) -> str:
        desk = self._desk
        space = await desk.which(heard, lambda s: heard.by in s.people, ended_too=True)
        if heard.by not in space.people:
            raise Rejected("not_joined", "Join the room first, then report.")
        found = await desk.whom_and_why(space, heard, people.known)
        reported, reason = found.user, found.rest[:REASON_MAX]
        if reported == heard.by:
            raise Rejected("oneself", "You cannot report yourself.")
        if desk.settings.is_ours(reported) and reported not in space.people:
            raise Rejected("ours", "That is me, or no guest of this live space.")
        if not reason:
            raise Rejected("no_reason", "Say why: `report USER REASON`.")
        await self._refuse_flood(heard)
        now_ms = desk.clock.now_ms()
        context = context_of(space, reported, desk.spaces.written(space.space))
        report = Report(0, space.space, heard.by, reported, reason, context, now_ms)
        number = await desk.reports.file(report, heard.said.event)
        await desk.spaces.wish(wish.ForwardReport(number), f"report:{number}")
        if heard.direct:
            return THANKS
        await desk.spaces.wish(wish.TellUser(heard.by, THANKS), f"thanks:{heard.said.event}")
        return "✅"

    async def _refuse_flood(self, heard: Heard) -> None:
        """Raises Rejected. The same report again costs nothing."""
        now_ms = self._desk.clock.now_ms()
        noted = await self._desk.notes.get(ReportsFiled.key(heard.by))
        filed = noted.filed_at_ms if noted is not None else {}
        recent = {event: at for event, at in filed.items() if now_ms - at < HOUR_MS}
        if heard.said.event in recent:
            return
        if len(recent) >= REPORTS_AN_HOUR:
            raise Rejected(
                "too_often",
                f"You have sent {REPORTS_AN_HOUR} reports within an hour: they are being looked "
                "at. In danger, call for help where you live.",
            )
        await self._desk.notes.put(ReportsFiled(heard.by, {**recent, heard.said.event: now_ms}))
