"""What a page may ask over the feed: frames become commands. Pure."""

from collections.abc import Callable, Mapping

import emoji

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.web.views import You

Frame = Mapping[str, object]

EMOJI_MAX = 16
"""Code points one reaction may have: a family of four with skin tones."""


class Refusal(Exception):
    """A frame that asks for nothing we know, or not yet. Told to the page."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def command_of(frame: Frame, you: You, now_ms: int) -> cmd.Command:
    """The command that the frame stands for. Raises Refusal.

    ``you.user`` None is refused everything: whoever acts needs a name first.
    """
    kind = frame.get("type")
    verb = _VERBS.get(kind) if isinstance(kind, str) else None
    if verb is None:
        raise Refusal("unknown", "This page asked for something the server does not know.")
    if you.user is None:
        raise Refusal("name_needed", "Say who you are first: a name is enough.")
    return verb(frame, you, you.user, now_ms)


def reaction_of(frame: Frame) -> str:
    """The emoji of a ``react`` frame. Raises Refusal."""
    text = frame.get("emoji")
    if not isinstance(text, str) or len(text) > EMOJI_MAX or not emoji.is_emoji(text):
        raise Refusal("bad_emoji", "A reaction is exactly one emoji.")
    return text


def _hand(frame: Frame, you: You, user: UserId, now_ms: int) -> cmd.Command:
    if _flag(frame, "raised"):
        name = you.name if you.guest else ""
        return cmd.RequestToSpeak(user, now_ms, name=name, guest=you.guest)
    return cmd.CancelRequest(user)


def _mute(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.CloseMicrophone(user) if _flag(frame, "muted") else cmd.OpenMicrophone(user)


def _leave_stage(_frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.LeaveStage(user)


def _approve(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.ApproveSpeaker(user, _user(frame))


def _deny(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.DenySpeaker(user, _user(frame))


def _demote(frame: Frame, _you: You, user: UserId, _now_ms: int) -> cmd.Command:
    return cmd.DemoteSpeaker(user, _user(frame))


def _start(_frame: Frame, _you: You, user: UserId, now_ms: int) -> cmd.Command:
    return cmd.StartSpace(user, now_ms)


def _end(_frame: Frame, _you: You, user: UserId, now_ms: int) -> cmd.Command:
    return cmd.EndSpace(user, now_ms)


_VERBS: Mapping[str, Callable[[Frame, You, UserId, int], cmd.Command]] = {
    "hand": _hand,
    "mute": _mute,
    "leave-stage": _leave_stage,
    "approve": _approve,
    "deny": _deny,
    "demote": _demote,
    "start": _start,
    "end": _end,
}


def _flag(frame: Frame, key: str) -> bool:
    value = frame.get(key)
    if not isinstance(value, bool):
        raise Refusal("bad_frame", f"“{key}” must be true or false.")
    return value


def _user(frame: Frame) -> UserId:
    value = frame.get("user")
    if not isinstance(value, str) or not value:
        raise Refusal("bad_frame", "“user” must name a person.")
    return UserId(value)
