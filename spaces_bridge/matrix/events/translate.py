"""The translation of a Matrix event to its meaning. Pure; an odd event means nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.core.commands import SuspectLoss
from spaces_bridge.core.floor import Doubt
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.events import call_signals, rtc
from spaces_bridge.matrix.events.envelope import Envelope, envelope_of, is_id, is_user_id
from spaces_bridge.matrix.events.levels import own_levels
from spaces_bridge.matrix.events.policy_rules import KINDS
from spaces_bridge.matrix.events.verification import (
    VerificationMessage,
    is_verification,
    verification_in,
)
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.text.pills import Pill, pills_of

MatrixEvent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BotInvited:
    """The bot was invited to a room, which the invite may call direct."""

    room: RoomId
    event: EventId
    sender: UserId
    direct: bool


@dataclass(frozen=True, slots=True)
class RoomLost:
    """A hint that the bot was put out of a room, or that the room was replaced."""

    room: RoomId


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """A hint that somebody's membership or name is another one now."""

    room: RoomId
    user: UserId
    gone: bool = False
    """True when the person left, declined, or was sent out."""


@dataclass(frozen=True, slots=True)
class LevelsChanged:
    """A hint that the power levels are other ones now."""

    room: RoomId


@dataclass(frozen=True, slots=True)
class Message:
    """A text message."""

    room: RoomId
    event: EventId
    sender: UserId
    text: str
    pills: tuple[Pill, ...] = ()
    """People that the message links to; the text holds only their names."""
    thread: EventId | None = None
    """The root of the thread that the message is in."""
    rewords: EventId | None = None
    """The earlier message that this one edits, and that says this text from now on."""


@dataclass(frozen=True, slots=True)
class EncryptedMessage:
    """An encrypted event, which the bot cannot read."""

    room: RoomId
    event: EventId
    sender: UserId


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction to the event `target`."""

    room: RoomId
    event: EventId
    sender: UserId
    target: EventId
    key: str


@dataclass(frozen=True, slots=True)
class Redaction:
    """A redaction of the event `target`."""

    room: RoomId
    event: EventId
    sender: UserId
    target: EventId


@dataclass(frozen=True, slots=True)
class PolicyRuleChanged:
    """A hint that a rule of a policy list is another one now."""

    room: RoomId
    type: str
    key: str


@dataclass(frozen=True, slots=True)
class CallMemberChanged:
    """Somebody's membership in the room's call, as the event `event` says."""

    room: RoomId
    event: EventId
    member: rtc.CallMember


Meaning = (
    BotInvited
    | RoomLost
    | MemberChanged
    | LevelsChanged
    | Message
    | EncryptedMessage
    | Reaction
    | Redaction
    | PolicyRuleChanged
    | CallMemberChanged
    | rtc.CallReaction
    | VerificationMessage
    | call_signals.CallSignal
)


def meaning_of(event: MatrixEvent, settings: MatrixSettings) -> Meaning | None:
    """Return what the event means; None: nothing. Our own users' words are never commands."""
    head = envelope_of(event)
    if head is None:
        return None
    if rtc.is_member_event(head.type):
        return _call_member(head, event, settings)
    if head.state_key is not None:
        return _meaning_of_state(head, head.state_key, settings)
    if settings.is_ours(head.sender):
        return None
    if is_verification(head):
        return verification_in(head, event, settings.bot)
    return _meaning_of_timeline(head, event)


def _meaning_of_timeline(head: Envelope, event: MatrixEvent) -> Meaning | None:
    match head.type:
        case "m.room.message":
            return _message(head)
        case "m.room.encrypted":
            return EncryptedMessage(head.room, head.event, head.sender)
        case "m.reaction":
            return _reaction(head)
        case "m.room.redaction":
            return _redaction(head, event)
        case rtc.CALL_REACTION:
            return rtc.call_reaction_in(event)
        case _:
            return call_signals.signal_of(head, event)


def losses(event: MatrixEvent, space: LiveSpace, settings: MatrixSettings) -> list[SuspectLoss]:
    """Return a suspicion for each person on the stage whose floor this event may have taken.

    Silent people count, too. Our own events are skipped: what they take was shut before they
    were sent, and an old one that comes back late takes nothing.
    """
    head = envelope_of(event)
    if head is None or head.sender == settings.bot:
        return []
    seated = sorted({person.user for person in space.stage} | space.microphones)
    if head.type == "m.room.power_levels" and head.state_key == "":
        levels = own_levels(head.content, settings.bot)
        lost = [user for user in seated if levels.get(user, -1) < space.levels.speaker]
        return [SuspectLoss(user, Doubt.LEVEL) for user in lost]
    if head.type == "m.room.member" and head.content.get("membership") != "join":
        gone = [user for user in seated if user == head.state_key]
        return [SuspectLoss(user, Doubt.MEMBERSHIP) for user in gone]
    return []


def _meaning_of_state(head: Envelope, key: str, settings: MatrixSettings) -> Meaning | None:
    if head.type == "m.room.power_levels" and key == "":
        return LevelsChanged(head.room)
    if head.type == "m.room.tombstone" and key == "":
        return RoomLost(head.room)
    if head.type in KINDS:
        return PolicyRuleChanged(head.room, head.type, key)
    if head.type != "m.room.member" or not is_user_id(key):
        return None
    gone = head.content.get("membership") in ("leave", "ban")  # may be no text at all
    if key != settings.bot:
        return MemberChanged(head.room, UserId(key), gone)
    if gone:
        return RoomLost(head.room)
    if head.content.get("membership") == "invite" and not settings.is_ours(head.sender):
        direct = head.content.get("is_direct") is True
        return BotInvited(head.room, head.event, head.sender, direct)
    return None


def _call_member(
    head: Envelope, event: MatrixEvent, settings: MatrixSettings
) -> CallMemberChanged | None:
    member = rtc.member_in(event)
    if member is None or settings.is_ours(head.sender):
        return None
    return CallMemberChanged(head.room, head.event, member)


def _message(head: Envelope) -> Meaning | None:
    rewords = _related(head.content, "m.replace")
    content = head.content if rewords is None else head.content.get("m.new_content")
    if not isinstance(content, Mapping) or _is_edit_of_nothing(head.content, rewords):
        return None
    text = content.get("body")
    if content.get("msgtype") != "m.text" or not isinstance(text, str):
        return None
    pills, thread = pills_of(content.get("formatted_body")), thread_of(head.content)
    return Message(head.room, head.event, head.sender, text, pills, thread, rewords)


def thread_of(content: Mapping[str, Any]) -> EventId | None:
    """Return the root of the thread that the message is in. Spec: "Threading"."""
    return _related(content, "m.thread")


def _is_edit_of_nothing(content: Mapping[str, Any], rewords: EventId | None) -> bool:
    relation = content.get("m.relates_to")
    edited = isinstance(relation, Mapping) and relation.get("rel_type") == "m.replace"
    return edited and rewords is None


def _related(content: Mapping[str, Any], kind: str) -> EventId | None:
    relation = content.get("m.relates_to")
    if not isinstance(relation, Mapping) or relation.get("rel_type") != kind:
        return None
    target = relation.get("event_id")
    return EventId(str(target)) if is_id(target) else None


def _reaction(head: Envelope) -> Meaning | None:
    relation = head.content.get("m.relates_to")
    if not isinstance(relation, Mapping) or relation.get("rel_type") != "m.annotation":
        return None
    target, key = relation.get("event_id"), relation.get("key")
    if not is_id(target) or not isinstance(key, str):
        return None
    return Reaction(head.room, head.event, head.sender, EventId(str(target)), key)


def _redaction(head: Envelope, event: MatrixEvent) -> Meaning | None:
    # Room version 11 moved `redacts` from the event into its content.
    target = head.content.get("redacts", event.get("redacts"))
    if not is_id(target) or event.get("redacts", target) != target:
        return None  # homeservers heed one of the two, and whoever writes them both lies in one
    return Redaction(head.room, head.event, head.sender, EventId(str(target)))
