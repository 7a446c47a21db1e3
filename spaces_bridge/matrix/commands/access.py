"""Handlers of the access commands: they say who may come in, write and stay."""

from spaces_bridge.app.usecases.blocking import Blocked, Blocking
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.commands.context import (
    CommandAnswers,
    CommandCall,
    CommandContext,
    moderates,
    on_or_off,
)
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.targets import pattern_of

GUESTS = {
    GuestPolicy.OFF: "Nobody without an account is let in.",
    GuestPolicy.LISTEN: "Guests only listen.",
    GuestPolicy.SPEAK: "Guests may listen and ask to speak.",
}


class AccessCommands:
    """The access commands: chat, guests, lock, remove, block and their opposites."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self.answers: CommandAnswers = {
            "chat": self._chat,
            "guests": self._guests,
            "lock": self._lock,
            "unlock": self._unlock,
            "remove": self._remove,
            "block": self._block,
            "unblock": self._unblock,
        }

    @property
    def _blocking(self) -> Blocking:
        return self._context.use_cases.blocking

    async def _chat(self, heard: CommandCall) -> str:
        on = on_or_off(heard)
        space = await self._moderated(heard)
        await self._context.ask(space, cmd.SetChat(heard.by, on), heard)
        return "Everybody may write." if on else "Only people on the stage may write."

    async def _guests(self, heard: CommandCall) -> str:
        word = {"on": "speak"}.get(heard.word, heard.word)
        if word not in list(GuestPolicy):
            raise Rejected("misunderstood", "`guests` takes `off`, `listen` or `speak`.")
        policy = GuestPolicy(word)
        space = await self._moderated(heard)
        await self._context.ask(space, cmd.SetGuests(heard.by, policy), heard)
        return GUESTS[policy]

    async def _lock(self, heard: CommandCall) -> str:
        space = await self._moderated(heard)
        await self._context.ask(space, cmd.LockSpace(heard.by), heard)
        # the room is told by the policies, not here
        return "✅ `unlock` opens it again." if heard.here else "Locked. `unlock` opens it again."

    async def _unlock(self, heard: CommandCall) -> str:
        space = await self._moderated(heard)
        await self._context.ask(space, cmd.UnlockSpace(heard.by), heard)
        return "✅" if heard.here else "Open again."

    async def _remove(self, heard: CommandCall) -> str:
        space = await self._moderated(heard)
        found = await self._context.whom_and_why(space, heard, people.present)
        await self._blocking.remove(space, heard.by, found.user, found.rest, heard.said.event)
        return f"{people.shown(space, found.user)} is out until this ends. `unblock` undoes it."

    # --- the host's block list -----------------------------------------------------------------

    async def _block(self, heard: CommandCall) -> str:
        word, _, reason = heard.argument.partition(" ")
        pattern = pattern_of(word)
        if self._is_about_the_list(heard):
            target = pattern or people.user_id(word)
            if target is None:
                raise Rejected(
                    "no_user_id", "Say who: a Matrix ID such as @ann:example.org, or a server."
                )
            await self._blocking.block_for_later(heard.by, target, reason)
            return f"Blocked: `{target}` comes into no live space of yours, now or later."
        space = await self._moderated(heard)
        if pattern is not None:
            await self._blocking.block_pattern(space, heard.by, pattern, reason)
            return f"Blocked: nobody of `{pattern}` comes into a live space of this host."
        found = await self._context.whom_and_why(space, heard, people.known)
        name = people.shown(space, found.user)
        what = await self._blocking.block(
            space, heard.by, found.user, found.rest, heard.said.event
        )
        if what is Blocked.GUEST:
            return (
                f"{name} is out until this ends. Guests have no account to block: they can come "
                "back under another name, unless you write `guests off`."
            )
        return f"{name} is blocked: out of this and all later live spaces of this host."

    async def _unblock(self, heard: CommandCall) -> str:
        target, source = pattern_of(heard.argument), heard.said.event
        if self._is_about_the_list(heard):
            target = target or people.user_id(heard.argument) or heard.argument
            await self._blocking.unblock_for_later(heard.by, target, source)
            return f"`{target}` may come in again."
        space = await self._moderated(heard)
        if target is not None:
            await self._blocking.unblock_pattern(space, heard.by, target, source)
            return f"`{target}` may come in again."
        user = await self._context.whom(space, heard, people.removed)
        await self._blocking.unblock(space, heard.by, user, source)
        return f"`{user}` may come in again."

    # --- helpers -------------------------------------------------------------------------------

    def _is_about_the_list(self, heard: CommandCall) -> bool:
        """Return whether the person's own block list is meant rather than one live space."""
        spaces = [s for s in self._context.spaces.open() if moderates(s, heard.by)]
        return heard.direct and len(spaces) != 1 and all(s.host == heard.by for s in spaces)

    async def _moderated(self, heard: CommandCall) -> LiveSpace:
        return await self._context.which(heard, lambda s: moderates(s, heard.by))
