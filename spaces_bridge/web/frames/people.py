"""What a page may ask about people and their roles."""

from typing import Annotated, Literal, NotRequired, TypedDict

from spaces_bridge.web.frames.floor import AboutUser

Reason = Annotated[str, "Why; that person and the other moderators are told."]


class PeopleQueryFrame(TypedDict):
    """Ask who is here. The answer is a `people` frame.

    Moderators.
    """

    type: Literal["people"]
    query: NotRequired[Annotated[str, "Part of a name or a user id; empty: everybody."]]


class CohostFrame(TypedDict):
    """Make somebody co-host.

    The host.
    """

    type: Literal["cohost"]
    user: AboutUser


class UncohostFrame(TypedDict):
    """Take the co-host's role back.

    The host.
    """

    type: Literal["uncohost"]
    user: AboutUser


class HandOverFrame(TypedDict):
    """Make somebody else the host.

    The host.
    """

    type: Literal["host"]
    user: AboutUser


class RemoveFrame(TypedDict):
    """Show somebody out of this live space.

    Moderators, whom they outrank.
    """

    type: Literal["remove"]
    user: AboutUser
    reason: NotRequired[Reason]


class BlockFrame(TypedDict):
    """Show somebody out, also of later live spaces of this host.

    Moderators, whom they outrank.
    """

    type: Literal["block"]
    user: AboutUser
    reason: NotRequired[Reason]


class UnblockFrame(TypedDict):
    """Let somebody in again who was removed or blocked.

    Moderators.
    """

    type: Literal["unblock"]
    user: AboutUser


class ReportFrame(TypedDict):
    """Tell the moderators of the server about somebody.

    Whoever has a name.
    """

    type: Literal["report"]
    user: AboutUser
    reason: Annotated[str, "What is wrong, in a few words."]


class FollowFrame(TypedDict):
    """Be told when somebody goes live.

    Accounts.
    """

    type: Literal["follow"]
    user: NotRequired[Annotated[str, "Whom; left out: the host."]]


class UnfollowFrame(TypedDict):
    """Be told no more.

    Accounts.
    """

    type: Literal["unfollow"]
    user: NotRequired[Annotated[str, "Whom; left out: the host."]]


class InviteFrame(TypedDict):
    """Have the bot invite one person (`user`), or all followers (`followers`).

    Accounts; in a private live space, and of followers, moderators.
    """

    type: Literal["invite"]
    user: NotRequired[AboutUser]
    followers: NotRequired[Annotated[Literal[True], "Those who follow whoever asks."]]
