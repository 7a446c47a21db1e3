"""The door: who may come in, write and stay."""

from collections.abc import Awaitable

from spaces_bridge.app.notes.commands import CommandUnblocked
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.door import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import refuse_unless_moderator
from spaces_bridge.matrix.talk.desk import Answers, Desk, Heard, moderates, on_or_off
from spaces_bridge.matrix.words import people
from spaces_bridge.matrix.words.targets import pattern_of, refuse_too_wide

GUESTS = {
    GuestPolicy.OFF: "Nobody without an account is let in.",
    GuestPolicy.LISTEN: "Guests only listen.",
    GuestPolicy.SPEAK: "Guests may listen and ask to speak.",
}


class Door:
    """Answers what is asked about the door."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.answers: Answers = {
            "chat": self._chat,
            "guests": self._guests,
            "lock": self._lock,
            "unlock": self._unlock,
            "remove": self._remove,
            "block": self._block,
            "unblock": self._unblock,
        }

    async def _chat(self, heard: Heard) -> str:
        on = on_or_off(heard)
        space = await self._moderated(heard)
        await self._desk.ask(space, cmd.SetChat(heard.by, on), heard)
        return "Everybody may write." if on else "Only people on the stage may write."

    async def _guests(self, heard: Heard) -> str:
        word = {"on": "speak"}.get(heard.word, heard.word)
        if word not in list(GuestPolicy):
            raise Rejected("misunderstood", "`guests` takes `off`, `listen` or `speak`.")
        policy = GuestPolicy(word)
        space = await self._moderated(heard)
        await self._desk.ask(space, cmd.SetGuests(heard.by, policy), heard)
        return GUESTS[policy]

    async def _lock(self, heard: Heard) -> str:
        space = await self._moderated(heard)
        await self._desk.ask(space, cmd.LockSpace(heard.by), heard)
        # the room is told by itself: see the policies
        return "✅ `unlock` opens it again." if heard.here else "Locked. `unlock` opens it again."

    async def _unlock(self, heard: Heard) -> str:
        space = await self._moderated(heard)
        await self._desk.ask(space, cmd.UnlockSpace(heard.by), heard)
        return "✅" if heard.here else "Open again."

    async def _remove(self, heard: Heard) -> str:
        space = await self._moderated(heard)
        found = await self._desk.whom_and_why(space, heard, people.present)
        self._refuse_ours(space, found.user)
        await self._desk.ask(space, cmd.RemovePerson(heard.by, found.user, found.rest), heard)
        return f"{people.shown(space, found.user)} is out until this ends. `unblock` undoes it."

    # --- the host's block list -----------------------------------------------------------------

    async def _block(self, heard: Heard) -> str:
        word, _, reason = heard.argument.partition(" ")
        pattern = pattern_of(word)
        if self._is_about_the_list(heard):
            return await self._block_for_later(heard, pattern, word, reason)
        space = await self._moderated(heard)
        if pattern is not None:
            refuse_unless_moderator(space, heard.by)
            refuse_too_wide(pattern, {space.host, heard.by}, self._desk.settings.bot)
            await self._desk.doorkeeper.block(space.host, pattern, heard.by, reason)
            return f"Blocked: nobody of `{pattern}` comes into a live space of this host."
        return await self._block_person(space, heard)

    async def _block_person(self, space: LiveSpace, heard: Heard) -> str:
        found = await self._desk.whom_and_why(space, heard, people.known)
        user, name = found.user, people.shown(space, found.user)
        self._refuse_ours(space, user)
        guest = space.person(user).guest
        removal = cmd.RemovePerson(heard.by, user, found.rest, blocked=not guest)
        already = await self._goes_without(
            self._desk.ask(space, removal, heard), "already_removed"
        )
        if guest:
            return (
                f"{name} is out until this ends. Guests have no account to block: they can come "
                "back under another name, unless you write `guests off`."
            )
        if already:
            refuse_unless_moderator(space, heard.by)
        await self._desk.doorkeeper.block(space.host, user, heard.by, found.rest)
        return f"{name} is blocked: out of this and all later live spaces of this host."

    async def _block_for_later(
        self, heard: Heard, pattern: str | None, word: str, reason: str
    ) -> str:
        """A host's own list, whatever live spaces there are."""
        target = pattern or people.user_id(word)
        if target is None:
            raise Rejected(
                "no_user_id", "Say who: a Matrix ID such as @ann:example.org, or a server."
            )
        if self._desk.settings.is_ours(target):
            raise Rejected("ours", "That is me, or a guest of mine.")
        refuse_too_wide(target, {heard.by}, self._desk.settings.bot)
        await self._desk.doorkeeper.block(heard.by, target, heard.by, reason)
        return f"Blocked: `{target}` comes into no live space of yours, now or later."

    async def _unblock(self, heard: Heard) -> str:
        pattern = pattern_of(heard.argument)
        if self._is_about_the_list(heard):
            target = pattern or people.user_id(heard.argument) or heard.argument
            return await self._take_off(heard, heard.by, target, readmitted=False)
        space = await self._moderated(heard)
        if pattern is not None:
            refuse_unless_moderator(space, heard.by)
            return await self._take_off(heard, space.host, pattern, readmitted=False)
        user = await self._desk.whom(space, heard, people.removed)
        command = cmd.ReadmitPerson(heard.by, user)
        not_out = await self._goes_without(self._desk.ask(space, command, heard), "not_removed")
        answer = await self._take_off(heard, space.host, user, readmitted=not not_out)
        verdict = self._desk.doorkeeper.verdict(space.host, user)
        if verdict is None:
            return answer
        return (
            f"`{user}` is on the list no more, but a wider rule still keeps them out: "
            f"{verdict.reason}."
        )

    async def _take_off(self, heard: Heard, host: UserId, target: str, *, readmitted: bool) -> str:
        """Off the host's list. What was on it is noted, for when this is heard again."""
        event = heard.said.event
        known = target in self._desk.doorkeeper.blocked_by(host)
        if known:
            await self._desk.notes.put(CommandUnblocked(event, target))
            await self._desk.doorkeeper.unblock(host, target)
        if not readmitted and await self._desk.notes.get(CommandUnblocked.key(event)) is None:
            raise Rejected("not_blocked", f"`{target[:60]}` is neither blocked nor removed.")
        return f"`{target}` may come in again."

    # --- helpers -------------------------------------------------------------------------------

    def _is_about_the_list(self, heard: Heard) -> bool:
        """Whether the person's own list is meant rather than one live space."""
        spaces = [s for s in self._desk.spaces.open() if moderates(s, heard.by)]
        return heard.direct and len(spaces) != 1 and all(s.host == heard.by for s in spaces)

    async def _moderated(self, heard: Heard) -> LiveSpace:
        return await self._desk.which(heard, lambda s: moderates(s, heard.by))

    async def _goes_without(self, asked: Awaitable[object], code: str) -> bool:
        """Whether it was refused just because it is so already."""
        try:
            await asked
        except Rejected as refusal:
            if refusal.code != code:
                raise
            return True
        return False

    def _refuse_ours(self, space: LiveSpace, user: UserId) -> None:
        if self._desk.settings.is_ours(user) and not space.person(user).guest:
            raise Rejected("ours", "That is me, or no guest of this live space.")
