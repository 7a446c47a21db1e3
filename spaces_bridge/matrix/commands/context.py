"""The command context: it finds the live space and the person that a command is about."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeAlias

from spaces_bridge.app.notes.commands import CommandPerson, CommandSpace
from spaces_bridge.app.ports import Clock, NoteStore
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.text.folding import folded
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.commands.archive import Archive
from spaces_bridge.matrix.events.translate import Message
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.addressed import bare
from spaces_bridge.matrix.text.commands import Request
from spaces_bridge.matrix.text.people import Crowd, FoundUser
from spaces_bridge.matrix.text.zones import zone_named

LISTED_MAX = 10


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A command call: one command as it was given, and where."""

    said: Message
    request: Request
    here: LiveSpace | None
    """The live space, open or ended, in whose room the command was given."""
    direct: bool
    """True when the command was given to the bot alone."""

    @property
    def by(self) -> UserId:
        """The person who gave the command."""
        return self.said.sender

    @property
    def argument(self) -> str:
        """The command's argument as it was written."""
        return self.request.argument

    @property
    def word(self) -> str:
        """The argument, folded, to compare with a word of ours."""
        return folded(bare(self.request.argument))


CommandAnswer: TypeAlias = Callable[[CommandCall], Awaitable[str]]
CommandAnswers: TypeAlias = Mapping[str, CommandAnswer]
"""Handlers by verb. A handler raises Rejected with the reason in words, and AdapterError."""

Fits = Callable[[LiveSpace], bool]


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The command context: the client, live spaces, stores and use cases for all handlers."""

    bot: MatrixClient
    spaces: Spaces
    archive: Archive
    notes: NoteStore
    settings: MatrixSettings
    clock: Clock
    use_cases: UseCases

    async def ask(
        self, space: LiveSpace, command: cmd.Command, heard: CommandCall, part: int | None = None
    ) -> list[ev.Event]:
        """Ask the live space to carry out the command, with the message as its source.

        A command that comes again after a crash and took effect is done, not refused. `part`
        tells apart what one message asks in several steps.
        """
        source = heard.said.event if part is None else f"{heard.said.event}/{part}"
        return await self.spaces.ask(space.space, command, source)

    def now(self, space: LiveSpace) -> LiveSpace:
        """Return the live space after what was just asked of it."""
        return self.spaces.view(space.space) or space

    # --- which live space ----------------------------------------------------------------------

    async def which(self, heard: CommandCall, fits: Fits, *, ended_too: bool = False) -> LiveSpace:
        """Return the live space that a command is about. Raises Rejected with the candidates.

        `fits` says which live spaces are likely meant by a command that was not given in a live
        space's own room.
        """
        if heard.here is not None:
            if heard.here.phase is Phase.ENDED and not ended_too:
                raise refusals.ended()
            return heard.here
        # A command that comes again after a crash is about the same live space as the first time.
        noted = await self.notes.get(CommandSpace.key(heard.said.event))
        before = await self.spaces.find(noted.space) if noted is not None else None
        if before is not None:
            return before
        found = self._candidates(heard, fits)
        if len(found) == 1:
            await self.notes.put(CommandSpace(heard.said.event, found[0].space))
            return found[0]
        if not found:
            where = (
                "Join its room first; `live` shows what is on."
                if heard.direct
                else "Write it in the room of the live space, or to me alone."
            )
            raise Rejected("which", f"I see no live space this could be about. {where}")
        listed = "\n".join(f"• {self.listed(s)}" for s in found[:LISTED_MAX])
        raise Rejected("which", f"In which one? Write it in its room:\n{listed}")

    def _candidates(self, heard: CommandCall, fits: Fits) -> list[LiveSpace]:
        """Return the live spaces that may be meant, in a group's room those announced there."""
        reach = [s for s in self.spaces.open() if heard.direct or s.community == heard.said.room]
        likely = [s for s in reach if fits(s)]
        if likely:
            return likely
        # else the only one the sender is in: its rules say why the command is refused
        mine = [s for s in reach if is_in(s, heard.by)]
        return mine if len(mine) == 1 else []

    def listed(self, space: LiveSpace) -> str:
        """Return one line with the live space's title and links."""
        return f"“{space.title}” {self.page(space)} · {self.room_link(space)}"

    def page(self, space: LiveSpace) -> str:
        """Return the address of the live space's page."""
        return self.settings.page(space.slug)

    def room_link(self, space: LiveSpace) -> str:
        """Return a matrix.to link to the live space's room."""
        return f"https://matrix.to/#/{self.settings.alias(space.slug)}"

    def calendar(self, space: LiveSpace) -> str:
        """Return the address of the live space's calendar entry."""
        return f"{self.page(space)}/event.ics"

    # --- which person --------------------------------------------------------------------------

    async def whom(
        self, space: LiveSpace, heard: CommandCall, crowd: Callable[[LiveSpace], Crowd]
    ) -> UserId:
        """Return the person of the crowd that a command is about. Raises Rejected."""
        return (await self._noted(heard, lambda: _just_one(space, crowd, heard.argument))).user

    async def whom_and_why(
        self, space: LiveSpace, heard: CommandCall, crowd: Callable[[LiveSpace], Crowd]
    ) -> FoundUser:
        """Return the person that a command is about, and what was written after the name.

        Raises Rejected.
        """
        return await self._noted(
            heard, lambda: people.one_with_reason(space, crowd(space), heard.argument)
        )

    async def _noted(self, heard: CommandCall, find: Callable[[], FoundUser]) -> FoundUser:
        """Return the person noted for this message, else find the person and note them.

        Places in the hand queue move on and people leave, so the person meant is noted.
        """
        noted = await self.notes.get(CommandPerson.key(heard.said.event))
        if noted is not None:
            return FoundUser(noted.user, noted.rest)
        found = find()
        await self.notes.put(CommandPerson(heard.said.event, found.user, found.rest))
        return found

    # --- when ----------------------------------------------------------------------------------

    async def zone_of(self, user: UserId) -> tzinfo:
        """Return the time zone of the person's profile, else the bridge's own. Raises Away."""
        name = await self.bot.time_zone(user)
        if name is not None:
            with suppress(Rejected):
                return zone_named(name)
        return self.own_zone

    @property
    def own_zone(self) -> tzinfo:
        """The time zone for people whose profile names none."""
        return self.settings.zone


def _just_one(space: LiveSpace, crowd: Callable[[LiveSpace], Crowd], text: str) -> FoundUser:
    return FoundUser(people.one(space, crowd(space), text))


def is_in(space: LiveSpace, user: UserId) -> bool:
    """Return whether the person is in the room, or hosts and has not come yet."""
    return space.person(user).joined or user == space.host


def moderates(space: LiveSpace, user: UserId) -> bool:
    """Return whether the person moderates the live space, so that they likely mean it."""
    return user in space.moderators or user == space.host


def on_or_off(heard: CommandCall) -> bool:
    """Return the argument as a switch. Raises Rejected."""
    words = {"on": True, "yes": True, "off": False, "no": False}
    wanted = words.get(heard.word)
    if wanted is None:
        raise Rejected("misunderstood", f"`{heard.request.verb}` takes `on` or `off`.")
    return wanted
