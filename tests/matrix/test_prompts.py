"""Questions by direct message: asked once, and only while they are open."""

from typing import Any

import pytest

from spaces_bridge.app.notes.dms_and_reactions import StageInvitationMessage
from spaces_bridge.app.tasks import OfferToSpeak, PromptModerator, TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.dms.prompts import PromptHandler
from spaces_bridge.matrix.dms.store import DmStore
from tests.matrix.dm_setup import ADA, BEN, SPACE, DmSetup

pytestmark = pytest.mark.unit


def questions(setup: DmSetup) -> PromptHandler:
    every: Any = setup
    return PromptHandler(every, every, every, setup.notes, DmStore(setup.notes))


async def test_a_host_is_asked_about_a_hand_once_however_often_it_went_up() -> None:
    setup = DmSetup()
    asks = questions(setup)
    question = PromptModerator(SPACE, ADA, BEN, False)
    assert await asks.run(question, "early") is None, "no hand is up"
    setup.happen(cmd.RequestToSpeak(BEN, 10))
    assert await asks.run(question, "first") == "$first"
    assert await asks.run(question, "first") == "$first", "again after a crash"
    assert await asks.run(question, "second") is None
    setup.happen(cmd.CancelRequest(BEN))
    setup.happen(cmd.RequestToSpeak(BEN, 20))
    assert await asks.run(question, "third") == "$third"
    setup.happen(cmd.CancelRequest(BEN))
    setup.happen(cmd.RequestToSpeak(BEN, 30))
    setup.happen(cmd.ApproveSpeaker(ADA, BEN))
    assert await asks.run(question, "late") is None, "answered, though the level is on its way"


async def test_a_hand_that_went_up_again_while_its_question_was_cut_off_is_asked_about() -> None:
    setup = DmSetup()
    asks = questions(setup)
    question = PromptModerator(SPACE, ADA, BEN, False)
    setup.happen(cmd.RequestToSpeak(BEN, 10))
    assert await asks.run(question, "first") == "$first"
    setup.happen(cmd.CancelRequest(BEN))
    setup.happen(cmd.RequestToSpeak(BEN, 20))
    assert await asks.run(question, "first") is None, "the homeserver would drop the repetition"
    assert await asks.run(question, "second") == "$second"


async def test_an_offer_to_speak_is_made_while_it_stands() -> None:
    setup = DmSetup()
    asks = questions(setup)
    offer = OfferToSpeak(SPACE, BEN, ADA)
    assert await asks.run(offer, "early") is None
    setup.happen(cmd.BringSpeaker(ADA, BEN))
    event = await asks.run(offer, "key")
    assert event == "$key"
    assert setup.texts[BEN][0].startswith("🎙 Ada invites you to speak in “Bread”. Tap ✅")
    assert setup.seeds["$key"] == ["✅", "❌"]
    assert await DmStore(setup.notes).offer(event) == StageInvitationMessage(event, SPACE, BEN)


async def test_whose_offer_did_not_reach_anybody_is_told() -> None:
    setup = DmSetup()
    await questions(setup).refused(
        OfferToSpeak(SPACE, BEN, ADA), RequestRefused(403, "M_FORBIDDEN", "")
    )
    (told,) = setup.enqueued
    assert isinstance(told, TellUser)
    assert told.user == ADA
    assert BEN in told.text
