"""A feed that puts hostile words wherever words can be, and shapes that are only just allowed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import Page, WebSocketRoute

Frame = dict[str, object]

HOST_ID = "@host:example.org"


def person(words: str, user: str, **more: object) -> Frame:
    """Somebody by this name."""
    return {
        "id": user,
        "name": words,
        "guest": False,
        "role": "speaker",
        "on_air": True,
        "muted": False,
        "tone": 3,
        "picture": None,
        "joined": True,
        "on_page": True,
        "hand": None,
        "offered": False,
        "below_you": True,
        "state": "pending",
        "asked_at": 1,
        "reason": words,
        "blocked": False,
    } | more


def space(words: str, page: str) -> Frame:
    """The live space, named like this in every respect."""
    return {
        "id": "space",
        "slug": page.rpartition("/")[2],
        "title": words,
        "state": "live",
        "host": {"id": HOST_ID, "name": words, "tone": 1, "picture": None},
        "cohosts": [],
        "speak_policy": "request",
        "max_speakers": 10,
        "max_cohosts": 2,
        "queue_order": "arrival",
        "private": False,
        "scheduled_at": None,
        "started_at": 1,
        "ended_at": None,
        "calendar": None,
        "language": "en",
        "captions": True,
        "locked": False,
        "chat": True,
        "guests": "speak",
        "posts": [],
        "recording": False,
        "encrypted": False,
        "page": page,
        "room_alias": "#spaces_x:example.org",
    }


def caption(words: str, user: str, key: str, **more: object) -> Frame:
    """Somebody of this name says this."""
    return {
        "type": "caption",
        "id": key,
        "speaker": user,
        "name": words,
        "text": words,
        "final": True,
        "start_ms": 1,
        "end_ms": 2,
        "language": words,
        "tone": words,
    } | more


def line(words: str, user: str, key: str, **more: object) -> Frame:
    """Somebody of this name writes this."""
    return {
        "type": "chat",
        "id": key,
        "user": user,
        "name": words,
        "text": words,
        "at_ms": 1,
        "guest": False,
        "tone": words,
        "kind": "text",
        "edited": True,
    } | more


def hello(words: str, page: str, moderates: bool) -> Frame:
    """The first frame: `words` are title and names."""
    role: Frame = {
        "role": "host" if moderates else "listener",
        "may_speak": False,
        "on_air": False,
        "hand": None,
        "queue_place": None,
        "muted": False,
        "invited": False,
        "may_moderate": moderates,
        "may_end": moderates,
        "may_host": moderates,
        "may_share": moderates,
        "may_invite": True,
        "may_chat": True,
    }
    you = {"id": HOST_ID if moderates else "@me:example.org", "name": words, "guest": False}
    return {
        "type": "hello",
        "you": {**you, "follows_host": False, **role},
        "session": "session",
        "space": space(words, page),
        "roster": roster([words]),
        "captions": [],
        "chat_lines": [],
        "reactions": {words: 1},
    }


def roster(names: Sequence[str]) -> Frame:
    """These are on stage, and in the queue, and their ids are hostile, too."""
    return {
        "type": "roster",
        "stage": [person(words, words[:200]) for words in names],
        "queue": [person(words, f"{words[:200]} hand") for words in names],
        "hands": len(names),
        "listeners": 3,
        "guests": 1,
    }


def everything(words: str, number: int) -> list[Frame]:
    """Every frame there is, with these words in it."""
    user = words[:200]
    codes = dict.fromkeys(("name", "user", "host", "what", "most", "title", "reason"), words)
    spoken = ("host_missed", "new_host", "invites", "blocked", "captions_paused", words)
    notices: list[Frame] = [
        {"type": "notice", "code": code, "text": words, "with": codes} for code in spoken
    ]
    return [
        roster([words]),
        {"type": "speaking", "levels": {user: 50, "__proto__": 3, "constructor": 7}},
        {"type": "speaking", "levels": [words]},
        {"type": "gaps", "missing": {user: 50, "__proto__": 3, words[:200]: words}},
        caption(words, user, f"draft {number}", final=False, committed=3),
        caption(words, user, f"draft {number}", final=False, committed=10**9),
        caption(words, user, f"{words[:50]} {number}"),
        {"type": "reactions", "counts": {words[:2_000]: 3, "👏": 2}},
        line(words, user, f"{words[:50]} {number}"),
        line(words, f"{user}:guest", f"{words[:50]} {number} file", kind="file", file=words),
        line(words, user, f"{words[:50]} {number} null", name=None, guest=True, kind=words),
        {"type": "post", "number": 2 * number, "kind": "link", "url": words, "site": words,
         "by": user, "name": words, "at_ms": 1},
        {"type": "post", "number": 2 * number + 1, "kind": "message", "url": words, "site": "",
         "by": user, "name": words, "at_ms": 1},
        *notices,
        {"type": "error", "code": words, "text": words, "with": codes},
        {"type": "error", "code": "bad_frame", "text": words, "with": codes},
        {"type": words, "text": words},
    ]  # fmt: skip


class EvilFeed:
    """Plays the server's part on the feed of one page."""

    def __init__(self, page_address: str, *, moderates: bool) -> None:
        self._address = page_address
        self._moderates = moderates
        self._socket: WebSocketRoute | None = None
        self.asked: list[Mapping[str, object]] = []
        self.people: Callable[[str], Frame] = lambda query: {
            "type": "people", "people": [], "removed": [], "total": 0, "query": query,
        }  # fmt: skip

    async def take_over(self, page: Page) -> None:
        """Be the feed of this page from its next load on."""
        await page.route_web_socket("**/feed", self._open)

    def send(self, *frames: Mapping[str, object]) -> None:
        """What the server says."""
        assert self._socket is not None
        for frame in frames:
            self._socket.send(json.dumps(frame))

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Say something now and then, as a server does: silence would mean a lost connection."""
        beats = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beats.cancel()
            await asyncio.wait([beats])

    async def _beat(self) -> None:
        while True:
            self.send({"type": "beat"})
            await asyncio.sleep(1)

    def _open(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        socket.on_message(self._hear)

    def _hear(self, data: str | bytes) -> None:
        frame = json.loads(data)
        self.asked.append(frame)
        if frame["type"] == "auth":
            self.send(hello("Garden hour", self._address, self._moderates))
        elif frame["type"] == "people":
            self.send(self.people(frame["query"]))
