"""What a page may ask about the floor."""

from typing import Annotated, Literal, NotRequired, TypedDict

from spaces_bridge.core.floor import QueueOrder

AboutUser = Annotated[str, "Matrix user id of the person it is about."]


class HandFrame(TypedDict):
    """Raise one's hand, or lower it.

    Whoever has a name.
    """

    type: Literal["hand"]
    raised: bool


class AcceptFrame(TypedDict):
    """Accept the invitation to speak.

    Whoever is invited.
    """

    type: Literal["accept"]


class DeclineFrame(TypedDict):
    """Decline the invitation to speak.

    Whoever is invited.
    """

    type: Literal["decline"]


class LeaveStageFrame(TypedDict):
    """Give the floor back.

    Speakers and co-hosts.
    """

    type: Literal["leave-stage"]


class ApproveFrame(TypedDict):
    """Give the floor to somebody whose hand is up.

    Moderators.
    """

    type: Literal["approve"]
    user: AboutUser


class DenyFrame(TypedDict):
    """Lower somebody's hand.

    Moderators.
    """

    type: Literal["deny"]
    user: AboutUser


class NextFrame(TypedDict):
    """Give the floor to the first in the queue.

    Moderators.
    """

    type: Literal["next"]


class ClearQueueFrame(TypedDict):
    """Lower all hands.

    Moderators.
    """

    type: Literal["clear-queue"]


class QueueOrderFrame(TypedDict):
    """Choose who is first in the queue.

    Moderators.
    """

    type: Literal["queue-order"]
    order: Annotated[str, QueueOrder, "`airtime`: who has spoken least."]


class BringFrame(TypedDict):
    """Invite somebody to speak.

    Moderators.
    """

    type: Literal["bring"]
    user: AboutUser


class DemoteFrame(TypedDict):
    """Take somebody's floor.

    Moderators.
    """

    type: Literal["demote"]
    user: AboutUser


class MuteFrame(TypedDict):
    """Mute: oneself (`muted`), one person (`user`) or all speakers (`all`); one of the three.

    Oneself: whoever has the floor. Others: moderators, who alone lift it.
    """

    type: Literal["mute"]
    muted: NotRequired[Annotated[bool, "Of oneself: true closes the microphone, false opens it."]]
    user: NotRequired[AboutUser]
    all: NotRequired[Literal[True]]


class VolumeFrame(TypedDict):
    """Set how loud somebody with the floor is heard; null: as loud as everybody else.

    Moderators, of people below them.
    """

    type: Literal["volume"]
    user: AboutUser
    percent: Annotated[int | None, "0 to 200, of the sound as they send it."]


class UnmuteFrame(TypedDict):
    """Lift a mute.

    Moderators, but not their own.
    """

    type: Literal["unmute"]
    user: AboutUser
