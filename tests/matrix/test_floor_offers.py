"""The direct message that says that the floor is somebody's: what they have to do to be heard."""

from typing import Any

import pytest

from spaces_bridge.app.tasks import OfferFloor
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.matrix.dms.handler import DmHandler
from tests.matrix.dm_setup import ADA, BEN, SETTINGS, SPACE, DmSetup

pytestmark = pytest.mark.unit


class Secrets:
    """Sessions whose secrets are all alike."""

    async def mint(self, space: SpaceId, user: UserId, name: str, *, guest: bool) -> str:
        return "secret"


async def offered(in_call: set[tuple[SpaceId, UserId]]) -> str:
    """What Ben is told when the floor is his."""
    setup = DmSetup()
    setup.happen(cmd.ObserveMember(ADA, True, "Ada"))
    setup.happen(cmd.RequestToSpeak(BEN, 3))
    setup.happen(cmd.ApproveSpeaker(ADA, BEN))
    setup.happen(cmd.ObserveLevels({ADA: 100, BEN: 50}))
    every: Any = setup
    sessions: Any = Secrets()
    handler = DmHandler(every, every, every, sessions, SETTINGS, lambda *who: who in in_call)
    await handler.run(OfferFloor(SPACE, BEN), "key")
    [text] = setup.texts[BEN]
    return text


async def test_who_is_in_no_call_is_sent_to_the_page() -> None:
    text = await offered({(SPACE, ADA), (SpaceId("other"), BEN)})
    assert "is yours. Open https://pages" in text
    assert "#t=secret and switch your microphone on" in text
    assert "call" not in text


async def test_who_is_in_the_call_is_told_to_tap_the_microphone_there() -> None:
    text = await offered({(SPACE, BEN)})
    assert "is yours. In the call, tap your microphone off and on" in text
    assert "Or open https://pages" in text
    assert "#t=secret" in text
