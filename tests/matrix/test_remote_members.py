"""Devices that publish elsewhere: which of them are passed on, and with which address."""

from types import SimpleNamespace
from typing import Any

import pytest

from spaces_bridge.app.remote_ports import RemoteMember
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.matrix.appservice.remote_members import RoomRemoteMembers
from spaces_bridge.matrix.events.rtc import CallMember

pytestmark = pytest.mark.unit

EVE, SPACE = UserId("@eve:elsewhere.net"), SpaceId("space0000000000a")


class Listener:
    """It notes who is there, and who is gone."""

    def __init__(self) -> None:
        self.seen: list[RemoteMember] = []
        self.gone: list[UserId] = []

    def member_seen(self, _space: SpaceId, member: RemoteMember) -> None:
        self.seen.append(member)

    def member_gone(self, _space: SpaceId, user: UserId, _device: str, _member: str) -> None:
        self.gone.append(user)


async def told(address: str) -> Listener:
    """What is told of Eve's device, which names this address."""
    around: Any = SimpleNamespace(own_sfus=("https://spaces.example.org",), now_ms=lambda: 1)
    space: Any = SimpleNamespace(space=SPACE)
    members, listener = RoomRemoteMembers(around, around, around, around), Listener()
    members.watch(listener)
    await members.changed(space, CallMember(EVE, "D", "m", there=True, publishes_at=(address,)))
    return listener


async def test_all_spellings_of_an_sfu_are_one() -> None:
    for spelling in ("https://sfu.example/jwt", "https://SFU.example:443/jwt/"):
        [member] = (await told(spelling)).seen
        assert member == RemoteMember(EVE, "D", "m", "https://sfu.example/jwt")


@pytest.mark.parametrize("address", ["home", "https://", "file:///etc/passwd", "x" * 200])
async def test_what_is_no_address_is_passed_on_to_nobody(address: str) -> None:
    listener = await told(address)
    assert (listener.seen, listener.gone) == ([], [EVE])
