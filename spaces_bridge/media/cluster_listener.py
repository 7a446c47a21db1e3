"""What one media worker of a cluster notices, passed on as the whole cluster's."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from spaces_bridge.app.ports import StageListener
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.cluster_members import LOCAL, ClusterMember
from spaces_bridge.wire.pcm import length_ms


class ClusterView(Protocol):
    """What a member's listener asks of the cluster."""

    def is_home(self, member: ClusterMember) -> bool:
        """Return whether the member is home."""
        ...

    def is_on_air(self, space: SpaceId, user: UserId) -> bool:
        """Return whether the person's gate is open."""
        ...

    def has_page_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Return whether the person has a microphone on a page at any member."""
        ...


class MemberListener:
    """A member's `StageListener`: what is not of the home's stage is not passed on."""

    def __init__(
        self,
        cluster: ClusterView,
        member: ClusterMember,
        listener: Callable[[], StageListener | None],
    ) -> None:
        self._cluster, self._member = cluster, member
        self._listener = listener

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        """Part of `StageListener`."""
        listener = self._listener()
        if listener is not None and self._cluster.is_home(self._member):
            listener.levels(space, {u: n for u, n in levels.items() if self._is_heard(space, u)})

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        """Part of `StageListener`."""
        listener = self._listener()
        if listener is not None and self._cluster.is_home(self._member):
            listener.gaps(space, {u: n for u, n in missing.items() if self._is_heard(space, u)})

    def audio(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        """Part of `StageListener`. What is captioned elsewhere is forgotten here at once."""
        listener = self._listener()
        if listener is None:
            return
        if not self._cluster.is_home(self._member):
            self._member.stage.audio_taken(space, user, at_ms + length_ms(pcm))
        elif self._is_heard(space, user):
            listener.audio(space, user, at_ms, pcm)

    def microphone_lost(self, space: SpaceId, user: UserId) -> None:
        """Part of `StageListener`. What others take from a room may be the lost one, relayed."""
        listener = self._listener()
        if listener is not None and not self._cluster.has_page_microphone(space, user):
            listener.microphone_lost(space, user)

    def microphone_cut(self, space: SpaceId, user: UserId) -> None:
        """Part of `StageListener`."""
        listener = self._listener()
        if listener is not None:
            listener.microphone_cut(space, user)

    def listeners_changed(self, space: SpaceId) -> None:
        """Part of `StageListener`."""
        listener = self._listener()
        if listener is not None:
            listener.listeners_changed(space)

    def worker_restarted(self, spaces: Collection[SpaceId]) -> None:
        """Part of `StageListener`."""
        listener = self._listener()
        if listener is not None and self._cluster.is_home(self._member):
            listener.worker_restarted(spaces)

    def _is_heard(self, space: SpaceId, user: UserId) -> bool:
        """Return whether sound is told as this person's; another machine's word is checked."""
        return self._member.name == LOCAL or self._cluster.is_on_air(space, user)
