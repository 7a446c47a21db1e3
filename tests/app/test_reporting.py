"""What moderators are shown of the reported."""

import pytest

from spaces_bridge.app.reporting import context_of
from spaces_bridge.core import commands as cmd
from tests.support.spaces import BEN, GUEST, HOST, after, live_space

pytestmark = pytest.mark.unit


def test_a_guest_without_the_floor_is_nameless_in_the_moderators_room_too() -> None:
    asked = after(live_space(), cmd.RequestToSpeak(GUEST, 1, "A slur", guest=True))
    assert context_of(asked, GUEST) == "guest in “First talk”"
    seated = after(
        asked,
        cmd.ApproveSpeaker(HOST, GUEST),
        cmd.ObserveMember(GUEST, joined=True, name="Gil (guest)"),
    )
    assert context_of(seated, GUEST) == "Gil (guest) · guest in “First talk”"
    assert context_of(asked, BEN) == "Ben · listener in “First talk”"
