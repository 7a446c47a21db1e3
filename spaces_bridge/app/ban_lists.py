"""The ban lists: hosts' block lists and the policy lists the bridge follows.

The lists are held in memory, because everybody who comes in is looked up in them. Each change is
stored first, so that nothing that was answered is forgotten.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.policy_book import PolicyBook, matches
from spaces_bridge.app.ports import Blocks, Clock, PolicyRules
from spaces_bridge.app.records import Block, PolicyRule
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace

log = logging.getLogger(__name__)

TARGET_MAX = 255
"""The bytes a user id may have (spec), and so a pattern of user ids."""


class BanSource(Enum):
    """The kind of list that keeps a person out."""

    BLOCK_LIST = auto()
    POLICY_LIST = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict says why a person may not come in, and by which entry (an id or a pattern)."""

    reason: str
    source: BanSource = BanSource.BLOCK_LIST
    entry: str = ""


class BanListService:
    """The service of the ban lists: implements the port `BanLists`, and changes the lists.

    `attend` gives it the live spaces whose access it guards.
    """

    def __init__(self, blocks: Blocks, rules: PolicyRules, clock: Clock) -> None:
        self._blocks = blocks
        self._rules = rules
        self._clock = clock
        self._spaces: Spaces
        self._blocked: dict[tuple[UserId, str], Block] = {}
        self._policies = PolicyBook()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchers: list[Callable[[], None]] = []

    def watch(self, changed: Callable[[], None]) -> None:
        """Call back whenever `verdict` may have another answer from now on."""
        self._watchers.append(changed)

    def attend(self, spaces: Spaces) -> None:
        """Take the live spaces to guard; call it once, before anything else."""
        self._spaces = spaces

    async def load(self) -> None:
        """Read the stored lists. Raises StorageError."""
        self._blocked = {(b.host, b.target): b for b in await self._blocks.all()}
        self._policies = PolicyBook(await self._rules.all())

    async def stop(self) -> None:
        """Wait for the unblocks that were begun."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def verdict(self, host: UserId, user: UserId, besides: str | None = None) -> Verdict | None:
        """Return why this person may not come into this host's spaces. None: they may.

        `besides`: an entry of the host's list that does not count.
        """
        if user == host:
            return None
        for block in self._blocked.values():
            counts = block.host == host and block.target != besides
            if counts and matches(block.target, user):
                reason = block.reason or "blocked by the host"
                return Verdict(reason, BanSource.BLOCK_LIST, block.target)
        rule = self._policies.rule_against(user)
        if rule is None:
            return None
        return Verdict(rule.reason or "by a policy list", BanSource.POLICY_LIST, rule.entity)

    # --- the port -----------------------------------------------------------------------------

    def entered(self, space: LiveSpace, user: UserId) -> None:
        """Remove the person if a list says they may not be here."""
        if space.person(user).guest:
            return  # a ghost of ours: a guest has no account to block
        verdict = self.verdict(space.host, user)
        if verdict is not None:
            command = cmd.RemovePerson(None, user, verdict.reason, blocked=True)
            self._spaces.tell(space.space, command)

    def readmitted(self, space: LiveSpace, user: UserId, by: UserId | None) -> None:
        """Unblock the person if the host lifted the ban, in any client."""
        if by == space.host and (by, user) in self._blocked:
            task = asyncio.create_task(self._unblock_quietly(by, user), name="unblock")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # --- block lists --------------------------------------------------------------------------

    async def block(self, host: UserId, target: str, by: UserId, reason: str) -> None:
        """Keep `target` (a user id, may hold `*` and `?`) out of all spaces of the host.

        Co-hosts block one person at a time, and not each other. Raises Rejected, StorageError.
        """
        self.refuse_to_block(host, target, by)
        block = Block(host, target, by, reason, self._clock.now_ms())
        await self._blocks.put(block)
        self._blocked[host, target] = block
        self._changed()
        for space in self._of(host):
            self._show_out(space)

    def blocked_by(self, host: UserId) -> list[str]:
        """Return the entries of the host's block list: user ids and patterns."""
        return sorted(target for by, target in self._blocked if by == host)

    def refuse_to_block(self, host: UserId, target: str, by: UserId) -> None:
        """Raise Rejected when `by` may not put this entry on the host's list."""
        if len(target.encode("utf-8", "surrogatepass")) > TARGET_MAX:
            raise Rejected("long_user", "That is too long for a Matrix ID.")
        if by != host:
            self._refuse_helper(host, target)

    def _refuse_helper(self, host: UserId, target: str) -> None:
        if "*" in target or "?" in target:
            raise Rejected("pattern_by_host", "Only the host blocks by pattern: name one person.")
        user = UserId(target)
        if user == host or any(space.role(user).may_moderate for space in self._of(host)):
            raise refusals.too_high()

    async def unblock(self, host: UserId, target: str) -> bool:
        """Take `target` off the host's list. False: it was not blocked. Raises StorageError."""
        known = await self._forget(host, target)
        for space in self._of(host):
            for user, removal in space.removed.items():
                # taking back a pattern readmits those it kept out, and nobody else
                meant = user == target or (removal.blocked and matches(target, user))
                if meant and self.verdict(host, user) is None:
                    self._spaces.tell(space.space, cmd.ReadmitPerson(None, user))
        return known

    async def _unblock_quietly(self, host: UserId, user: UserId) -> None:
        try:
            await self._forget(host, user)
        except AdapterError as error:
            log.warning("a host's unban could not be remembered: %s", error)

    async def _forget(self, host: UserId, target: str) -> bool:
        known = await self._blocks.drop(host, target)
        self._blocked.pop((host, target), None)
        self._changed()
        return known

    # --- policy lists -------------------------------------------------------------------------

    async def learn(self, rule: PolicyRule) -> None:
        """Add a rule by which a policy list recommends a ban. Raises StorageError."""
        await self._rules.put(rule)
        self._policies.put(rule)
        self._show_out_everywhere()

    async def unlearn(self, room: RoomId, kind: str, key: str) -> None:
        """Drop a rule that a policy list has taken back. Raises StorageError.

        People removed by the rule stay out until somebody readmits them.
        """
        await self._rules.drop(room, kind, key)
        self._policies.drop(room, kind, key)
        self._changed()

    async def relearn(self, room: RoomId, rules: Sequence[PolicyRule]) -> None:
        """Replace all rules of this policy list. Raises StorageError."""
        known = {rule for rule in self._policies.rules() if rule.room == room}
        if known != set(rules):
            await self._rules.replace(room, rules)
            self._policies.replace(room, rules)
        self._show_out_everywhere()

    def lists(self) -> set[RoomId]:
        """Return the rooms of the policy lists that have any rules."""
        return {rule.room for rule in self._policies.rules()}

    def banned_servers(self) -> list[str]:
        """Return the policy lists' entries about whole servers: globs of server names."""
        return sorted({r.entity for r in self._policies.rules() if r.kind == "server"})

    def _changed(self) -> None:
        for changed in self._watchers:
            changed()

    def _show_out_everywhere(self) -> None:
        self._changed()
        for space in self._spaces.open():
            self._show_out(space)

    def _show_out(self, space: LiveSpace) -> None:
        for person in list(space.people.values()):
            if person.joined and person.user not in space.removed:
                self.entered(space, person.user)

    def _of(self, host: UserId) -> list[LiveSpace]:
        return [space for space in self._spaces.open() if space.host == host]
