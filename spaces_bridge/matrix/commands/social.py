"""Handlers of the social commands: people follow hosts, and report people who do harm."""

from spaces_bridge.app import tasks
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import Person
from spaces_bridge.matrix.commands.context import (
    CommandAnswers,
    CommandCall,
    CommandContext,
    is_in,
)
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.people import Crowd

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
        host, name = self._host_meant(heard)
        await self._context.use_cases.following.follow(heard.by, host)
        return f"You follow {name}: I write to you when they go live."

    async def _unfollow(self, heard: CommandCall) -> str:
        host, name = self._host_meant(heard)
        followed = await self._context.use_cases.following.unfollow(heard.by, host)
        return f"You do not follow {name}" + (" any more." if followed else ".")

    def _host_meant(self, heard: CommandCall) -> tuple[UserId, str]:
        """Return the host who is meant, and the name to call them by. Raises Rejected."""
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
