"""The frames that a page may send. Tests hold these tables to what the server reads.

Of each frame the first line says what it asks for, the second paragraph who may.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from spaces_bridge.web.frames.floor import (
    AcceptFrame,
    ApproveFrame,
    BringFrame,
    ClearQueueFrame,
    DeclineFrame,
    DemoteFrame,
    DenyFrame,
    HandFrame,
    LeaveStageFrame,
    MuteFrame,
    NextFrame,
    QueueOrderFrame,
    UnmuteFrame,
    VolumeFrame,
)
from spaces_bridge.web.frames.people import (
    BlockFrame,
    CohostFrame,
    FollowFrame,
    HandOverFrame,
    InviteFrame,
    PeopleQueryFrame,
    RemoveFrame,
    ReportFrame,
    UnblockFrame,
    UncohostFrame,
    UnfollowFrame,
)
from spaces_bridge.web.frames.space import (
    CaptionsFrame,
    ChatModeFrame,
    ChatWriteFrame,
    EndFrame,
    GuestsFrame,
    LockFrame,
    PolicyFrame,
    ReactFrame,
    RescheduleFrame,
    ShareFrame,
    StartFrame,
    TitleFrame,
    UnlockFrame,
    UnscheduleFrame,
)


class OpenIdView(TypedDict):
    """What a Matrix client hands to a widget, so that it can prove who is using it (MSC1960)."""

    access_token: Annotated[str, "Good for one use here."]
    matrix_server_name: Annotated[str, "The server that made it and is asked."]


class AuthFrame(TypedDict):
    """Who has come. It must be the first frame, and comes once.

    With a `token`, its holder; else with `openid`, that account; else with `name`, a new guest; \
else a nameless listener.
    """

    type: Literal["auth"]
    token: NotRequired[
        Annotated[str | None, "Of a personal link, or `session` of an earlier feed."]
    ]
    name: NotRequired[Annotated[str | None, "What the guest wants to be called."]]
    openid: NotRequired[OpenIdView | None]


ClientFrame = (
    AuthFrame
    | HandFrame
    | AcceptFrame
    | DeclineFrame
    | LeaveStageFrame
    | ApproveFrame
    | DenyFrame
    | NextFrame
    | ClearQueueFrame
    | QueueOrderFrame
    | BringFrame
    | DemoteFrame
    | MuteFrame
    | UnmuteFrame
    | VolumeFrame
    | PeopleQueryFrame
    | CohostFrame
    | UncohostFrame
    | HandOverFrame
    | RemoveFrame
    | BlockFrame
    | UnblockFrame
    | ReportFrame
    | FollowFrame
    | UnfollowFrame
    | InviteFrame
    | ReactFrame
    | ChatWriteFrame
    | ShareFrame
    | TitleFrame
    | PolicyFrame
    | GuestsFrame
    | ChatModeFrame
    | CaptionsFrame
    | LockFrame
    | UnlockFrame
    | RescheduleFrame
    | UnscheduleFrame
    | StartFrame
    | EndFrame
)
"""Whatever a page may send."""
