"""Inviting: one person, or one's followers once, whether by command or on the page."""

from dataclasses import replace

import pytest

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.inviting import Inviting
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from tests.app.support import now
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, EVE, GUEST, HOST, live_space

pytestmark = pytest.mark.unit

SPACE = live_space()


class InvitingSetup(Recorder):
    """Keeps notes and tasks; two people follow the host."""

    def __init__(self) -> None:
        super().__init__()
        self.following = {(HOST, BEN), (HOST, EVE)}

    async def invites(self, source: str, space: LiveSpace = SPACE, by: UserId = HOST) -> int:
        return await Inviting(Spaces(self.context())).invite_followers(space, by, source)


async def test_followers_are_invited_once_however_it_is_asked_for() -> None:
    setup = InvitingSetup()
    assert await setup.invites("$command") == 2
    with pytest.raises(Rejected, match="already"):
        await setup.invites("page:1")
    with pytest.raises(Rejected, match="already"):
        await setup.invites("$another")
    assert setup.enqueued("followers.invite") == [{"space": SPACE.space, "by": HOST}]


async def test_the_same_command_heard_again_is_done_and_not_refused() -> None:
    setup = InvitingSetup()
    assert await setup.invites("$command") == await setup.invites("$command") == 2
    assert setup.kinds() == ["followers.invite"]


@pytest.mark.parametrize(
    ("space", "by", "code"),
    [
        (replace(SPACE, phase=Phase.ENDED), HOST, "ended"),
        (replace(SPACE, locked=True), HOST, "locked"),
        (SPACE, BEN, "not_moderator"),
        (SPACE, GUEST, "account_needed"),
    ],
)
async def test_not_into_a_closed_live_space_and_not_by_a_listener(
    space: LiveSpace, by: UserId, code: str
) -> None:
    setup = InvitingSetup()
    with pytest.raises(Rejected) as refusal:
        await setup.invites("$command", space, by)
    assert refusal.value.code == code
    assert not setup.effects
    assert not setup.notes.held


async def test_whom_nobody_follows_may_try_again_later() -> None:
    setup = InvitingSetup()
    setup.following = set()
    with pytest.raises(Rejected, match="Nobody follows you"):
        await setup.invites("$command")
    setup.following = {(HOST, EVE)}
    assert await setup.invites("$later") == 1


@pytest.mark.parametrize(
    ("by", "user", "code"),
    [
        (GUEST, EVE, "account_needed"),
        (BEN, GUEST, "guest_invited"),
        (BEN, HOST, "already_here"),
        (EVE, BEN, "not_joined"),
    ],
)
async def test_who_cannot_invite_and_who_cannot_be_invited(
    spaces: Spaces, by: UserId, user: UserId, code: str
) -> None:
    with pytest.raises(Rejected) as refusal:
        await Inviting(spaces).invite(now(spaces), by, user)
    assert refusal.value.code == code
