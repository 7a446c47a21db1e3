"""What the bridge says in Matrix under names of its own. docs/events.md is made of this.

Whoever sends such a content builds it as one of these types, so a field that is not here is an
error of types; and a field here without a text about it is one of the document's test. A text may
be followed by the enumeration of the values that there are.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, NotRequired, TypedDict

from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.live_space import Phase

LIVE: Final = "io.spacesbridge.live"
CARD: Final = "io.spacesbridge.card"
BUBBLE: Final = "io.spacesbridge.bubble"
CAPTION: Final = "io.spacesbridge.caption"
CHAT: Final = "io.spacesbridge.chat"
BRIDGE_KEY: Final = "io.spacesbridge://"
"""The beginning of a state key."""


class LiveContent(TypedDict):
    """The content of `LIVE`."""

    version: Annotated[Literal[1], "Another number means other fields."]
    space_id: Annotated[str, "The live space's id; it never changes and is no room id."]
    title: Annotated[str, "As the host wrote it."]
    state: Annotated[str, "Where its life stands", Phase]
    host: Annotated[str, "The host's Matrix ID."]
    cohosts: Annotated[list[str], "Matrix IDs of the co-hosts who are in the room."]
    speak_policy: Annotated[str, "Who gets the floor on asking", SpeakPolicy]
    scheduled_at: Annotated[int | None, "When it is to begin, in ms since 1970."]
    started_at: Annotated[int | None, "When it began, in ms since 1970."]
    ended_at: Annotated[int | None, "When it ended, in ms since 1970."]
    page: Annotated[str, "The address of its page."]
    language: Annotated[str, "Of the captions: ISO 639-1, or `auto`."]
    captions: Annotated[bool, "Whether captions are on."]
    recording: Annotated[bool, "Always `false`: nothing is recorded."]


class BubbleContent(TypedDict):
    """The content of `BUBBLE`."""

    space_id: Annotated[str, "The live space it is about."]


class CaptionContent(TypedDict):
    """The content of `CAPTION`; times count from the start of the live space."""

    utterance: Annotated[str, "The utterance's id; where several share an event, the first one's."]
    speaker: Annotated[str, "The speaker's Matrix ID, for guests that of their ghost."]
    name: Annotated[str, "What the speaker was called."]
    start_ms: Annotated[int, "Where it begins, in ms since the live space started."]
    end_ms: Annotated[int, "Where it ends, in ms since the live space started."]
    language: Annotated[str, "ISO 639-1, as it was heard or set."]


class ChatContent(TypedDict):
    """One line in `CHAT`."""

    id: Annotated[str, "The line's id on pages."]
    name: Annotated[str, "Who wrote it; `A guest` for guests without the floor."]
    text: Annotated[str, "The words as they were written."]
    at_ms: Annotated[int, "When it was written, in ms since 1970."]
    user: NotRequired[Annotated[str, "Their Matrix ID; not for guests without the floor."]]
    guest: NotRequired[Annotated[bool, "`true` for guests."]]


@dataclass(frozen=True, slots=True)
class OwnName:
    """One name of ours: where it stands, what it is for, and the type of what stands under it.

    `content` None: a plain `true`, or nothing.
    """

    name: str
    title: str
    where: str
    meaning: str
    content: type | None = None


OWN_NAMES: Final = (
    OwnName(
        LIVE,
        "The live space",
        "State event, state key empty; sent by the bot, which alone may (level 100).",
        "What programs want to know of a live space. It is written anew when one of its fields "
        "changes. The bot also reads it, to know a room of its own again after a crash.",
        LiveContent,
    ),
    OwnName(
        CARD,
        "The live card",
        "Field of the bot's `m.room.message`, always `true`; also in `m.new_content` of its edits "
        "(`m.replace`).",
        "Marks the pinned message whose reactions are hands and applause, and in whose thread the "
        "captions are.",
    ),
    OwnName(
        BUBBLE,
        "The card in a community's room",
        "Field of the bot's `m.room.message` in the room where the live space was created; also "
        "in `m.new_content` of its edits (`m.replace`).",
        "Marks the small card of a live space elsewhere. 🔔 and ✅ on it are followed.",
        BubbleContent,
    ),
    OwnName(
        CAPTION,
        "A caption",
        "Field of the bot's `m.room.message` (`m.notice`). With `captions.delivery: thread` the "
        "event is in the card's thread (`m.thread`, falling back to a reply to the caption "
        "before); with `timeline` it has no relation.",
        "Who said what, when. The words are in the event's `body`, behind the name and a colon. "
        "Captions are never edited.",
        CaptionContent,
    ),
    OwnName(
        CHAT,
        "What was written on the page",
        "Field of the bot's `m.room.message` (`m.text`): one object, or a list of them where "
        "several lines share an event. No relation.",
        "Who wrote it: the bot says it for people on the page. It is read back after a restart, "
        "and only where the bot is the sender.",
        ChatContent,
    ),
    OwnName(
        BRIDGE_KEY,
        "Bridge information",
        "Beginning of the state key of `m.bridge` and `uk.half-shot.bridge` (MSC2346), followed "
        "by the live space's id.",
        "Names the bot, the host and the page to clients that show where a room is bridged to.",
    ),
)
