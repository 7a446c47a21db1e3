"""The frames that the server sends. The senders build these types, so mypy holds them to it.

Of each frame the first line says what it is about, the second paragraph who gets it.
"""

from typing import Annotated, Literal, TypedDict

from spaces_bridge.core.ids import UserId
from spaces_bridge.web.frames.views import (
    CaptionView,
    ChatLineView,
    DraftView,
    OpeningView,
    PeopleView,
    PostView,
    RoleView,
    RosterView,
    SpaceView,
    SpokenView,
    UserIdText,
)


class HelloFrame(OpeningView):
    """The first answer: all that a page needs to begin.

    Once, when the first frame let its sender in.
    """

    type: Literal["hello"]
    guest_chat: Annotated[bool, "Whether this server lets guests write."]
    chat_lines: Annotated[list[ChatLineView], "The last lines of the chat, oldest first."]


class SpaceFrame(TypedDict):
    """The live space has changed: title, state, host, rules or links.

    To everybody.
    """

    type: Literal["space"]
    space: SpaceView


class RosterFrame(RosterView):
    """Stage, queue or the number of listeners has changed.

    To everybody, whole each time.
    """

    type: Literal["roster"]


class RoleFrame(RoleView):
    """What this person may do has changed.

    To the person, on each of their pages, whole each time.
    """

    type: Literal["role"]


class SpeakingFrame(TypedDict):
    """How loud those on stage are at this moment.

    To everybody, while somebody is heard. A slow page misses some.
    """

    type: Literal["speaking"]
    levels: Annotated[dict[UserId, int], "Matrix user id to 0 (silence) to 100."]


class GapsFrame(TypedDict):
    """Whose sound arrives with gaps: their connection is bad.

    To those who moderate, and to each of these speakers of themselves: every 2 s, and once more
    when it is nobody any longer.
    """

    type: Literal["gaps"]
    missing: Annotated[
        dict[UserId, int], "Matrix user id to the share of the sound that is missing, in percent."
    ]


class CaptionFrame(CaptionView):
    """An utterance is finished.

    To everybody. Its drafts are over.
    """

    type: Literal["caption"]


class DraftFrame(DraftView):
    """An utterance goes on, or is withdrawn.

    To everybody, where the server shows words while they are spoken. A slow page misses some.
    """

    type: Literal["caption"]


class ReactionsFrame(TypedDict):
    """Reactions that came since the frame before.

    To everybody. A slow page misses some.
    """

    type: Literal["reactions"]
    counts: Annotated[dict[str, int], "Emoji to how many came."]


class ChatFrame(ChatLineView):
    """A line was written, or an earlier one was edited.

    To everybody. In a flood, a slow page misses some.
    """

    type: Literal["chat"]


class ChatLineRemovedFrame(TypedDict):
    """A line was taken away.

    To everybody.
    """

    type: Literal["chat"]
    id: Annotated[str, "Of the line."]
    removed: Literal[True]


class ChatWriterRemovedFrame(TypedDict):
    """All lines of one person were taken away.

    To everybody.
    """

    type: Literal["chat"]
    user: UserIdText
    removed: Literal[True]


class ChatLinesFrame(TypedDict):
    """The last lines anew, as the room has them.

    To everybody, after the server could not be sure of what it had.
    """

    type: Literal["chat"]
    lines: Annotated[
        list[ChatLineView], "Oldest first. What is newer than the first and not in here is gone."
    ]


class PostFrame(PostView):
    """A link was shared.

    To everybody; `space.posts` holds it, too.
    """

    type: Literal["post"]


class PeopleFrame(PeopleView):
    """The answer to `people`.

    To the page that asked.
    """

    type: Literal["people"]
    followers: Annotated[int, "Accounts that follow whoever asked."]


class NoticeFrame(SpokenView):
    """Something to know, in a sentence.

    To everybody, to one person's pages, or to the page whose frame it answers.
    """

    type: Literal["notice"]


class ErrorFrame(SpokenView):
    """Something was refused, or this page has to go.

    To the page that asked; the connection stays, unless a close code follows.
    """

    type: Literal["error"]


class BeatFrame(TypedDict):
    """The connection lives.

    To a page that was told nothing else for a while: longer silence means a lost connection.
    """

    type: Literal["beat"]


ServerFrame = (
    HelloFrame
    | SpaceFrame
    | RosterFrame
    | RoleFrame
    | SpeakingFrame
    | GapsFrame
    | CaptionFrame
    | DraftFrame
    | ReactionsFrame
    | ChatFrame
    | ChatLineRemovedFrame
    | ChatWriterRemovedFrame
    | ChatLinesFrame
    | PostFrame
    | PeopleFrame
    | NoticeFrame
    | ErrorFrame
    | BeatFrame
)
"""Whatever the server sends."""
