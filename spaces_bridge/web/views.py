"""Views of a live space: the JSON of feed and API. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from zlib import crc32

from yarl import URL

from spaces_bridge.app import addresses
from spaces_bridge.app.ports import Draft
from spaces_bridge.core.display_names import name_of, shown_name
from spaces_bridge.core.floor import RequestState, SpeakRequest
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import CaptionLine, LiveSpace, Person, Phase, Post
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules.common import is_host, is_moderator, rank
from spaces_bridge.core.rules.content import may_chat, may_invite, may_share
from spaces_bridge.core.sentences import Sentence
from spaces_bridge.web.frames.server import ErrorFrame, NoticeFrame
from spaces_bridge.web.frames.views import (
    CaptionView,
    DraftView,
    HandView,
    OpeningView,
    PostView,
    RoleView,
    RosterView,
    SpaceView,
    SpokenView,
    StagePersonView,
)
from spaces_bridge.web.settings import WebSettings

JsonBody = dict[str, object]

TONES = 8
"""Number of colours for people without a picture."""

FACE_DIGITS = 24
"""Hex digits of a person's hash in an address: so many that nobody finds two ids with the same."""

QUEUE_SHOWN = 50
"""Hands that every page is sent; people further behind know their place by `queue_place`."""

REACTIONS = ("👏", "❤️", "😂", "💯")
"""Reactions that the page and the live card offer."""


@dataclass(frozen=True, slots=True)
class You:
    """A person on the page; `user` is None for a listener who gave no name."""

    user: UserId | None = None
    name: str = ""
    guest: bool = True
    follows_host: bool = False
    """True if this person followed the host when the page opened; the page knows of changes."""

    def moderates(self, space: LiveSpace) -> bool:
        """Return whether this person has the views and verbs of hosts."""
        if self.user is None:
            return False
        return is_host(space, self.user) or is_moderator(space, self.user)


def tone(user: str) -> int:
    """Return the colour of somebody's picture, the same on every page."""
    return crc32(user.encode()) % TONES


def face(user: str) -> str:
    """Return the hash that names a person in their picture's address: proxies garble user ids."""
    return hashlib.sha256(user.encode()).hexdigest()[:FACE_DIGITS]


def picture(space: LiveSpace, user: UserId, page: str) -> str | None:
    """Return the address of somebody's picture, if there may be one.

    `page` is the address of the live space's page.
    """
    if space.private or space.person(user).guest:
        return None
    return f"{page}/face/{face(user)}"


def listeners(space: LiveSpace, guests: int) -> int:
    """Return the number of people in the room without the floor and of guests on the page."""
    members = sum(1 for p in space.people.values() if p.joined)
    return max(0, members - len(space.stage)) + guests


def space_view(space: LiveSpace, settings: WebSettings, domain: str) -> SpaceView:
    """Return the view of the live space itself; times are Unix milliseconds."""
    page = settings.page(space.slug)
    return {
        "id": space.space,
        "slug": space.slug,
        "title": space.title,
        "state": space.phase.value,
        "host": {
            "id": space.host,
            "name": name_of(space, space.host),
            "tone": tone(space.host),
            "picture": picture(space, space.host, page),
        },
        "cohosts": list(space.cohosts),
        "speak_policy": space.speak_policy.value,
        "max_speakers": space.max_speakers,
        "max_cohosts": space.max_cohosts,
        "queue_order": space.queue_order.value,
        "private": space.private,
        "scheduled_at": space.scheduled_at_ms,
        "started_at": space.started_at_ms,
        "ended_at": space.ended_at_ms,
        "calendar": calendar(space, page),
        "language": space.language,
        "captions": space.captions,
        "locked": space.locked,
        "chat": space.chat,
        "guests": space.guests.value,
        "posts": [post_view(post) for post in space.posts],
        "recording": False,
        "encrypted": False,
        "page": page,
        "room_alias": room_alias(space, domain),
    }


def calendar(space: LiveSpace, page: str) -> str | None:
    """Return the address of the calendar entry of a public live space that is scheduled."""
    planned = space.phase is Phase.SCHEDULED and space.scheduled_at_ms is not None
    return f"{page}/event.ics" if planned and not space.private else None


def room_alias(space: LiveSpace, domain: str) -> str | None:
    """Return the alias of the live space's room; None while there is no room."""
    return addresses.room_alias(space.slug, domain) if space.room is not None else None


def roster_view(space: LiveSpace, guests: int, about: SpaceView, *, names: bool) -> RosterView:
    """Return the roster: stage, the front of the hand queue, and counts.

    `about` is the live space's own view. `names` shows also the names of waiting guests, and how
    loud people were set, for moderators.
    """
    page = about["page"]
    return {
        "stage": [on_stage(space, p, page, volumes=names) for p in space.stage],
        "queue": [_in_queue(space, r, page, names=names) for r in waiting(space)[:QUEUE_SHOWN]],
        "hands": len(space.hands),
        "listeners": listeners(space, guests),
        "guests": guests,
    }


def waiting(space: LiveSpace) -> list[SpeakRequest]:
    """Return the requests that were just approved, then the hand queue in its order."""
    accepted = [r for r in space.requests.values() if r.state is RequestState.ACCEPTED]
    return [*sorted(accepted, key=lambda r: (r.asked_at_ms, r.user)), *space.hands]


def places(space: LiveSpace) -> Mapping[UserId, int]:
    """Return everybody's place in the hand queue, from 1."""
    return {hand.user: place for place, hand in enumerate(space.hands, start=1)}


def on_stage(
    space: LiveSpace, person: Person, page: str, *, volumes: bool = False
) -> StagePersonView:
    """Return the view of a person on the stage; `page` is the address of the live space's page."""
    return {
        "id": person.user,
        "name": name_of(space, person.user),
        "role": space.role(person.user).name.lower(),
        "guest": person.guest,
        "on_air": person.user in space.on_air,
        "muted": person.user in space.muted,
        "volume": space.volumes.get(person.user) if volumes else None,
        "tone": tone(person.user),
        "picture": picture(space, person.user, page),
    }


def _in_queue(space: LiveSpace, request: SpeakRequest, page: str, *, names: bool) -> HandView:
    person = space.person(request.user)
    visible = names or not person.guest
    return {
        "id": request.user,
        "name": name_of(space, request.user) if visible else None,
        "guest": person.guest,
        "asked_at": request.asked_at_ms,
        "state": request.state.value,
        "tone": tone(request.user),
        "picture": picture(space, request.user, page),
    }


def role_view(space: LiveSpace, you: You, places: Mapping[UserId, int]) -> RoleView:
    """Return what this person may do now, and where their hand is among all `places`.

    `may_host` is about what is the host's alone (title, policy, captions, co-hosts, handing
    over). `muted` means muted by a host, who alone lifts it. `invited` means invited to speak,
    and not answered yet.
    """
    role = rank(space, you.user) if you.user is not None else Role.LISTENER
    request = space.requests.get(you.user) if you.user is not None else None
    return {
        "role": role.name.lower(),
        "may_speak": you.user is not None and space.may_speak(you.user),
        "on_air": you.user is not None and you.user in space.on_air,
        "hand": request.state.value if request is not None else None,
        "queue_place": places.get(you.user) if you.user is not None else None,
        "muted": you.user in space.muted,
        "invited": you.user in space.offers,
        "may_moderate": you.moderates(space),
        "may_end": role.may_end,
        "may_host": you.user is not None and is_host(space, you.user),
        "may_share": you.user is not None and may_share(space, you.user),
        "may_invite": you.user is not None and not you.guest and may_invite(space, you.user),
        "may_chat": you.user is not None and may_chat(space, you.user, guest=you.guest),
    }


def caption_view(space: LiveSpace, line: CaptionLine) -> CaptionView:
    """Return the view of a final caption; times are milliseconds since the start."""
    person = space.person(line.speaker)
    return {
        "id": line.utterance,
        "speaker": line.speaker,
        "name": name_of(space, line.speaker, line.name),
        "guest": person.guest,
        "text": line.text,
        "final": True,
        "start_ms": line.start_ms,
        "end_ms": line.end_ms,
        "language": line.language,
        "tone": tone(line.speaker),
    }


def draft_view(space: LiveSpace, draft: Draft) -> DraftView:
    """Return the view of a draft caption, whose first `committed` code points stay as they are."""
    return {
        "id": draft.utterance,
        "speaker": draft.speaker,
        "name": name_of(space, draft.speaker),
        "guest": space.person(draft.speaker).guest,
        "text": draft.text,
        "committed": draft.committed,
        "final": False,
        "start_ms": draft.start_ms,
        "end_ms": draft.end_ms,
        "language": draft.language,
        "tone": tone(draft.speaker),
    }


def post_view(post: Post) -> PostView:
    """Return the view of a shared link, to a message of the live space's room or into the web.

    `site` is the server that it leads to.
    """
    return {
        "number": post.number,
        "kind": "link" if post.event is None else "message",
        "url": post.url,
        "site": site(post.url),
        "by": post.by,
        "name": shown_name(post.name, post.by, guest=False),
        "at_ms": post.at_ms,
    }


def error_view(said: Sentence) -> ErrorFrame:
    """Return a refusal's frame: the English text, and the code and values for the page's own."""
    return {"type": "error", **_spoken(said)}


def notice_view(said: Sentence) -> NoticeFrame:
    """Return the frame for a notice."""
    return {"type": "notice", **_spoken(said)}


def _spoken(said: Sentence) -> SpokenView:
    return {"code": said.code, "text": said.text, "with": dict(said.values)}


def site(url: str) -> str:
    """Return the host of a web address in ASCII, as browsers write it: no letter deceives."""
    try:
        host = URL(url).raw_host
    except ValueError:
        host = urlsplit(url).hostname
    return host or ""


def hello_view(
    space: LiveSpace, you: You, session: str | None, guests: int, about: SpaceView
) -> OpeningView:
    """Return everything that a page shows when it opens, but the chat."""
    return {
        "you": {
            "id": you.user,
            "name": you.name,
            "guest": you.guest,
            "follows_host": you.follows_host,
            **role_view(space, you, places(space)),
        },
        "session": session,
        "space": about,
        "roster": roster_view(space, guests, about, names=you.moderates(space)),
        "captions": [caption_view(space, line) for line in space.caption_lines],
        "reactions": dict(space.reactions),
    }
