"""What events of policy lists say."""

import logging
from typing import Any

import pytest

from spaces_bridge.app.records import PolicyRule
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.events.policy_rules import KINDS, rule_of, rules_in
from spaces_bridge.matrix.settings import MatrixSettings

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")
LIST = RoomId("!list")


def read(type_: str, content: dict[str, Any]) -> PolicyRule | None:
    return rule_of(LIST, type_, "k", content, SETTINGS)


@pytest.mark.parametrize(("type_", "kind"), KINDS.items())
@pytest.mark.parametrize(
    "recommendation",
    ["m.ban", "org.matrix.mjolnir.ban", "m.takedown", "org.matrix.msc4204.takedown"],
)
def test_bans_are_understood_by_all_their_names(
    type_: str, kind: str, recommendation: str
) -> None:
    content = {"entity": "evil*", "recommendation": recommendation, "reason": " bad\nspam "}
    assert read(type_, content) == PolicyRule(LIST, kind, f"{type_} k", "evil*", "bad spam")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"entity": "evil*"},
        {"entity": "evil*", "recommendation": "m.warn"},
        {"entity": "evil*", "recommendation": ["m.ban"]},
        {"entity": "", "recommendation": "m.ban"},
        {"entity": "x" * 600, "recommendation": "m.ban"},
        {"entity": 7, "recommendation": "m.ban"},
    ],
)
def test_anything_else_is_no_rule(content: dict[str, Any]) -> None:
    assert read("m.policy.rule.user", content) is None


def test_hashes_are_not_understood_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    content = {"org.matrix.msc4205.hashes": {"sha256": "x"}, "recommendation": "m.ban"}
    assert read("m.policy.rule.user", content) is None
    assert "names a hash" in caplog.text


@pytest.mark.parametrize(
    ("kind", "entity"),
    [
        ("user", "@spacesbot:example.org"),
        ("user", "@*:example.org"),
        ("user", "*"),
        ("server", "example.org"),
        ("server", "*.org"),
    ],
)
def test_rules_about_the_bridge_itself_are_ignored_with_a_warning(
    kind: str, entity: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = {"entity": entity, "recommendation": "m.ban"}
    assert read(f"m.policy.rule.{kind}", content) is None
    assert "about this bridge itself" in caplog.text


def test_a_whole_list_is_read_and_other_state_is_none_of_it() -> None:
    ban = {"entity": "@a:b", "recommendation": "m.ban", "reason": 5}
    state: dict[tuple[str, str], Any] = {
        ("m.policy.rule.user", "x"): ban,
        ("m.room.rule.user", "x"): ban,
        ("m.policy.rule.room", "x"): ban,
        ("m.room.name", ""): {"name": "List"},
        ("m.policy.rule.server", "gone"): {},
    }
    rules = list(rules_in(LIST, state, SETTINGS))
    assert [rule.key for rule in rules] == ["m.policy.rule.user x", "m.room.rule.user x"]
    assert {rule.reason for rule in rules} == {""}
