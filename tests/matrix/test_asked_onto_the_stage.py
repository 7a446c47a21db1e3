"""The question whether somebody wants to speak, and the call that comes with it."""

from typing import Any

import pytest

from spaces_bridge.app.records import CallAlert
from spaces_bridge.app.tasks import OfferToSpeak
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.dms.prompts import PromptHandler
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.events.emojis import NO, YES
from tests.matrix.dm_setup import ADA, BEN, SPACE, DmSetup

pytestmark = pytest.mark.unit


class Stage(DmSetup):
    """Ada's live space, in which Ben listens."""

    def __init__(self) -> None:
        super().__init__()
        every: Any = self
        self.called: list[tuple[UserId, str]] = []
        self.prompts = PromptHandler(
            every, every, every, self.notes, DmStore(self.notes), self.followers, every
        )

    async def call_me(self, space: LiveSpace, user: UserId, source: str) -> bool:
        self.called.append((user, source))
        return True


async def test_who_chose_to_be_rung_is_called_when_asked_onto_the_stage() -> None:
    stage = Stage()
    stage.happen(cmd.BringSpeaker(ADA, BEN))
    await stage.prompts.run(OfferToSpeak(SPACE, BEN, ADA), "first")
    assert stage.called == [], "nobody is rung who did not choose it"
    await stage.followers.follow(ADA, BEN, 1)
    await stage.followers.set_alert(ADA, BEN, CallAlert.RING)
    await stage.prompts.run(OfferToSpeak(SPACE, BEN, ADA), "second")
    assert stage.called == [(BEN, "asked:second")], "once for each question"
    assert len(stage.texts[BEN]) == 2
    assert stage.seeds["$second"] == [YES, NO]


async def test_a_question_that_is_answered_already_rings_nobody() -> None:
    stage = Stage()
    await stage.followers.follow(ADA, BEN, 1)
    await stage.followers.set_alert(ADA, BEN, CallAlert.RING)
    assert await stage.prompts.run(OfferToSpeak(SPACE, BEN, ADA), "late") is None
    assert stage.called == []
