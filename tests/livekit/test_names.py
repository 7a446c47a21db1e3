"""The names of LiveKit's rooms and participants."""

import pytest

from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.livekit.names import device_identity, member_identity, room_name

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("room", "slot", "name"),
    [
        # the vector of MSC4195
        ("!roomid:example.com", "slot1234", "O8437W3+jmzMVjoIP3tNwbm+XxHQk2iKpOA7aqw3qSc"),
        # what Element Call 0.26.1 and a live Synapse made
        (
            "!FMShbWyvrxjfhXx1Xed80ud5P29iseiir8rEND-iy30",
            "m.call#ROOM",
            "2gRh0yoPoLfQn1dk4ltyuRPWoFZJZwzuDaE2uM4abwA",
        ),
    ],
)
def test_a_rooms_name_is_that_of_msc4195(room: str, slot: str, name: str) -> None:
    assert room_name(RoomId(room), slot) == name


@pytest.mark.parametrize(
    ("user", "device", "member", "identity"),
    [
        # the vector of MSC4195
        (
            "@alice:example.com",
            "DEVICE123",
            "memberABC",
            "J+T45tGruxc+HrUOqJJlyQSV33m728Cme4+vt8/SWrU",
        ),
        (
            "@alice:space.test",
            "ALICEDEV",
            "@alice:space.test:ALICEDEV",
            "LOT+Ze9Cecw5zkUYZWfGiGTgeTGd7ormWds0kSA0SH0",
        ),
    ],
)
def test_a_members_identity_is_that_of_msc4195(
    user: str, device: str, member: str, identity: str
) -> None:
    assert member_identity(UserId(user), device, member) == identity


def test_the_older_identity_is_user_and_device() -> None:
    assert device_identity(UserId("@alice:space.test"), "ALICEDEV") == "@alice:space.test:ALICEDEV"


def test_letters_of_any_script_are_hashed_as_they_are() -> None:
    """Canonical JSON escapes no letter (Matrix, appendices, "Canonical JSON")."""
    escaped = room_name(RoomId("!r"), "\\u00fc")
    assert room_name(RoomId("!r"), "ü") != escaped
