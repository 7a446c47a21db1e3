"""Secrets of personal links."""

import pytest

from spaces_bridge.app import registry
from spaces_bridge.app.sessions import Sessions
from tests.app.support import SPACE
from tests.support.recorder import Recorder
from tests.support.spaces import BEN

pytestmark = pytest.mark.unit


async def test_secrets_are_stored_hashed_and_can_be_revoked(recorder: Recorder) -> None:
    sessions = Sessions(recorder, recorder, "example.org")
    secret = await sessions.mint(SPACE, BEN, "Ben", guest=False)
    assert secret not in str(recorder.tokens)
    token = await sessions.identify(secret)
    assert token is not None
    assert token.user == BEN
    assert await sessions.identify("\ud800 wrong") is None
    await sessions.revoke(SPACE, BEN)
    assert await sessions.identify(secret) is None
    assert sessions.guest_id() != sessions.guest_id()
    assert registry.is_ghost(sessions.guest_id())
    assert not registry.is_ghost(BEN)
