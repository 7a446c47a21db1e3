"""Whom policy lists keep out."""

from collections.abc import Sequence
from typing import Any

import pytest

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.records import PolicyRule
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.support.spaces import BEN, HOST, live_space

pytestmark = pytest.mark.unit

LIST, OTHER = RoomId("!list"), RoomId("!other")


class BanListSetup:
    """One live space with the host and Ben in it; rules and blocks that are stored nowhere."""

    def __init__(self) -> None:
        self.space = live_space()
        self.told: list[cmd.Command] = []
        setup: Any = self
        self.ban_lists = BanListService(setup, setup, setup)
        self.ban_lists.attend(setup)

    def open(self) -> list[LiveSpace]:
        return [self.space]

    def tell(self, space: object, command: cmd.Command) -> None:
        self.told.append(command)

    async def put(self, rule: PolicyRule) -> None: ...

    async def drop(self, room: RoomId, kind: str, key: str) -> bool:
        return True

    async def replace(self, room: RoomId, rules: Sequence[PolicyRule]) -> None: ...

    def keeps_out(self, user: str) -> bool:
        return self.ban_lists.verdict(HOST, UserId(user)) is not None


def rule(kind: str, entity: str, room: RoomId = LIST) -> PolicyRule:
    return PolicyRule(room, kind, entity, entity, "spam")


@pytest.mark.parametrize(
    ("kind", "entity", "user", "out"),
    [
        ("user", "@eve:evil.org", "@eve:evil.org", True),
        ("user", "@*:evil.org", "@eve:evil.org", True),
        ("user", "@*:evil.org", "@eve:evil.org:8448", False),
        ("server", "evil.org", "@eve:evil.org", True),
        ("server", "evil.org", "@eve:evil.org:8448", True),
        ("server", "*.evil.org", "@eve:a.EVIL.org", True),
        ("server", "evil.org", "@eve:notevil.org", False),
        ("server", "[1:*", "@eve:[1::2]:8448", True),
    ],
)
async def test_rules_fit_people_and_their_servers(
    kind: str, entity: str, user: str, out: bool
) -> None:
    setup = BanListSetup()
    assert not setup.keeps_out(user)
    await setup.ban_lists.learn(rule(kind, entity))
    assert setup.keeps_out(user) is out
    await setup.ban_lists.unlearn(LIST, kind, entity)
    assert not setup.keeps_out(user)


async def test_a_new_rule_shows_out_whom_it_fits_and_nobody_else() -> None:
    setup = BanListSetup()
    await setup.ban_lists.learn(rule("user", "@nobody:here"))
    assert setup.told == []
    await setup.ban_lists.learn(rule("user", "@b*"))
    assert setup.told == [cmd.RemovePerson(None, BEN, "spam", blocked=True)]
    await setup.ban_lists.learn(rule("server", "example.org"))
    assert {type(command) for command in setup.told} == {cmd.RemovePerson}
    assert HOST not in [c.user for c in setup.told if isinstance(c, cmd.RemovePerson)]


async def test_a_list_read_anew_replaces_what_it_said_and_no_other_list() -> None:
    setup = BanListSetup()
    await setup.ban_lists.relearn(OTHER, [rule("server", "other.net", OTHER)])
    await setup.ban_lists.relearn(LIST, [rule("user", "@eve:evil.org"), rule("server", "x.net")])
    assert setup.ban_lists.lists() == {LIST, OTHER}
    assert setup.ban_lists.banned_servers() == ["other.net", "x.net"]
    await setup.ban_lists.relearn(LIST, [])
    assert not setup.keeps_out("@eve:evil.org")
    assert setup.keeps_out("@eve:other.net")
    assert setup.ban_lists.lists() == {OTHER}
