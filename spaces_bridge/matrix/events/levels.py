"""Power levels as plain dicts. Spec: `m.room.power_levels`; room version 12: MSC4289."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import RoleLevels
from spaces_bridge.matrix.events.call_words import NOTIFICATION
from spaces_bridge.matrix.events.own import LIVE
from spaces_bridge.matrix.events.rtc import CALL_REACTION, STATE_TYPES, STICKY_TYPES
from spaces_bridge.matrix.settings import StageAccess

LevelsContent = Mapping[str, Any]
CallAccess = StageAccess | Literal["over"]
"""Who may join a room's call; over: there was one, and nobody may join it any more."""

BOT = 100
_BOT_ONLY = (
    "m.room.encryption",
    "m.room.tombstone",
    "m.room.server_acl",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.guest_access",
    "m.bridge",
    "uk.half-shot.bridge",
    "im.vector.modular.widgets",
    "m.widget",
    "org.matrix.msc3401.call",
    "m.call",
    *sorted(STATE_TYPES),
    LIVE,
)
_EARLIER_VERSIONS = frozenset(str(number) for number in range(1, 12))


def creators_are_above(room_version: str) -> bool:
    """Return whether the creator is above all levels and must not be in `users` (12 and later)."""
    return room_version not in _EARLIER_VERSIONS


@dataclass(frozen=True, slots=True)
class Needs:
    """The needs of a room, on which its levels depend.

    `quiet`: only people with the floor may write. `call`: who may join the room's call.
    """

    levels: RoleLevels
    private: bool = False
    locked: bool = False
    quiet: bool = False
    call: CallAccess = "off"


def needs_of(space: LiveSpace, call_stage: StageAccess = "off") -> Needs:
    """Return what a live space needs its levels to say now."""
    over = call_stage != "off" and space.phase is Phase.ENDED
    call: CallAccess = "over" if over else call_stage
    quiet = not space.listeners_may_write
    return Needs(space.levels, space.private, space.locked, quiet, call)


def structure(needs: Needs) -> dict[str, Any]:
    """Return the level needed for each thing: all of the power levels apart from `users`."""
    levels = needs.levels
    return {
        "users_default": 0,
        "events_default": levels.speaker if needs.quiet else 0,
        "state_default": BOT,
        "ban": levels.cohost,
        "kick": levels.cohost,
        "redact": levels.cohost,
        "invite": levels.cohost if needs.private or needs.locked else 0,
        "events": {
            "m.room.name": levels.host,
            "m.room.topic": levels.host,
            "m.room.avatar": levels.host,
            "m.room.power_levels": levels.host,
            "m.room.pinned_events": levels.cohost,
            "m.reaction": 0,
            "m.room.redaction": 0,
            **dict.fromkeys(_BOT_ONLY, BOT),
            **_in_calls(needs),
        },
        "notifications": {"room": levels.cohost},
    }


def _in_calls(needs: Needs) -> dict[str, int]:
    """Return the levels for membership in the room's call, for reactions there, and for rings.

    Nobody has to ring: clients do it for the first who joins, and the bot is there before them.

    Membership is a state event of one generation of clients and a message of the next. Where
    there is no call, the message is one like others: nothing is made of it.
    """
    if needs.call == "off":
        return {}
    member = {"open": 0, "strict": needs.levels.speaker, "over": BOT}[needs.call]
    return {
        **dict.fromkeys(sorted(STATE_TYPES | STICKY_TYPES), member),
        CALL_REACTION: 0,
        NOTIFICATION: needs.levels.cohost,
    }


def initial(
    levels: RoleLevels,
    host: UserId,
    bot: UserId,
    *,
    private: bool,
    room_version: str,
    call_stage: StageAccess = "off",
) -> dict[str, Any]:
    """Return the levels of a live space's new room."""
    users: dict[str, int] = {host: levels.host}
    if not creators_are_above(room_version):
        users[bot] = BOT
    return {"users": users, **structure(Needs(levels, private, call=call_stage))}


def arranged(content: LevelsContent, needs: Needs) -> dict[str, Any]:
    """Return the levels with people's own kept, and everything else as it has to be.

    Entries that are not ours are dropped; fields that no rule knows stay.
    """
    return {**content, **structure(needs)}


def rules_of(content: LevelsContent) -> dict[str, Any]:
    """Return the power levels without `users`."""
    return {key: value for key, value in content.items() if key != "users"}


def bot_alone() -> dict[str, Any]:
    """Return the levels of a room in which everybody reads and only the bot does anything.

    The room's creator has `BOT` or stands above all levels: the homeserver sees to that.
    """
    kinds = ("events_default", "state_default", "ban", "kick", "redact", "invite")
    events = (
        "m.space.child",
        "m.room.name",
        "m.room.topic",
        "m.room.avatar",
        "m.room.power_levels",
    )
    return {
        "users_default": 0,
        **dict.fromkeys(kinds, BOT),
        "events": {**dict.fromkeys((*_BOT_ONLY, *events), BOT), "m.room.redaction": 0},
    }


def own_levels(content: LevelsContent, bot: UserId) -> dict[UserId, int]:
    """Return everybody's own entry but the bot's; what is no integer is no entry."""
    users = content.get("users")
    entries = users.items() if isinstance(users, Mapping) else ()
    return {
        UserId(user): level
        for user, level in entries
        if isinstance(level, int) and not isinstance(level, bool) and user != bot
    }


def with_level(content: LevelsContent, user: UserId, level: int | None) -> dict[str, Any]:
    """Return the levels with this one entry changed (None: taken away)."""
    users = content.get("users")
    others = {k: v for k, v in (users.items() if isinstance(users, Mapping) else ()) if k != user}
    return {**content, "users": others if level is None else {**others, user: level}}
