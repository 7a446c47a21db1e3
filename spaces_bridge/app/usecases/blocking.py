"""Use case: removing and blocking people, and letting them in again.

A block is two things: the person is removed from this live space, and the host's list keeps them
out of all others. An unblock undoes both, or it changes nothing: see ADR 29.
"""

from collections.abc import Awaitable
from enum import Enum, auto

from spaces_bridge.app.ban_lists import BanListService, BanSource
from spaces_bridge.app.notes.commands import CommandUnblocked
from spaces_bridge.app.policy_book import matches
from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.app.usecases.refusals import refuse_bot
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.access import refuse_to_remove
from spaces_bridge.core.rules.common import refuse_if_ended, refuse_unless_moderator

_WILD = "*?"


class Blocked(Enum):
    """The outcome of a block."""

    ACCOUNT = auto()
    """The account is out of this and all later live spaces of the host."""
    GUEST = auto()
    """A guest has no account to block and was only removed from this live space."""


class Blocking:
    """The use case of removing and blocking people, and of taking both back.

    `source` names the request (a Matrix event id): the same one again is done, not refused.
    All methods raise Rejected and StorageError.
    """

    def __init__(self, spaces: Spaces, ban_lists: BanListService) -> None:
        self._spaces = spaces
        self._ban_lists = ban_lists
        self._notes = spaces.context.notes
        self._settings = spaces.context.settings

    # --- removing and blocking ----------------------------------------------------------------

    async def remove(
        self,
        space: LiveSpace,
        by: UserId | None,
        user: UserId,
        reason: str = "",
        source: str | None = None,
    ) -> None:
        """Keep a person out until the live space ends; `by` None: the server's admin does."""
        refuse_bot(user, self._settings)
        await self._spaces.ask(space.space, cmd.RemovePerson(by, user, reason), source)

    async def block(
        self,
        space: LiveSpace,
        by: UserId,
        user: UserId,
        reason: str = "",
        source: str | None = None,
    ) -> Blocked:
        """Keep a person out of all live spaces of this host.

        All refusals come before anything happens. Then the person is removed from the live space
        first, as that shuts the microphone; a block that fails before the host's list is written
        is completed by the next one.
        """
        if is_ghost(user, self._settings.domain):
            await self.remove(space, by, user, reason, source)
            return Blocked.GUEST
        refuse_bot(user, self._settings)
        refuse_to_remove(space, by, user)
        self._ban_lists.refuse_to_block(space.host, user, by)
        removal = cmd.RemovePerson(by, user, reason, blocked=True)
        await _is_so_already(self._spaces.ask(space.space, removal, source), "already_removed")
        await self._ban_lists.block(space.host, user, by, reason)
        return Blocked.ACCOUNT

    async def block_pattern(
        self, space: LiveSpace, by: UserId, pattern: str, reason: str = ""
    ) -> None:
        """Keep all accounts that match a pattern out of all live spaces of this host."""
        refuse_unless_moderator(space, by)
        self._refuse_too_wide(pattern, {space.host, by})
        await self._ban_lists.block(space.host, pattern, by, reason)

    async def block_for_later(self, host: UserId, target: str, reason: str = "") -> None:
        """Put an account or a pattern on a host's own list, also without a live space."""
        refuse_bot(UserId(target), self._settings)
        if is_ghost(UserId(target), self._settings.domain):
            text = "Guests have no account to block: they can only be removed from a live space."
            raise Rejected("guest_listed", text)
        self._refuse_too_wide(target, {host})
        await self._ban_lists.block(host, target, host, reason)

    # --- letting in again ---------------------------------------------------------------------

    async def unblock(
        self, space: LiveSpace, by: UserId, user: UserId, source: str | None = None
    ) -> None:
        """Let a person in again: here, and in the host's other live spaces.

        Raises Rejected and changes nothing where another entry keeps the person out as well.
        """
        refuse_if_ended(space)
        refuse_unless_moderator(space, by)
        self._refuse_kept_out_otherwise(space.host, user)
        listed = await self._note_listed(space.host, user, source)
        readmission = cmd.ReadmitPerson(by, user)
        was_in = await _is_so_already(
            self._spaces.ask(space.space, readmission, source), "not_removed"
        )
        if was_in and not listed:
            raise _not_blocked()
        await self._ban_lists.unblock(space.host, user)

    async def unblock_pattern(
        self, space: LiveSpace, by: UserId, pattern: str, source: str | None = None
    ) -> None:
        """Take a pattern off the list of this live space's host."""
        refuse_unless_moderator(space, by)
        await self.unblock_for_later(space.host, pattern, source)

    async def unblock_for_later(
        self, host: UserId, target: str, source: str | None = None
    ) -> None:
        """Take an account or a pattern off a host's own list."""
        if not any(sign in target for sign in _WILD):
            self._refuse_kept_out_otherwise(host, UserId(target))
        if not await self._note_listed(host, target, source):
            raise _not_blocked()
        await self._ban_lists.unblock(host, target)

    async def _note_listed(self, host: UserId, target: str, source: str | None) -> bool:
        """Return whether the list holds the target, or held it when `source` first asked."""
        listed = target in self._ban_lists.blocked_by(host)
        if source is None:
            return listed
        event = EventId(source)
        if listed:
            await self._notes.put(CommandUnblocked(event, target))
        return listed or await self._notes.get(CommandUnblocked.key(event)) is not None

    # --- refusals -----------------------------------------------------------------------------

    def _refuse_kept_out_otherwise(self, host: UserId, user: UserId) -> None:
        if is_ghost(user, self._settings.domain):
            return  # a guest has no account, and lists are about accounts
        verdict = self._ban_lists.verdict(host, user, besides=user)
        if verdict is None:
            return
        if verdict.source is BanSource.POLICY_LIST:
            text = "Nothing was changed: a policy list keeps that person out, too: {reason}."
            raise Rejected("still_listed", text, reason=verdict.reason)
        text = "Nothing was changed: {entry} is blocked, too. Unblock that first, then try again."
        raise Rejected("still_barred", text, entry=verdict.entry)

    def _refuse_too_wide(self, target: str, spared: set[UserId]) -> None:
        """Raise Rejected when a pattern does not spare the hosts and the bridge itself."""
        local, _, server = target.removeprefix("@").partition(":")
        if not local.strip(_WILD) and not server.strip(f"{_WILD}.:"):
            text = "That is everybody. To let nobody new in, write `lock`."
            raise Rejected("pattern_of_everybody", text)
        if matches(target, UserId(self._settings.bot)):
            raise Rejected("pattern_of_bot", "That would keep out the bot of this server, too.")
        if any(matches(target, user) for user in spared):
            text = "That would keep out the host, a co-host or yourself, too."
            raise Rejected("pattern_of_hosts", text)


async def _is_so_already(asked: Awaitable[object], code: str) -> bool:
    """Return whether a command was refused with `code`, because it is so already."""
    try:
        await asked
    except Rejected as refusal:
        if refusal.code != code:
            raise
        return True
    return False


def _not_blocked() -> Rejected:
    return Rejected("not_blocked", "That person is neither blocked nor removed here.")
