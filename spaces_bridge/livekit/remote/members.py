"""The devices in calls that publish at other servers' SFUs, as far as they are remembered."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Final

from spaces_bridge.app.remote_ports import RemoteMember
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.livekit.limits import DEVICES_MAX

MEMBERS_MAX: Final = 500
"""Devices of one live space that are remembered."""


class KnownMembers:
    """The devices in the calls of all live spaces; for each, so many, and so many of a person."""

    def __init__(self) -> None:
        self._members: dict[SpaceId, dict[tuple[UserId, str], RemoteMember]] = {}

    @property
    def spaces(self) -> Sequence[SpaceId]:
        """The live spaces with such devices in their calls, or with some before."""
        return tuple(self._members)

    def of(self, space: SpaceId) -> Sequence[RemoteMember]:
        """Return the devices in a live space's call; the newest at its SFU is the last."""
        return tuple(self._members.get(space, {}).values())

    def knows(self, space: SpaceId, user: UserId, device: str) -> bool:
        """Return whether this device is remembered."""
        return (user, device) in self._members.get(space, {})

    def note(
        self, space: SpaceId, member: RemoteMember, heard: Callable[[], Collection[UserId]]
    ) -> None:
        """Remember a device as it is now; those of `heard` make no place for others."""
        members = self._members.setdefault(space, {})
        key = (member.user, member.device)
        if key not in members:
            if Counter(user for user, _ in members)[member.user] >= DEVICES_MAX:
                return
            if len(members) >= MEMBERS_MAX:  # nobody is kept out by a crowd that listens
                kept = heard()
                del members[next(key for key in members if key[0] not in kept)]
        elif members[key].service != member.service:
            del members[key]  # it is the newest now
        members[key] = member

    def forget(self, space: SpaceId, user: UserId, device: str, member: str) -> bool:
        """Forget a person's devices of this name or MatrixRTC id; return if there were any."""
        members = self._members.get(space, {})
        gone = [
            key
            for key, known in members.items()
            if known.user == user and (known.device == device or known.member == member)
        ]
        for key in gone:
            del members[key]
        return bool(gone)

    def drop(self, space: SpaceId) -> None:
        """Forget all devices of a live space."""
        self._members.pop(space, None)
