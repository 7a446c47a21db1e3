"""The feed's verbs that are commands of the core: a frame becomes a command. Pure.

Verbs that are use cases (lists, reports, followers, links) are in `spaces_bridge.web.feed.acts`.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

import emoji

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import TellsPeople
from spaces_bridge.core.floor import QueueOrder, SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.web.views import You

Frame = Mapping[str, object]

EMOJI_MAX = 16
"""Code points that one reaction may have, enough for a family of four with skin tones."""

USER_MAX = 255
"""Bytes that a Matrix user id may have."""

TEXT_MAX = 4000
"""Characters that any text may have; the rules have narrower limits of their own."""

MXID = re.compile(r"@[^\s:*?]+:[^\s:/*?]+(:\d+)?")
"""A user id of one person: a page may not send a pattern of many."""

NOT_BUILT = frozenset({"record"})
"""Verbs that the contract names and this version does not have yet."""

_Choice = TypeVar("_Choice", bound=StrEnum)


class Refusal(TellsPeople):
    """The refusal of a frame, which the page is told."""


def misshapen(what: str) -> Refusal:
    """Return the refusal of a frame that no page of ours sends; `what` says what is wrong."""
    text = "This page sent something the server cannot read: {what}. Load it again."
    return Refusal("bad_frame", text, what=what)


def acting_user(you: You) -> UserId:
    """Return who acts. Raises Refusal for somebody without a name: acting needs one."""
    if you.user is None:
        raise Refusal("name_needed", "Say who you are first: a name is enough.")
    return you.user


def command_of(frame: Frame, you: You, now_ms: int) -> cmd.Command:
    """Return the command that the frame asks for. Raises Refusal."""
    kind = frame.get("type")
    verb = _VERBS.get(kind) if isinstance(kind, str) else None
    if isinstance(kind, str) and kind in NOT_BUILT:
        raise Refusal("not_built", "That does not exist on the page yet.")
    if verb is None:
        raise Refusal("unknown", "This page asked for something the server does not know.")
    return verb(frame, you, acting_user(you), now_ms)


def reaction_of(frame: Frame) -> str:
    """Return the emoji of a `react` frame. Raises Refusal."""
    text = frame.get("emoji")
    if not isinstance(text, str) or len(text) > EMOJI_MAX or not emoji.is_emoji(text):
        raise Refusal("bad_emoji", "A reaction is exactly one emoji.")
    return text


def user_of(frame: Frame) -> UserId:
    """Return the person whom the frame is about. Raises Refusal."""
    value = frame.get("user")
    if not isinstance(value, str) or not value:
        raise misshapen("“user” must name a person")
    user = value.strip()
    # half of a surrogate pair can be written in JSON and sent nowhere; marks of direction deceive
    sane = user.isprintable() and MXID.fullmatch(user)
    if not sane or len(user.encode()) > USER_MAX:
        raise Refusal("bad_user", "Name one person by their Matrix ID, such as @ada:example.org.")
    return UserId(user)


def text_of(frame: Frame, key: str) -> str:
    """Return a text of the frame; empty when it is left out. Raises Refusal."""
    value = frame.get(key, "")
    if not isinstance(value, str):
        raise misshapen(f"“{key}” must be text")
    if len(value) > TEXT_MAX:
        raise Refusal("too_long", "That is longer than {most} characters.", most=TEXT_MAX)
    # half of a surrogate pair can be written in JSON and stored nowhere
    return value.encode("utf-8", "replace").decode().strip()


def flag_of(frame: Frame, key: str) -> bool:
    """Return a true or false of the frame. Raises Refusal."""
    value = frame.get(key)
    if not isinstance(value, bool):
        raise misshapen(f"“{key}” must be true or false")
    return value


def moment_of(frame: Frame, key: str) -> int:
    """Return a time of the frame, in Unix milliseconds. Raises Refusal."""
    at_ms = frame.get(key)
    if isinstance(at_ms, bool) or not isinstance(at_ms, int):
        raise misshapen(f"“{key}” must be a time in Unix milliseconds")
    return at_ms


def choice_of(frame: Frame, key: str, choices: type[_Choice]) -> _Choice:
    """Return the frame's choice among these words. Raises Refusal."""
    try:
        return choices(text_of(frame, key))
    except ValueError:
        words = ", ".join(choice.value for choice in choices)
        raise misshapen(f"“{key}” must be one of: {words}") from None


# --- the floor ----------------------------------------------------------------------------------


def _hand(frame: Frame, you: You, user: UserId, now_ms: int) -> cmd.Command:
    if flag_of(frame, "raised"):
        name = you.name if you.guest else ""
        return cmd.RequestToSpeak(user, now_ms, name=name, guest=you.guest)
    return cmd.CancelRequest(user)


def _mute(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    if "user" in frame:
        return cmd.MuteSpeaker(user, user_of(frame))
    if frame.get("all") is True:
        return cmd.MuteAll(user)
    return cmd.CloseMicrophone(user) if flag_of(frame, "muted") else cmd.OpenMicrophone(user)


def _volume(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    percent = frame.get("percent", True)
    if percent is not None and (isinstance(percent, bool) or not isinstance(percent, int)):
        raise misshapen("“percent” must be a whole number, or null")
    return cmd.SetVolume(user, user_of(frame), percent)


def _queue_order(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.OrderQueue(user, choice_of(frame, "order", QueueOrder))


# --- the whole live space -----------------------------------------------------------------------


def _policy(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.SetSpeakPolicy(user, choice_of(frame, "policy", SpeakPolicy))


def _guests(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.SetGuests(user, choice_of(frame, "policy", GuestPolicy))


def _chat_mode(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.SetChat(user, flag_of(frame, "on"))


def _captions(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    language = text_of(frame, "language").lower()
    if language and not re.fullmatch(r"auto|[a-z]{2,3}", language):
        raise Refusal("bad_language", "Name the language by its code, such as en, or auto.")
    return cmd.SetCaptions(user, flag_of(frame, "on"), language)


def _title(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.Retitle(user, text_of(frame, "title"))


def _reschedule(frame: Frame, _you: You, user: UserId, now_ms: int) -> cmd.Command:
    return cmd.Reschedule(user, moment_of(frame, "at"), now_ms)


def _start(_frame: Frame, _you: You, user: UserId, now_ms: int) -> cmd.Command:
    return cmd.StartSpace(user, now_ms)


def _end(_frame: Frame, _you: You, user: UserId, now_ms: int) -> cmd.Command:
    return cmd.EndSpace(user, now_ms)


_Verb = Callable[[Frame, You, UserId, int], cmd.Command]


def _alone(command: Callable[[UserId], cmd.Command]) -> _Verb:
    """Return a verb without an argument."""
    return lambda _frame, _you, user, _now_ms: command(user)


def _about(command: Callable[[UserId, UserId], cmd.Command]) -> _Verb:
    """Return a verb about one person."""
    return lambda frame, _you, user, _now_ms: command(user, user_of(frame))


_VERBS: Mapping[str, _Verb] = {
    "hand": _hand,
    "accept": _alone(cmd.AcceptInvitation),
    "decline": _alone(cmd.DeclineInvitation),
    "leave-stage": _alone(cmd.LeaveStage),
    "approve": _about(cmd.ApproveSpeaker),
    "deny": _about(cmd.DenySpeaker),
    "next": _alone(cmd.ApproveNext),
    "clear-queue": _alone(cmd.ClearQueue),
    "queue-order": _queue_order,
    "bring": _about(cmd.BringSpeaker),
    "demote": _about(cmd.DemoteSpeaker),
    "mute": _mute,
    "volume": _volume,
    "unmute": _about(cmd.UnmuteSpeaker),
    "cohost": _about(cmd.AppointCohost),
    "uncohost": _about(cmd.DismissCohost),
    "host": _about(cmd.HandOver),
    "policy": _policy,
    "chat-mode": _chat_mode,
    "guests": _guests,
    "lock": _alone(cmd.LockSpace),
    "unlock": _alone(cmd.UnlockSpace),
    "title": _title,
    "captions": _captions,
    "reschedule": _reschedule,
    "start": _start,
    "end": _end,
}


KINDS = frozenset(_VERBS)
"""The types of the frames that become commands."""
