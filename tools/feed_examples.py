"""Examples of every frame of the live feed, for docs/feed.md. mypy and a test check them."""

from spaces_bridge.core.ids import UserId
from spaces_bridge.web.frames.client import ClientFrame
from spaces_bridge.web.frames.server import HelloFrame, ServerFrame
from spaces_bridge.web.frames.views import (
    CaptionView,
    ChatLineView,
    HandView,
    PostView,
    RoleView,
    RosterView,
    SpaceView,
    StagePersonView,
)

_PAGE = "https://spaces.example.org/s/bread-and-roses-k3v9"

_POST: PostView = {
    "number": 1,
    "kind": "link",
    "url": "https://example.org/recipe",
    "site": "example.org",
    "by": "@ada:example.org",
    "name": "Ada",
    "at_ms": 1796065230000,
}

_SPACE: SpaceView = {
    "id": "9f2c1a7e5b304d68",
    "slug": "bread-and-roses-k3v9",
    "title": "Bread and roses",
    "state": "live",
    "host": {
        "id": "@ada:example.org",
        "name": "Ada",
        "tone": 3,
        "picture": f"{_PAGE}/face/5d41402abc4b2a76b9719d91",
    },
    "cohosts": [],
    "speak_policy": "request",
    "max_speakers": 10,
    "max_cohosts": 3,
    "queue_order": "arrival",
    "private": False,
    "scheduled_at": None,
    "started_at": 1796065200000,
    "ended_at": None,
    "calendar": None,
    "language": "en",
    "captions": True,
    "locked": False,
    "chat": True,
    "guests": "speak",
    "posts": [_POST],
    "recording": False,
    "encrypted": False,
    "page": _PAGE,
    "room_alias": "#spaces_bread-and-roses-k3v9:example.org",
}

_ADA: StagePersonView = {
    "id": "@ada:example.org",
    "name": "Ada",
    "role": "host",
    "guest": False,
    "on_air": True,
    "muted": False,
    "volume": None,
    "tone": 3,
    "picture": f"{_PAGE}/face/5d41402abc4b2a76b9719d91",
}

_HAND: HandView = {
    "id": "@spaces_guest_7q2m:example.org",
    "name": None,
    "guest": True,
    "asked_at": 1796065260000,
    "state": "pending",
    "tone": 6,
    "picture": None,
}

_ROSTER: RosterView = {
    "stage": [_ADA],
    "queue": [_HAND],
    "hands": 1,
    "listeners": 12,
    "guests": 9,
}

_ROLE: RoleView = {
    "role": "listener",
    "may_speak": False,
    "on_air": False,
    "hand": "pending",
    "queue_place": 1,
    "muted": False,
    "invited": False,
    "may_moderate": False,
    "may_end": False,
    "may_host": False,
    "may_share": False,
    "may_invite": False,
    "may_chat": False,
}

_CAPTION: CaptionView = {
    "id": "u-41",
    "speaker": "@ada:example.org",
    "name": "Ada",
    "guest": False,
    "text": "Good evening, everybody.",
    "final": True,
    "start_ms": 4200,
    "end_ms": 5900,
    "language": "en",
    "tone": 3,
}

_LINE: ChatLineView = {
    "id": "$c1",
    "user": "@mia:example.org",
    "name": "Mia",
    "text": "Hello from the kitchen",
    "at_ms": 1796065240000,
    "guest": False,
    "tone": 1,
    "kind": "text",
    "edited": False,
}

_HELLO: HelloFrame = {
    "type": "hello",
    "you": {
        "id": "@spaces_guest_7q2m:example.org",
        "name": "Noor",
        "guest": True,
        "follows_host": False,
        **_ROLE,
    },
    "session": "a-long-secret",
    "space": _SPACE,
    "roster": _ROSTER,
    "captions": [_CAPTION],
    "reactions": {"👏": 4},
    "guest_chat": False,
    "chat_lines": [_LINE],
}

SERVER_EXAMPLES: tuple[ServerFrame, ...] = (
    _HELLO,
    {"type": "space", "space": _SPACE},
    {"type": "roster", **_ROSTER},
    {"type": "role", **_ROLE},
    {"type": "speaking", "levels": {UserId("@ada:example.org"): 63}},
    {"type": "gaps", "missing": {UserId("@ada:example.org"): 14}},
    {"type": "caption", **_CAPTION},
    {
        "type": "caption",
        "id": "u-42",
        "speaker": "@ada:example.org",
        "name": "Ada",
        "guest": False,
        "text": "Tonight we talk about bred",
        "committed": 19,
        "final": False,
        "start_ms": 6400,
        "end_ms": 8000,
        "language": "en",
        "tone": 3,
    },
    {"type": "reactions", "counts": {"👏": 3, "❤️": 1}},
    {
        "type": "chat",
        "id": "$c2",
        "user": "@ben:example.org",
        "name": "Ben",
        "text": "A picture",
        "at_ms": 1796065250000,
        "guest": False,
        "tone": 5,
        "kind": "picture",
        "edited": False,
        "file": "loaf.jpg",
        "nonce": "m3k-1",
    },
    {"type": "chat", "id": "$c2", "removed": True},
    {"type": "chat", "user": "@ben:example.org", "removed": True},
    {"type": "chat", "lines": [_LINE]},
    {"type": "post", **_POST},
    {
        "type": "people",
        "query": "mi",
        "people": [
            {
                "id": "@mia:example.org",
                "name": "Mia",
                "guest": False,
                "role": "listener",
                "joined": True,
                "on_page": True,
                "hand": None,
                "muted": False,
                "offered": False,
                "below_you": True,
                "tone": 1,
                "picture": None,
            }
        ],
        "total": 1,
        "nameless": 7,
        "removed": [
            {
                "id": "@mimi:example.net",
                "name": "Mimi",
                "guest": False,
                "reason": "shouts",
                "blocked": False,
                "tone": 2,
            }
        ],
        "removed_total": 1,
        "followers": 23,
    },
    {
        "type": "notice",
        "code": "new_host",
        "text": "Mia is the host now.",
        "with": {"name": "Mia"},
    },
    {
        "type": "error",
        "code": "stage_full",
        "text": "The stage is full (10 speakers). Take somebody's floor first.",
        "with": {"most": 10},
    },
    {"type": "beat"},
)

_MIA = "@mia:example.org"

CLIENT_EXAMPLES: tuple[ClientFrame, ...] = (
    {"type": "auth", "token": "a-long-secret"},
    {
        "type": "auth",
        "openid": {"access_token": "one-use", "matrix_server_name": "example.org"},
    },
    {"type": "auth", "name": "Noor"},
    {"type": "hand", "raised": True},
    {"type": "accept"},
    {"type": "decline"},
    {"type": "leave-stage"},
    {"type": "approve", "user": _MIA},
    {"type": "deny", "user": _MIA},
    {"type": "next"},
    {"type": "clear-queue"},
    {"type": "queue-order", "order": "airtime"},
    {"type": "bring", "user": _MIA},
    {"type": "demote", "user": _MIA},
    {"type": "mute", "muted": True},
    {"type": "mute", "user": _MIA},
    {"type": "mute", "all": True},
    {"type": "unmute", "user": _MIA},
    {"type": "volume", "user": _MIA, "percent": 80},
    {"type": "volume", "user": _MIA, "percent": None},
    {"type": "people", "query": "mi"},
    {"type": "cohost", "user": _MIA},
    {"type": "uncohost", "user": _MIA},
    {"type": "remove", "user": _MIA, "reason": "shouts"},
    {"type": "block", "user": _MIA, "reason": "shouts"},
    {"type": "unblock", "user": _MIA},
    {"type": "report", "user": _MIA, "reason": "insults people"},
    {"type": "follow", "user": _MIA},
    {"type": "unfollow", "user": _MIA},
    {"type": "invite", "user": _MIA},
    {"type": "invite", "followers": True},
    {"type": "react", "emoji": "👏"},
    {"type": "chat", "text": "Hello", "nonce": "m3k-1"},
    {"type": "share", "url": "https://example.org/recipe"},
    {"type": "title", "title": "Bread and roses, again"},
    {"type": "policy", "policy": "request"},
    {"type": "guests", "policy": "listen"},
    {"type": "chat-mode", "on": True},
    {"type": "captions", "on": True, "language": "en"},
    {"type": "lock"},
    {"type": "unlock"},
    {"type": "reschedule", "at": 1796151600000},
    {"type": "unschedule"},
    {"type": "start"},
    {"type": "host", "user": _MIA},
    {"type": "end"},
)
