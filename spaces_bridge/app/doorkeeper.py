"""Who may not come in: hosts' block lists and the policy lists the bridge follows.

The lists are held in memory, because the question is asked of everybody who comes in; they are
stored first, so that nothing that was answered is forgotten.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from spaces_bridge.app.globs import GlobTable, matches
from spaces_bridge.app.ports import Blocks, Clock, PolicyRules
from spaces_bridge.app.records import Block, PolicyRule
from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why somebody may not come in."""

    reason: str


class Doorkeeper:
    """Implements the port of the same name; ``attend`` names the spaces whose door it keeps."""

    def __init__(self, blocks: Blocks, rules: PolicyRules, clock: Clock) -> None:
        self._blocks = blocks
        self._rules = rules
        self._clock = clock
        self._spaces: Spaces
        self._blocked: dict[tuple[UserId, str], Block] = {}
        self._policies: dict[tuple[RoomId, str, str], PolicyRule] = {}
        self._tables: dict[str, GlobTable[PolicyRule]] | None = None
        self._tasks: set[asyncio.Task[bool]] = set()

    def attend(self, spaces: Spaces) -> None:
        """These are the live spaces; once, before anything else."""
        self._spaces = spaces

    async def load(self) -> None:
        """Read what is stored. Raises StorageError."""
        self._blocked = {(b.host, b.target): b for b in await self._blocks.all()}
        self._policies = {(r.room, r.kind, r.key): r for r in await self._rules.all()}
        self._tables = None

    async def stop(self) -> None:
        """Finish what was begun."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def verdict(self, host: UserId, user: UserId) -> Verdict | None:
        """Whether this person may not come into this host's spaces. None: they may."""
        if user == host:
            return None
        for block in self._blocked.values():
            if block.host == host and matches(block.target, user):
                return Verdict(block.reason or "blocked by the host")
        for kind, rules in self._rules_by_kind().items():
            for subject in subjects_of(kind, user):
                rule = rules.find(subject)
                if rule is not None:
                    return Verdict(rule.reason or "by a policy list")
        return None

    def _rules_by_kind(self) -> dict[str, GlobTable[PolicyRule]]:
        """Made anew when first asked for after a change: lists may hold thousands of rules."""
        if self._tables is None:
            rules = self._policies.values()
            self._tables = {
                kind: GlobTable((rule.entity, rule) for rule in rules if rule.kind == kind)
                for kind in ("user", "server")
            }
        return self._tables

    # --- the port -----------------------------------------------------------------------------

    def entered(self, space: LiveSpace, user: UserId) -> None:
        """Show out whoever may not be here."""
        if is_ghost(user):
            return
        verdict = self.verdict(space.host, user)
        if verdict is not None:
            command = cmd.RemovePerson(None, user, verdict.reason, blocked=True)
            self._spaces.tell(space.space, command)

    def readmitted(self, space: LiveSpace, user: UserId, by: UserId | None) -> None:
        """A host who lifts a ban in any client unblocks."""
        if by == space.host and (by, user) in self._blocked:
            task = asyncio.create_task(self._forget(by, user), name="unblock")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # --- block lists --------------------------------------------------------------------------

    async def block(self, host: UserId, target: str, by: UserId, reason: str) -> None:
        """Keep ``target`` (a user id, may hold ``*`` and ``?``) out of all spaces of the host.

        Raises StorageError.
        """
        block = Block(host, target, by, reason, self._clock.now_ms())
        await self._blocks.put(block)
        self._blocked[host, target] = block
        for space in self._of(host):
            self._show_out(space)

    async def unblock(self, host: UserId, target: str) -> bool:
        """False: was not blocked. Raises StorageError."""
        known = await self._forget(host, target)
        for space in self._of(host):
            for user in list(space.removed):
                if matches(target, user) and self.verdict(host, user) is None:
                    self._spaces.tell(space.space, cmd.ReadmitPerson(None, user))
        return known

    async def _forget(self, host: UserId, target: str) -> bool:
        known = await self._blocks.drop(host, target)
        self._blocked.pop((host, target), None)
        return known

    # --- policy lists -------------------------------------------------------------------------

    async def learn(self, rule: PolicyRule) -> None:
        """A list recommends a ban. Raises StorageError."""
        await self._rules.put(rule)
        self._policies[rule.room, rule.kind, rule.key] = rule
        self._tables = None
        for space in self._spaces.open():
            for user in _here(space):
                if any(matches(rule.entity, text) for text in subjects_of(rule.kind, user)):
                    self.entered(space, user)

    async def unlearn(self, room: RoomId, kind: str, key: str) -> None:
        """A list has taken a rule back: who was shown out by it may be let in by hand."""
        await self._rules.drop(room, kind, key)
        self._policies.pop((room, kind, key), None)
        self._tables = None

    async def relearn(self, room: RoomId, rules: Sequence[PolicyRule]) -> None:
        """These are all rules of this list. Raises StorageError."""
        known = {k: r for k, r in self._policies.items() if r.room == room}
        if known != {(r.room, r.kind, r.key): r for r in rules}:
            await self._rules.replace(room, rules)
        others = {k: r for k, r in self._policies.items() if r.room != room}
        self._policies = others | {(r.room, r.kind, r.key): r for r in rules}
        self._tables = None
        for space in self._spaces.open():
            self._show_out(space)

    def lists(self) -> set[RoomId]:
        """The policy lists that have said something."""
        return {rule.room for rule in self._policies.values()}

    def banned_servers(self) -> list[str]:
        """What the policy lists say about whole servers: globs of server names."""
        return sorted({r.entity for r in self._policies.values() if r.kind == "server"})

    def _show_out(self, space: LiveSpace) -> None:
        for user in _here(space):
            self.entered(space, user)

    def _of(self, host: UserId) -> list[LiveSpace]:
        return [space for space in self._spaces.open() if space.host == host]


def _here(space: LiveSpace) -> list[UserId]:
    return [p.user for p in space.people.values() if p.joined and p.user not in space.removed]


def subjects_of(kind: str, user: UserId) -> list[str]:
    """What a rule of this kind must fit: the user, or the server, also without its port."""
    if kind == "user":
        return [user]
    server = user.partition(":")[2]
    name, _, port = server.rpartition(":")
    return [server, name] if name and port.isdigit() else [server]
