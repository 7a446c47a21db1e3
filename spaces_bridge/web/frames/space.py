"""What a page may say, and ask about the whole live space."""

from typing import Annotated, Literal, NotRequired, TypedDict

from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import SpeakPolicy


class ReactFrame(TypedDict):
    """React to what is said.

    Everybody, without a name too.
    """

    type: Literal["react"]
    emoji: Annotated[str, "Exactly one emoji."]


class ChatWriteFrame(TypedDict):
    """Write in the chat.

    Whoever `may_chat`.
    """

    type: Literal["chat"]
    text: str
    nonce: NotRequired[
        Annotated[str, "1 to 64 letters, digits, - and _. The same line with it is said once."]
    ]


class ShareFrame(TypedDict):
    """Share a link with everybody.

    Whoever `may_share`.
    """

    type: Literal["share"]
    url: Annotated[str, "http or https, or a matrix.to link to a message of this room."]


class TitleFrame(TypedDict):
    """Give the live space another title.

    The host.
    """

    type: Literal["title"]
    title: str


class PolicyFrame(TypedDict):
    """Choose who gets the floor on asking.

    The host.
    """

    type: Literal["policy"]
    policy: Annotated[str, SpeakPolicy, ""]


class GuestsFrame(TypedDict):
    """Choose what people without an account may do.

    Moderators.
    """

    type: Literal["guests"]
    policy: Annotated[str, GuestPolicy, ""]


class ChatModeFrame(TypedDict):
    """Let listeners write, or not.

    Moderators.
    """

    type: Literal["chat-mode"]
    on: bool


class CaptionsFrame(TypedDict):
    """Caption what is said, or not.

    The host.
    """

    type: Literal["captions"]
    on: bool
    language: NotRequired[Annotated[str, "ISO 639 code or `auto`; left out: as it was."]]


class LockFrame(TypedDict):
    """Let nobody new in.

    Moderators.
    """

    type: Literal["lock"]


class UnlockFrame(TypedDict):
    """Let people in again.

    Moderators.
    """

    type: Literal["unlock"]


class RescheduleFrame(TypedDict):
    """Move a scheduled live space.

    The host.
    """

    type: Literal["reschedule"]
    at: Annotated[int, "Unix milliseconds."]


class UnscheduleFrame(TypedDict):
    """Call a scheduled live space off.

    The host.
    """

    type: Literal["unschedule"]


class StartFrame(TypedDict):
    """Go live.

    The host.
    """

    type: Literal["start"]


class EndFrame(TypedDict):
    """End the live space for everybody.

    The host.
    """

    type: Literal["end"]
