"""The media workers of a cluster: who is there, which is home, and who has the fewest people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from spaces_bridge.app.ports import Overload
from spaces_bridge.media.local_stage import LocalStage
from spaces_bridge.media.nodes.limits import LOST_S
from spaces_bridge.media.overloads import overload_of_all
from spaces_bridge.media.stage import WorkerStage

LOCAL: Final = ""
"""The name of the worker on this machine; nodes have others."""

MemberStage: TypeAlias = WorkerStage | LocalStage
"""One worker, or all of this machine."""


@dataclass(eq=False, slots=True)
class ClusterMember:
    """A member is a media worker, or all of this machine: its stage, and since when it is away.

    `is_lost`: for so long that its sessions do not count any more.
    """

    name: str
    stage: MemberStage
    away_since: float | None = None
    is_lost: bool = False

    @property
    def is_here(self) -> bool:
        """Whether the worker can be reached now."""
        return self.stage.is_attached


class ClusterMembers:
    """The members in the order in which they came; `home` is one of them, if there is any."""

    def __init__(self) -> None:
        self._members: dict[str, ClusterMember] = {}
        self.home: ClusterMember | None = None

    def __iter__(self) -> Iterator[ClusterMember]:
        return iter(list(self._members.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def add(self, member: ClusterMember) -> None:
        """Add a member."""
        self._members[member.name] = member

    def remove(self, member: ClusterMember) -> None:
        """Remove a member, which may have been home."""
        self._members.pop(member.name, None)
        if self.home is member:
            self.home = None

    def counted(self) -> Iterator[ClusterMember]:
        """Return the members whose sessions count."""
        return (each for each in self if not each.is_lost)

    def for_listeners(self) -> list[ClusterMember]:
        """Return those that can be reached, the one with the fewest sessions first.

        One that takes nobody new, having too much to do, comes after all that do.
        """

        def rank(each: ClusterMember) -> tuple[bool, int]:
            return each.stage.overload >= Overload.CROWDED, each.stage.load

        return sorted((each for each in self if each.is_here), key=rank)

    def overload(self) -> Overload:
        """Return what is given up in all: listeners are refused only where nobody takes them."""
        return overload_of_all(each.stage.overload for each in self if each.is_here)

    def overload_here(self) -> Overload:
        """Return what the workers of this machine have given up."""
        steps = [each.stage.overload for each in self if each.name == LOCAL and each.is_here]
        return max(steps, default=Overload.CALM)

    def look(self, now: float) -> list[ClusterMember]:
        """Note who is away, and return those that are newly lost, or back."""
        changed = []
        for each in self:
            each.away_since = None if each.is_here else (each.away_since or now)
            is_lost = each.away_since is not None and now - each.away_since >= LOST_S
            if is_lost != each.is_lost:
                each.is_lost = is_lost
                changed.append(each)
        return changed

    def next_home(self) -> ClusterMember | None:
        """Return who is to be home: who is it, while it lives, else the oldest that is there."""
        if self.home is not None and not self.home.is_lost:
            return self.home
        return next((each for each in self if each.is_here), self.home)
