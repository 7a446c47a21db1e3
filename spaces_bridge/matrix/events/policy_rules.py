"""Rules of policy lists, read from events. Pure. Spec: "Moderation policy lists"."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from spaces_bridge.app.policy_book import matches
from spaces_bridge.app.records import PolicyRule
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

KINDS = {
    "m.policy.rule.user": "user",
    "m.policy.rule.server": "server",
    "org.matrix.mjolnir.rule.user": "user",
    "org.matrix.mjolnir.rule.server": "server",
    "m.room.rule.user": "user",
    "m.room.rule.server": "server",
}
"""Event types, with those of old, and the kind of entity they are about."""

BANS = frozenset({"m.ban", "org.matrix.mjolnir.ban", "m.takedown", "org.matrix.msc4204.takedown"})
"""Recommendations that keep somebody out. MSC4204 adds the takedown."""

HASHES = frozenset({"m.hashes", "hashes", "org.matrix.msc4205.hashes"})
ENTITY_MAX = 512
REASON_MAX = 200


def key_of(type_: str, state_key: str) -> str:
    """Return the key of a rule in its list: types of old may bear the same state keys."""
    return f"{type_} {state_key}"


def rule_of(
    room: RoomId, type_: str, state_key: str, content: Mapping[str, Any], settings: MatrixSettings
) -> PolicyRule | None:
    """Return the ban that the event recommends, None if there is none that may count.

    A ban that names a hash, or this bridge itself, does not count.
    """
    kind, entity = KINDS.get(type_), content.get("entity")
    recommendation = content.get("recommendation")
    if kind is None or not isinstance(recommendation, str) or recommendation not in BANS:
        return None
    if not isinstance(entity, str):
        if HASHES & content.keys():
            log.info("a rule of policy list %s names a hash: it is not understood", room)
        return None
    if not 0 < len(entity) <= ENTITY_MAX:
        return None
    if _is_about_us(kind, entity, settings):
        log.warning("a rule of policy list %s is about this bridge itself: ignored", room)
        return None
    reason = content.get("reason")
    words = " ".join(reason.split())[:REASON_MAX] if isinstance(reason, str) else ""
    return PolicyRule(room, kind, key_of(type_, state_key), entity, words)


def rules_in(
    room: RoomId, state: Mapping[tuple[str, str], Mapping[str, Any]], settings: MatrixSettings
) -> Iterator[PolicyRule]:
    """Yield all bans that a list recommends."""
    for (type_, state_key), content in state.items():
        rule = rule_of(room, type_, state_key, content, settings)
        if rule is not None:
            yield rule


def _is_about_us(kind: str, entity: str, settings: MatrixSettings) -> bool:
    return matches(entity, settings.bot if kind == "user" else settings.domain)
