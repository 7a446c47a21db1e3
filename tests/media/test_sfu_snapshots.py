"""What an SFU client tells of a room fits into one message, whatever its participants do."""

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.nodes.channels import packed
from spaces_bridge.media.nodes.limits import MESSAGE_MAX
from spaces_bridge.media.sfu_client import limits, messages
from spaces_bridge.media.sfu_client.codec import CODEC
from spaces_bridge.media.sfu_client.snapshots import participants
from tests.media.test_sfu_client import person, track

pytestmark = pytest.mark.unit


def test_what_is_told_of_a_crowd_fits_into_one_message_whatever_they_call_themselves() -> None:
    long = "\U0001f44f" * limits.LONGEST_ATTRIBUTE
    attributes = {f"{limits.OUR_ATTRIBUTES}{number}": long for number in range(9)}
    tracks = [track(f"TR_{number}", long[: limits.LONGEST_NAME]) for number in range(9)]
    name = "\0" * (limits.LONGEST_IDENTITY - 4)
    crowd = [person(f"{name}{n:04}", *tracks, attributes=attributes) for n in range(1000)]
    speaker = person("ada", track("TR_1"), may_publish=True)
    listener = person("ben")
    seen = participants([*crowd, speaker, listener])
    told = messages.SfuParticipants(SpaceId("space"), "home", 1, seen)
    assert limits.MOST_SNAPSHOT / 2 < len(CODEC.encode(told)) < limits.MOST_SNAPSHOT + 1000
    assert len(packed(told)) < MESSAGE_MAX
    assert seen[0].identity == "ada"
    assert "ben" in {each.identity for each in seen}


def test_a_full_room_of_ours_is_told_of_whole() -> None:
    attributes = {f"{limits.OUR_ATTRIBUTES}{number}": "x" * 64 for number in range(3)}
    name = "x" * 120
    crowd = [
        person(f"{name}{n}", track(f"TR_{'x' * 20}"), attributes=attributes)
        for n in range(limits.MOST_PARTICIPANTS)
    ]
    assert len(participants(crowd)) == limits.MOST_PARTICIPANTS
