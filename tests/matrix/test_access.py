"""Who may come into a room, as state events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app.policy_book import matches
from spaces_bridge.core import commands as cmd
from spaces_bridge.matrix.events.access import DENIED_MAX, DENIED_MAX_BYTES, access_of, server_acl
from spaces_bridge.matrix.events.content import size
from tests.support.spaces import HOST, after, live_space

pytestmark = pytest.mark.unit


def test_public_spaces_are_open_until_locked() -> None:
    space = live_space()
    locked = after(space, cmd.LockSpace(HOST))
    unlocked = after(locked, cmd.UnlockSpace(HOST))
    rules = [dict(access_of(s))["m.room.join_rules"] for s in (space, locked, unlocked)]
    assert [rule["join_rule"] for rule in rules] == ["public", "invite", "public"]
    private = dict(access_of(live_space(private=True)))
    assert private["m.room.join_rules"] == {"join_rule": "invite"}
    assert private["m.room.guest_access"] == {"guest_access": "forbidden"}
    assert private["m.room.history_visibility"] == {"history_visibility": "shared"}


def test_our_own_server_is_never_kept_out() -> None:
    globs = ["*", "*.org", "example.org", "EXAMPLE.*", "evil.net", "evil.net"]
    content, left_out = server_acl(globs, "example.org:8448")
    assert content == {"allow": ["*"], "allow_ip_literals": True, "deny": ["evil.net"]}
    assert left_out == 0


@given(st.lists(st.text(min_size=1, max_size=600), max_size=80))
def test_what_is_denied_fits_an_event_and_spares_us(globs: list[str]) -> None:
    content, left_out = server_acl(globs, "example.org")
    denied = content["deny"]
    assert sum(size(glob) for glob in denied) <= DENIED_MAX_BYTES
    assert len(denied) + left_out == len({g for g in globs if not matches(g, "example.org")})
    assert not any(matches(glob, "example.org") for glob in denied)


def test_a_sane_number_is_denied() -> None:
    content, left_out = server_acl([f"s{n}.net" for n in range(DENIED_MAX + 5)], "example.org")
    assert (len(content["deny"]), left_out) == (DENIED_MAX, 5)
