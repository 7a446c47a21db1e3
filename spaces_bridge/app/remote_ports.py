"""The ports of remote speakers: people in a room's call who publish at another server's SFU."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spaces_bridge.core.ids import RoomId, SpaceId, UserId


@dataclass(frozen=True, slots=True)
class RemoteMember:
    """A device in a room's call that publishes at another server's SFU, as its own event says.

    `member` is its MatrixRTC id; `service` the address of that SFU's authoriser
    (`livekit_service_url`), written in one way; `expires_at_ms` Unix time, None where the event
    gives none.
    """

    user: UserId
    device: str
    member: str
    service: str
    expires_at_ms: int | None = None


class RemoteMemberListener(Protocol):
    """The listener that is told of devices that publish elsewhere."""

    def member_seen(self, space: SpaceId, member: RemoteMember) -> None:
        """The device is in the call, and publishes elsewhere."""
        ...

    def member_gone(self, space: SpaceId, user: UserId, device: str, member: str) -> None:
        """The device is not in the call any more, or publishes with us now.

        `device` is "" where the event does not say it; `member` is its MatrixRTC id.
        """
        ...


class RemoteMembers(Protocol):
    """The memberships of devices that publish elsewhere, as rooms show them."""

    def watch(self, listener: RemoteMemberListener) -> None:
        """Set the listener; once, before the start."""
        ...

    async def read(self, space: SpaceId) -> Sequence[RemoteMember]:
        """Return all there are in the live space's room now. Raises AdapterError."""
        ...

    async def tell_unheard(self, space: SpaceId, user: UserId) -> None:
        """Tell the person, once, that they are not heard here, and how to speak. AdapterError."""
        ...


@dataclass(frozen=True, slots=True)
class SfuToken:
    """A token of another server's SFU, and the WebSocket address of the SFU that takes it."""

    url: str
    jwt: str


class ForeignSfus(Protocol):
    """The authorisers of other servers' SFUs, who are strangers."""

    async def token(self, service: str, room: RoomId, device: str) -> SfuToken:
        """Return a token with which the bot joins the room's call there, as this device.

        Raises AdapterError: they refuse, do not answer, or name an address nobody connects to.
        """
        ...
