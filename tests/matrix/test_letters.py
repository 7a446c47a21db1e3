"""What an inviter is told when somebody cannot be invited."""

from typing import Any

import pytest

from spaces_bridge.app.wishes import InviteByMessage, TellUser, Wish
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.matrix.errors import Refused
from spaces_bridge.matrix.letters import Letters
from spaces_bridge.matrix.settings import MatrixSettings

pytestmark = pytest.mark.unit

ADA, BEN, SPACE = UserId("@ada:x"), UserId("@ben:x"), SpaceId("space")
INVITE = InviteByMessage(SPACE, BEN, ADA)


class Wishes:
    """Notes what is wished."""

    def __init__(self) -> None:
        self.made: list[Wish] = []

    async def wish(self, wanted: Wish, key: str, due_at_ms: int = 0) -> None:
        self.made.append(wanted)


@pytest.mark.parametrize(
    ("errcode", "part"),
    [
        ("M_FORBIDDEN", "take no invitations"),
        ("M_INVITE_BLOCKED", "take no invitations"),
        ("M_INVALID_PARAM", "Is that Matrix ID right?"),
    ],
)
async def test_a_refused_invitation_is_told_to_the_inviter(errcode: str, part: str) -> None:
    wishes = Wishes()
    nobody: Any = None  # nothing else is asked for on this way
    spaces: Any = wishes
    settings = MatrixSettings("http://hs", "x", "as", "hs", "https://pages")
    letters = Letters(nobody, nobody, spaces, nobody, nobody, settings)
    await letters.refused(INVITE, Refused(403, errcode, "no"))
    (told,) = wishes.made
    assert isinstance(told, TellUser)
    assert told.user == ADA
    assert part in told.text
    assert BEN in told.text
