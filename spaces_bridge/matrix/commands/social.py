"""Handlers of the social commands: people follow hosts, and report people who do harm."""

from collections.abc import Mapping

from spaces_bridge.app import tasks
from spaces_bridge.app.records import CallAlert
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import Person
from spaces_bridge.core.text.folding import folded
from spaces_bridge.matrix.commands.context import (
    CommandAnswers,
    CommandCall,
    CommandContext,
    is_in,
)
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.addressed import bare
from spaces_bridge.matrix.text.people import Crowd

_ALERTED: Mapping[CallAlert, str] = {
    CallAlert.NONE: ".",
    CallAlert.NOTIFY: ", and your client shows that they do if you are in the room by then.",
    CallAlert.RING: ", and your client rings if you are in the room by then.",
}
_CHOICES: Mapping[str, CallAlert] = {
    "ring": CallAlert.RING,
    "notify": CallAlert.NOTIFY,
    "quiet": CallAlert.NONE,
}

THANKS = "Thank you: the moderators of this server have your report."


class SocialCommands:
    """The social commands: follow, unfollow, report."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self.answers: CommandAnswers = {
            "follow": self._follow,
            "unfollow": self._unfollow,
            "report": self._report,
        }

    # --- following -----------------------------------------------------------------------------

    async def _follow(self, heard: CommandCall) -> str:
        named, chosen = _choice(heard.argument)
        if chosen and self._context.settings.call_stage == "off":
            raise Rejected("no_calls", "There are no calls here, so that nothing can ring.")
        host, name = self._host_meant(heard, named)
        following = self._context.use_cases.following
        await following.follow(heard.by, host)
        if chosen is None:
            chosen = await following.alert(heard.by, host)
        else:
            await following.choose_alert(heard.by, host, chosen)
        return f"You follow {name}: I write to you when they go live{_ALERTED[chosen]}"

    async def _unfollow(self, heard: CommandCall) -> str:
        host, name = self._host_meant(heard, heard.argument)
        followed = await self._context.use_cases.following.unfollow(heard.by, host)
        return f"You do not follow {name}" + (" any more." if followed else ".")

    def _host_meant(self, heard: CommandCall, named: str) -> tuple[UserId, str]:
        """Return the host who is meant, and the name to call them by. Raises Rejected."""
        if not named:
            if heard.here is None:
                raise Rejected("who", "Say whom: a Matrix ID such as @ann:example.org.")
            return heard.here.host, people.shown(heard.here, heard.here.host)
        found = people.user_id(named)
        hosts = self._hosts(heard)
        if found is None:
            crowd = Crowd(tuple(hosts.values()), "hosts anything right now; write their Matrix ID")
            found = people.named(crowd, named)
        person = hosts.get(found)
        return found, (person.name if person is not None and person.name else found)

    def _hosts(self, heard: CommandCall) -> dict[UserId, Person]:
        """Return the hosts of the open live spaces that the person may know of."""
        spaces = [s for s in self._context.spaces.open() if not s.private or is_in(s, heard.by)]
        return {s.host: s.person(s.host) for s in spaces}

    # --- reporting -----------------------------------------------------------------------------

    async def _report(self, heard: CommandCall) -> str:
        context = self._context
        space = await context.which(heard, lambda s: heard.by in s.people, ended_too=True)
        if heard.by not in space.people:
            raise Rejected("not_joined", "Join the room first, then report.")
        found = await context.whom_and_why(space, heard, people.known)
        source = heard.said.event
        await context.use_cases.reporting.file(space, heard.by, found.user, found.rest, source)
        if heard.direct:
            return THANKS
        await context.spaces.enqueue_task(tasks.TellUser(heard.by, THANKS), f"thanks:{source}")
        return "✅"


def _choice(argument: str) -> tuple[str, CallAlert | None]:
    """Return who is named in an argument of `follow`, and how to be alerted (None: not said)."""
    named, _, last = argument.rstrip().rpartition(" ")
    chosen = _CHOICES.get(folded(bare(last)))
    return (named.strip(), chosen) if chosen is not None else (argument, None)
