"""The objects within the frames that the server sends. `spaces_bridge.web.views` makes them."""

from typing import Annotated, Literal, NotRequired, TypedDict

from spaces_bridge.app.chat import ChatKind
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import QueueOrder, RequestState, SpeakPolicy
from spaces_bridge.core.live_space import Phase
from spaces_bridge.core.roles import Role

UserIdText = Annotated[str, "Matrix user id."]
MaybeNamed = Annotated[
    str | None, "Null: the name of a guest without the floor, which moderators alone are told."
]
IsGuest = Annotated[bool, "Whether they came without a Matrix account."]
Tone = Annotated[int, "0 to 7: the colour that stands for this person on every page."]
PictureAddress = Annotated[
    str | None, "Address of their picture. It answers 404 where the profile has none."
]
UnixMs = Annotated[int, "Unix milliseconds."]
MaybeUnixMs = Annotated[int | None, "Unix milliseconds; null: not set, or not yet."]
SinceStartMs = Annotated[int, "Milliseconds since the live space started."]
Hand = Annotated[
    str | None, RequestState, "Their raised hand: waiting, or just approved. Null: none is up."
]

# --- the live space -----------------------------------------------------------------------------


class HostView(TypedDict):
    """The host of a live space."""

    id: UserIdText
    name: str
    tone: Tone
    picture: PictureAddress


class PostView(TypedDict):
    """A link that a moderator shared."""

    number: Annotated[int, "Counts up from 1 in each live space."]
    kind: Annotated[Literal["link", "message"], "`message`: it leads to a message of the room."]
    url: Annotated[str, "http or https."]
    site: Annotated[str, "The server that it leads to, in ASCII."]
    by: UserIdText
    name: Annotated[str, "Name of who shared it."]
    at_ms: UnixMs


class SpaceView(TypedDict):
    """The live space itself, the same for everybody."""

    id: str
    slug: Annotated[str, "The last part of the page's address."]
    title: str
    state: Annotated[str, Phase, ""]
    host: HostView
    cohosts: Annotated[list[str], "Matrix user ids."]
    speak_policy: Annotated[str, SpeakPolicy, "Who gets the floor on asking."]
    max_speakers: int
    max_cohosts: int
    queue_order: Annotated[str, QueueOrder, "`airtime`: who has spoken least is first."]
    private: bool
    scheduled_at: MaybeUnixMs
    started_at: MaybeUnixMs
    ended_at: MaybeUnixMs
    calendar: Annotated[str | None, "Address of a calendar entry, while it is to come."]
    language: Annotated[str, "Of the captions: ISO 639 code, or `auto`."]
    captions: Annotated[bool, "Whether what is said is captioned."]
    locked: Annotated[bool, "Nobody new comes in, no hands, no chat of listeners."]
    chat: Annotated[bool, "Whether listeners may write."]
    guests: Annotated[str, GuestPolicy, "What people without an account may do."]
    posts: Annotated[list[PostView], "The newest shared links."]
    recording: Annotated[bool, "False: there are no recordings yet."]
    encrypted: Annotated[bool, "False: rooms of live spaces are not encrypted."]
    page: Annotated[str, "Address of the page."]
    room_alias: Annotated[str | None, "Of the Matrix room; null while it is being made."]


# --- stage and queue ----------------------------------------------------------------------------


class StagePersonView(TypedDict):
    """Somebody with a seat on the stage."""

    id: UserIdText
    name: str
    role: Annotated[str, Role, ""]
    guest: IsGuest
    on_air: Annotated[bool, "Whether their microphone is open."]
    muted: Annotated[bool, "Muted by a moderator, who alone lifts it."]
    volume: Annotated[
        int | None, "As a moderator set it, in percent; null: automatic, or not for you to know."
    ]
    tone: Tone
    picture: PictureAddress


class HandView(TypedDict):
    """Somebody who waits for the floor."""

    id: UserIdText
    name: MaybeNamed
    guest: IsGuest
    asked_at: UnixMs
    state: Annotated[str, RequestState, "`accepted`: approved, the floor is on its way."]
    tone: Tone
    picture: PictureAddress


class RosterView(TypedDict):
    """Stage, the front of the hand queue, and counts."""

    stage: list[StagePersonView]
    queue: Annotated[list[HandView], "The first ones, those just approved ahead of them."]
    hands: Annotated[int, "Everybody who waits, also those whom `queue` leaves out."]
    listeners: Annotated[int, "People who listen, with an account or without."]
    guests: Annotated[int, "Of the listeners, those who are on the page alone."]


class RoleView(TypedDict):
    """What one person may do now."""

    role: Annotated[str, Role, ""]
    may_speak: Annotated[bool, "The floor is theirs: a microphone would be taken."]
    on_air: Annotated[bool, "Their microphone is open."]
    hand: Hand
    queue_place: Annotated[int | None, "Their place among the waiting hands, from 1."]
    muted: Annotated[bool, "Muted by a moderator, who alone lifts it."]
    invited: Annotated[bool, "Invited to speak, and not answered yet."]
    may_moderate: bool
    may_end: Annotated[bool, "May start and end the live space."]
    may_host: Annotated[
        bool, "May do what is the host's alone: title, policy, captions, co-hosts."
    ]
    may_share: Annotated[bool, "May share links."]
    may_invite: Annotated[bool, "May have the bot invite people."]
    may_chat: Annotated[bool, "May write."]


class YouView(RoleView):
    """Who is at this page, and what they may do now."""

    id: Annotated[str | None, "Matrix user id; null: a listener who gave no name."]
    name: str
    guest: IsGuest
    follows_host: Annotated[bool, "As it was when the feed opened."]


# --- words --------------------------------------------------------------------------------------


class CaptionView(TypedDict):
    """One finished utterance."""

    id: Annotated[str, "Of the utterance; its drafts bear the same."]
    speaker: UserIdText
    name: str
    guest: IsGuest
    text: str
    final: Literal[True]
    start_ms: SinceStartMs
    end_ms: SinceStartMs
    language: Annotated[str, "ISO 639 code, or empty."]
    tone: Tone


class DraftView(TypedDict):
    """An utterance that is still being said."""

    id: Annotated[str, "Of the utterance; its final bears the same."]
    speaker: UserIdText
    name: str
    guest: IsGuest
    text: Annotated[str, "All that is known so far. Empty: the draft is withdrawn."]
    committed: Annotated[int, "So many code points at the start of `text` stay as they are."]
    final: Literal[False]
    start_ms: SinceStartMs
    end_ms: SinceStartMs
    language: Annotated[str, "ISO 639 code, or empty."]
    tone: Tone


class ChatLineView(TypedDict):
    """One line of the chat."""

    id: Annotated[str, "Stable; an edit bears the same."]
    user: UserIdText
    name: MaybeNamed
    text: str
    at_ms: UnixMs
    guest: IsGuest
    tone: Tone
    kind: Annotated[str, ChatKind, "Of what is no text, `text` says in words what it is."]
    edited: bool
    file: NotRequired[Annotated[str, "Name of a file that was sent."]]
    nonce: NotRequired[Annotated[str, "As the page that wrote the line gave it."]]


# --- people, for moderators ---------------------------------------------------------------------


class PersonView(TypedDict):
    """Somebody in the room or on the page."""

    id: UserIdText
    name: str
    guest: IsGuest
    role: Annotated[str, Role, ""]
    joined: Annotated[bool, "In the Matrix room."]
    on_page: Annotated[bool, "Has the page open."]
    hand: Hand
    muted: bool
    offered: Annotated[bool, "Invited to speak, and not answered yet."]
    below_you: Annotated[bool, "Whether whoever asked ranks above them."]
    tone: Tone
    picture: PictureAddress


class RemovedPersonView(TypedDict):
    """Somebody who was shown out."""

    id: UserIdText
    name: str
    guest: IsGuest
    reason: Annotated[str, "As the moderator gave it, or empty."]
    blocked: Annotated[bool, "Also from later live spaces of this host."]
    tone: Tone


class PeopleView(TypedDict):
    """Who is here, as far as a query asks for them."""

    query: Annotated[str, "The query that this answers."]
    people: Annotated[list[PersonView], "The first ones: stage, hands, page, then by name."]
    total: Annotated[int, "Everybody whom the query finds."]
    nameless: Annotated[int, "Pages of listeners who gave no name."]
    removed: list[RemovedPersonView]
    removed_total: int


SpokenView = TypedDict(
    "SpokenView",
    {
        "code": Annotated[str, "Stable, for programs: it means one sentence."],
        "text": Annotated[str, "The sentence in plain English, for people."],
        "with": Annotated[dict[str, str | int], "Names and numbers of the sentence, by place."],
    },
)


class OpeningView(TypedDict):
    """Everything that a page shows when it opens, but the chat."""

    you: YouView
    session: Annotated[
        str | None, "Bearer for sound and API, and `token` of the next `auth`. Null for nobody."
    ]
    space: SpaceView
    roster: RosterView
    captions: Annotated[list[CaptionView], "The last finished utterances, oldest first."]
    reactions: Annotated[dict[str, int], "How often each emoji came so far."]
