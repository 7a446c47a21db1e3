"""Handlers of the stage commands: people are brought, demoted, muted, heard louder, made host."""

import re
from collections.abc import Callable
from typing import Final

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.text.folding import folded
from spaces_bridge.matrix.commands.context import (
    CommandAnswers,
    CommandCall,
    CommandContext,
    moderates,
)
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.addressed import bare
from spaces_bridge.matrix.text.people import Crowd

_PERCENT: Final = re.compile(r"([0-9]{1,6}) ?(?:%|percent)?")


class StageCommands:
    """The stage commands: those about people on the stage and their roles."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self.answers: CommandAnswers = {
            "bring": self._bring,
            "demote": self._demote,
            "mute": self._mute,
            "unmute": self._unmute,
            "volume": self._volume,
            "cohost": self._cohost,
            "uncohost": self._uncohost,
            "host": self._host,
        }

    async def _bring(self, heard: CommandCall) -> str:
        space, user = await self._about(heard, people.present)
        events = await self._context.ask(space, cmd.BringSpeaker(heard.by, user), heard)
        name = people.shown(space, user)
        if any(isinstance(event, ev.SpeakerApproved | ev.SpeakerUnmuted) for event in events):
            return f"Their hand was up: the floor goes to {name}."
        return f"I ask {name} whether they want to speak."

    async def _demote(self, heard: CommandCall) -> str:
        space, user = await self._about(heard, people.speaking)
        await self._context.ask(space, cmd.DemoteSpeaker(heard.by, user), heard)
        return f"{people.shown(space, user)} is a listener again."

    async def _mute(self, heard: CommandCall) -> str:
        if heard.word == "all":
            space = await self._context.which(heard, lambda s: moderates(s, heard.by))
            await self._context.ask(space, cmd.MuteAll(heard.by), heard)
            return "All speakers are muted; host and co-hosts go on."
        space, user = await self._about(heard, people.on_stage)
        await self._context.ask(space, cmd.MuteSpeaker(heard.by, user), heard)
        return f"{people.shown(space, user)} is muted until a host lifts it."

    async def _unmute(self, heard: CommandCall) -> str:
        if heard.word == "all":
            raise Rejected("one_by_one", "I unmute one person at a time: say who, please.")
        space, user = await self._about(heard, people.muted)
        await self._context.ask(space, cmd.UnmuteSpeaker(heard.by, user), heard)
        return f"{people.shown(space, user)} may switch the microphone on again."

    async def _volume(self, heard: CommandCall) -> str:
        space = await self._context.which(heard, lambda s: moderates(s, heard.by))
        found = await self._context.whom_and_why(space, heard, people.on_stage)
        percent = _percent_of(found.rest)
        await self._context.ask(space, cmd.SetVolume(heard.by, found.user, percent), heard)
        name = people.shown(space, found.user)
        if percent is None:
            return f"{name} is heard as loud as everybody else."
        return f"{name} is heard at {percent} %. `volume {name} auto` undoes it."

    async def _cohost(self, heard: CommandCall) -> str:
        space, user = await self._about(heard, people.present)
        await self._context.ask(space, cmd.AppointCohost(heard.by, user), heard)
        return f"{people.shown(space, user)} becomes a co-host."

    async def _uncohost(self, heard: CommandCall) -> str:
        space, user = await self._about(heard, people.cohosts)
        await self._context.ask(space, cmd.DismissCohost(heard.by, user), heard)
        return f"{people.shown(space, user)} is no co-host any more."

    async def _host(self, heard: CommandCall) -> str:
        space, user = await self._about(heard, people.present)
        await self._context.ask(space, cmd.HandOver(heard.by, user), heard)
        return f"{people.shown(space, user)} becomes the host."

    async def _about(
        self, heard: CommandCall, crowd: Callable[[LiveSpace], Crowd]
    ) -> tuple[LiveSpace, UserId]:
        space = await self._context.which(heard, lambda s: moderates(s, heard.by))
        return space, await self._context.whom(space, heard, crowd)


def _percent_of(text: str) -> int | None:
    """Return the volume that was written; None: automatic. Raises Rejected."""
    word = folded(bare(text))
    if word in {"auto", "automatic"}:
        return None
    percent = _PERCENT.fullmatch(word)
    if percent is None:
        raise Rejected(
            "misunderstood",
            "`volume` takes a person, then a percentage or `auto`: `volume Mia 80`.",
        )
    return int(percent[1])
