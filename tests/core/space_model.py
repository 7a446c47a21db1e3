"""A homeserver to try the rules against: it holds levels and members, and may refuse or be late.

It keeps Matrix's own rules about who may write which level, kick and ban. Tasks reach it through
the policies of the app, one after the other, as the outbox brings them.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from spaces_bridge.app import policies, tasks
from spaces_bridge.app.codec import task_from
from spaces_bridge.app.reconcile import missing
from spaces_bridge.app.records import OutboxEntry
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.evolution import born, evolve, replay
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import create, decide

ROOM = RoomId("!room")
KICK = 60
POWER = 90

Carried = (
    tasks.WriteLevel | tasks.BanPerson | tasks.UnbanPerson | tasks.SeatGuest | tasks.UnseatGuest
)


@dataclass
class SpaceModel:
    """A live space and its room on a homeserver, and everything that happened."""

    creation: cmd.CreateSpace
    levels: dict[UserId, int] = field(default_factory=dict)
    joined: set[UserId] = field(default_factory=set)
    banned: set[UserId] = field(default_factory=set)
    outbox: deque[Carried] = field(default_factory=deque)
    journal: list[ev.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.created = create(self.creation)
        self.space = born(self.created)
        self.levels[self.creation.by] = POWER

    # --- the bridge ---------------------------------------------------------------------------

    def obey(self, command: cmd.Command) -> Sequence[ev.Event]:
        """What the actor does with a command. Nothing when it is refused."""
        try:
            events = decide(self.space, command)
        except Rejected:
            return ()
        for event in events:
            seq = len(self.journal) + 2
            for effect in policies.effects_of(self.space, event, seq, 0, 0):
                self._post(effect)
            self.space = evolve(self.space, event)
            self.journal.append(event)
        return events

    def _post(self, effect: OutboxEntry) -> None:
        wanted = task_from(effect)
        if isinstance(wanted, Carried):
            self.outbox.append(wanted)

    def carry_out(self, *, refuse: bool = False) -> None:
        """The outbox's next task, done as the Matrix side does it."""
        if not self.outbox:
            return
        match wanted := self.outbox.popleft():
            case tasks.WriteLevel():
                self._write(wanted, refuse=refuse)
            case tasks.BanPerson() if wanted.user in self.space.removed and not refuse:
                self.banned.add(wanted.user)
                self.joined.discard(wanted.user)
                self.see_member(wanted.user)
            case tasks.UnbanPerson() if wanted.user not in self.space.removed and not refuse:
                self.banned.discard(wanted.user)
            case tasks.SeatGuest() if refuse:
                self.obey(cmd.ObserveRefusedGrant(wanted.user, "M_FORBIDDEN"))
            case tasks.SeatGuest() if self.space.is_accepted(wanted.user):
                self.joins(wanted.user)
            case tasks.UnseatGuest():
                self.leaves(wanted.user)
            case _:
                pass

    def _write(self, wanted: tasks.WriteLevel, *, refuse: bool) -> None:
        user, level = wanted.user, wanted.level
        self.see_levels()
        if level is not None and self.space.level_wanted(user) != level:
            return  # no longer waited for
        if not refuse:
            self._hold(user, level)
            self.obey(cmd.ObserveLevels(dict(self.levels), settled=user))
        elif level is not None:
            self.obey(cmd.ObserveRefusedGrant(user, "M_FORBIDDEN"))

    def _hold(self, user: UserId, level: int | None) -> None:
        if level is None:
            self.levels.pop(user, None)
        else:
            self.levels[user] = level

    def settle(self) -> None:
        """Everything is carried out; that it comes to an end is part of what is tested."""
        for _ in range(200):
            if not self.outbox:
                return
            self.carry_out()
        raise AssertionError(f"tasks breed tasks: {list(self.outbox)[:3]}")

    def see_levels(self, by: UserId | None = None) -> None:
        self.obey(cmd.ObserveLevels(dict(self.levels), by=by))

    def see_member(self, user: UserId, *, kicked: bool = False, unbanned: bool = False) -> None:
        self.obey(
            cmd.ObserveMember(
                user,
                joined=user in self.joined,
                name="N" if user in self.joined else "",
                banned=user in self.banned,
                kicked=kicked,
                unbanned=unbanned,
            )
        )

    def see_room(self) -> None:
        names = dict.fromkeys(sorted(self.joined), "N")
        self.obey(cmd.ObserveRoom(dict(self.levels), names, frozenset(self.banned)))

    def reconcile(self) -> None:
        """Look at the whole room, and enqueue again what it does not show."""
        self.see_room()
        for effect in missing(self.space, len(self.journal) + 2):
            self._post(effect)
        self.settle()

    def remembered(self) -> LiveSpace:
        """What a restart makes of the journal."""
        return replay(self.created, self.journal)

    # --- people with clients of their own -----------------------------------------------------

    def joins(self, user: UserId) -> None:
        if user not in self.banned:
            self.joined.add(user)
            self.see_member(user)

    def leaves(self, user: UserId) -> None:
        if user in self.joined:
            self.joined.discard(user)
            self.see_member(user)

    def writes_level(self, by: UserId, user: UserId, level: int | None, *, seen: bool) -> None:
        """As Matrix allows it: nothing above oneself, nobody of one's own height but oneself."""
        own, theirs = self.levels.get(by, 0), self.levels.get(user, 0)
        may = own >= POWER and (level or 0) <= own and (user == by or theirs < own)
        if by in self.joined and may:
            self._hold(user, level)
            if seen:
                self.see_levels(by)

    def kicks(self, by: UserId, user: UserId, *, ban: bool) -> None:
        own = self.levels.get(by, 0)
        if by in self.joined and own >= KICK and own > self.levels.get(user, 0):
            was_joined = user in self.joined
            self.joined.discard(user)
            if ban:
                self.banned.add(user)
            if ban or was_joined:
                self.see_member(user, kicked=not ban)

    def unbans(self, by: UserId, user: UserId) -> None:
        if by in self.joined and self.levels.get(by, 0) >= KICK and user in self.banned:
            self.banned.discard(user)
            self.see_member(user, unbanned=True)
