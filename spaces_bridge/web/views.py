"""How a live space looks from outside: the JSON of feed and API. Pure."""

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
"""Colours a picture without a picture may have."""

FACE_DIGITS = 24
"""Of a person's hash in an address: nobody finds two ids with the same."""

QUEUE_SHOWN = 50
"""Hands everybody is sent; whoever is further behind knows their place by `queue_place`."""

REACTIONS = ("👏", "❤️", "😂", "💯")
"""What the page and the live card offer."""


@dataclass(frozen=True, slots=True)
class You:
    """Somebody on the page. `user` None: a listener who gave no name."""

    user: UserId | None = None
    name: str = ""
    guest: bool = True
    follows_host: bool = False
    """When the page opened: afterwards the page knows what was done on it."""

    def moderates(self, space: LiveSpace) -> bool:
        """Whether hosts' views and verbs are theirs."""
        if self.user is None:
            return False
        return is_host(space, self.user) or is_moderator(space, self.user)


def tone(user: str) -> int:
    """The colour of somebody's picture, the same on every page."""
    return crc32(user.encode()) % TONES


def face(user: str) -> str:
    """Stands for a person in the address of their picture: ids hold what proxies stumble over."""
    return hashlib.sha256(user.encode()).hexdigest()[:FACE_DIGITS]


def picture(space: LiveSpace, user: UserId, page: str) -> str | None:
    """The address of somebody's picture, if there may be one; `page`: the live space's own."""
    if space.private or space.person(user).guest:
        return None
    return f"{page}/face/{face(user)}"


def listeners(space: LiveSpace, guests: int) -> int:
    """People in the room without the floor, and guests on the page."""
    members = sum(1 for p in space.people.values() if p.joined)
    return max(0, members - len(space.stage)) + guests


def space_view(space: LiveSpace, settings: WebSettings, domain: str) -> SpaceView:
    """The live space itself; times are Unix milliseconds."""
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
    """The address of the calendar's entry, for what is to come and everybody may know of."""
    planned = space.phase is Phase.SCHEDULED and space.scheduled_at_ms is not None
    return f"{page}/event.ics" if planned and not space.private else None


def room_alias(space: LiveSpace, domain: str) -> str | None:
    """The address of the live space's room; None while it has none."""
    return addresses.room_alias(space.slug, domain) if space.room is not None else None


def roster_view(space: LiveSpace, guests: int, about: SpaceView, *, names: bool) -> RosterView:
    """Stage, the front of the hand queue, and counts.

    `about`: the live space's own view. `names`: also those of guests who wait (for
    moderators).
    """
    page = about["page"]
    return {
        "stage": [on_stage(space, person, page) for person in space.stage],
        "queue": [_in_queue(space, r, page, names=names) for r in waiting(space)[:QUEUE_SHOWN]],
        "hands": len(space.hands),
        "listeners": listeners(space, guests),
        "guests": guests,
    }


def waiting(space: LiveSpace) -> list[SpeakRequest]:
    """Those just approved, then the hand queue in its order."""
    accepted = [r for r in space.requests.values() if r.state is RequestState.ACCEPTED]
    return [*sorted(accepted, key=lambda r: (r.asked_at_ms, r.user)), *space.hands]


def places(space: LiveSpace) -> Mapping[UserId, int]:
    """Everybody's place in the hand queue, from 1."""
    return {hand.user: place for place, hand in enumerate(space.hands, start=1)}


def on_stage(space: LiveSpace, person: Person, page: str) -> StagePersonView:
    """Somebody with a seat; `page`: the address of the live space's page."""
    return {
        "id": person.user,
        "name": name_of(space, person.user),
        "role": space.role(person.user).name.lower(),
        "guest": person.guest,
        "on_air": person.user in space.on_air,
        "muted": person.user in space.muted,
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
    """What this person may do now, and where their hand is among all `places`.

    `may_host`: what is the host's alone (title, policy, captions, co-hosts, handing over).

    `muted`: by a host, who alone lifts it. `invited`: to speak, and not answered yet.
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
    """One finished utterance; times in milliseconds since the start."""
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
    """What is being said; the first `committed` code points of the text stay as they are."""
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
    """A shared link: to a message of the live space's room, or into the web.

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
    """Why something was refused: the English text, and what the page makes its own text of."""
    return {"type": "error", **_spoken(said)}


def notice_view(said: Sentence) -> NoticeFrame:
    """What somebody should know."""
    return {"type": "notice", **_spoken(said)}


def _spoken(said: Sentence) -> SpokenView:
    return {"code": said.code, "text": said.text, "with": dict(said.values)}


def site(url: str) -> str:
    """The server of a web address, as browsers write it: in ASCII, so that no letter deceives."""
    try:
        host = URL(url).raw_host
    except ValueError:
        host = urlsplit(url).hostname
    return host or ""


def hello_view(
    space: LiveSpace, you: You, session: str | None, guests: int, about: SpaceView
) -> OpeningView:
    """Everything that a page shows when it opens, but the chat."""
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
