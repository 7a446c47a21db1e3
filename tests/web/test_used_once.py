"""Tokens that were used are known for an hour, and not without end."""

import pytest

from spaces_bridge.web.access import openid
from spaces_bridge.web.access.openid import UsedOnce

pytestmark = pytest.mark.unit


def test_what_was_used_is_known_for_an_hour() -> None:
    now = 0.0
    used = UsedOnce(lambda: now)
    used.add(b"one")
    now = 3599.0
    used.add(b"two")
    assert b"one" in used
    assert b"other" not in used
    now = 3601.0
    assert b"one" not in used
    assert b"two" in used


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openid, "USED_KEPT", 2)
    used = UsedOnce(lambda: 0.0)
    for digest in (b"one", b"two", b"three"):
        used.add(digest)
    assert [digest in used for digest in (b"one", b"two", b"three")] == [False, True, True]
