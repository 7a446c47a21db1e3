"""The command `verify`: where keys are compared, without any key in the chat."""

from dataclasses import replace

import pytest

from tests.matrix.command_setup import DM, MIA, SETTINGS, CommandSetup

pytestmark = pytest.mark.unit


async def test_it_says_where_to_compare_and_that_the_chat_is_no_such_place() -> None:
    async with CommandSetup(settings=replace(SETTINGS, encrypts=True)) as setup:
        answer = await setup.say(MIA, "verify", DM)
    assert "https://pages/verify" in answer
    assert "not from here" in answer


async def test_without_encryption_there_is_nothing_to_verify() -> None:
    async with CommandSetup() as setup:
        answer = await setup.say(MIA, "verify", DM)
    assert "no keys to verify" in answer
