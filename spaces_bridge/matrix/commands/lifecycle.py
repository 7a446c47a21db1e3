"""Handlers of the lifecycle commands: a live space is made, moved, started, ended, named."""

from collections.abc import Awaitable

from spaces_bridge.app.usecases.creating import NewSpace
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.commands.context import CommandAnswers, CommandCall, CommandContext
from spaces_bridge.matrix.text.creation import (
    Creation,
    names_a_time,
    parse_creation,
    speak_policy,
    title_names_a_time,
)
from spaces_bridge.matrix.text.languages import language_code
from spaces_bridge.matrix.text.times import parse_time, shown_time
from spaces_bridge.matrix.text.verbs import PREFIX


class LifecycleCommands:
    """The lifecycle commands: those about a live space as a whole."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self.answers: CommandAnswers = {
            "create": self._create,
            "reschedule": self._reschedule,
            "unschedule": self._unschedule,
            "start": self._start,
            "end": self._end,
            "title": self._title,
            "policy": self._policy,
            "captions": self._captions,
            "record": self._record,
        }

    # --- making it -----------------------------------------------------------------------------

    async def _create(self, heard: CommandCall) -> str:
        context, now_ms = self._context, self._context.clock.now_ms()
        await context.use_cases.creating.refuse_who_may_not_host(heard.by)
        zone = await context.zone_of(heard.by) if names_a_time(heard.argument) else None
        wanted = parse_creation(heard.argument, now_ms, zone or context.own_zone)
        name = await context.bot.display_name(heard.by)
        space = await context.use_cases.creating.create(
            heard.by, name, _new_space(heard, wanted), heard.said.event
        )
        opening = f"“{space.title}” is ready: {context.page(space)}"
        if space.scheduled_at_ms is not None:
            when = shown_time(space.scheduled_at_ms, zone or context.own_zone)
            opening = (
                f"“{space.title}” is planned for {when}: {context.page(space)}\n"
                f"For calendars: {context.calendar(space)}"
            )
        elif title_names_a_time(space.title):
            opening += (
                f"\nIts title names a time, but it is planned for none: `{PREFIX} reschedule TIME`"
                " does that."
            )
        return (
            f"{opening}\n"
            f"Accept my invitation to its room {context.settings.alias(space.slug)}; "
            f"when you are all set, write `{PREFIX} start` there."
        )

    # --- its time ------------------------------------------------------------------------------

    async def _reschedule(self, heard: CommandCall) -> str:
        context = self._context
        space = await context.which(heard, lambda s: _waits(s) and s.host == heard.by)
        zone, now_ms = await context.zone_of(heard.by), context.clock.now_ms()
        at_ms = parse_time(heard.argument, now_ms, zone)
        await context.ask(space, cmd.Reschedule(heard.by, at_ms, now_ms), heard)
        when = shown_time(context.now(space).scheduled_at_ms or at_ms, zone)
        return (
            f"“{space.title}” is planned for {when} now.\nFor calendars: {context.calendar(space)}"
        )

    async def _unschedule(self, heard: CommandCall) -> str:
        space = await self._context.which(
            heard, lambda s: _waits(s) and s.host == heard.by, ended_too=True
        )
        scheduling = self._context.use_cases.scheduling
        await self._end_it(space, heard, scheduling.unschedule(space, heard.by, heard.said.event))
        return f"“{space.title}” is called off."

    async def _start(self, heard: CommandCall) -> str:
        context, now_ms = self._context, self._context.clock.now_ms()
        space = await context.which(heard, lambda s: _waits(s) and s.host == heard.by)
        await context.ask(space, cmd.StartSpace(heard.by, now_ms), heard)
        return (
            f"“{space.title}” is live: {context.page(space)}\n"
            f"To speak, open your personal link (`{PREFIX} link`) and switch your microphone on."
        )

    async def _end(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: s.host == heard.by, ended_too=True)
        end = cmd.EndSpace(heard.by, self._context.clock.now_ms())
        await self._end_it(space, heard, self._context.ask(space, end, heard))
        return f"“{space.title}” has ended. Thank you!"

    async def _end_it(
        self, space: LiveSpace, heard: CommandCall, asked: Awaitable[object]
    ) -> None:
        try:
            await asked
        except Rejected:
            # The command came again after a restart: perhaps nobody was told that it worked.
            if not await self._context.archive.took_effect(space.space, heard.said.event):
                raise

    # --- its title, policy and captions --------------------------------------------------------

    async def _title(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: s.host == heard.by)
        await self._context.ask(space, cmd.Retitle(heard.by, heard.argument), heard)
        return f"It is called “{heard.argument}” now."

    async def _policy(self, heard: CommandCall) -> str:
        policy = speak_policy(heard.word)
        space = await self._context.which(heard, lambda s: s.host == heard.by)
        await self._context.ask(space, cmd.SetSpeakPolicy(heard.by, policy), heard)
        meaning = {
            "request": "People ask, and a host decides.",
            "everyone": "The floor is given on asking, while places are free.",
            "followed": "People whom the host follows get the floor on asking; others ask.",
            "invited": "Only people whom a host brings speak.",
        }
        return meaning[policy]

    async def _captions(self, heard: CommandCall) -> str:
        if not self._context.settings.captions:
            raise Rejected("no_captions", "This server writes no captions.")
        word = heard.word
        on, language = word != "off", ""
        if word not in {"on", "off"}:
            language = language_code(word)
        space = await self._context.which(heard, lambda s: s.host == heard.by)
        await self._context.ask(space, cmd.SetCaptions(heard.by, on, language), heard)
        if not on:
            return "Captions are off."
        spoken = language or space.language
        return (
            f"Captions are on; language: {'found by listening' if spoken == 'auto' else spoken}."
        )

    async def _record(self, heard: CommandCall) -> str:
        raise Rejected("not_built", "I cannot record yet: nothing is recorded, so all is off.")


def _waits(space: LiveSpace) -> bool:
    return space.phase is Phase.SCHEDULED


def _new_space(heard: CommandCall, wanted: Creation) -> NewSpace:
    """Return the live space that was asked for; in a group's room it is announced there."""
    elsewhere = heard.here is None and not heard.direct
    return NewSpace(
        title=wanted.title,
        private=wanted.private,
        speak_policy=wanted.speak_policy,
        scheduled_at_ms=wanted.at_ms,
        community=heard.said.room if elsewhere else None,
    )
