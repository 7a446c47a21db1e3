"""Use case: writing in the chat from the page; pages show it at once, the outbox sends it.

While the homeserver is away the pages go on without it, and the room gets the words later.

A crowd is limited as one: what many write at once is read by nobody, and the room has to carry all
of it.
"""

import hashlib
import secrets
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from spaces_bridge.app import tasks
from spaces_bridge.app.chat import ChatLine
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import refusals
from spaces_bridge.core.display_names import DisplayNames
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.content import may_chat, refuse_to_chat
from spaces_bridge.core.text.names import before_a_colon
from spaces_bridge.core.text.skeletons import alike
from spaces_bridge.core.text.writing import TEXT_MAX, clean_text

A_GUEST = "A guest"
"""The name in the room of guests without the floor."""

PERSON_BURST, PERSON_PER_S = 5, 0.5
"""The limit on messages of one person in one live space: at once, and a second."""

GUESTS_BURST, GUESTS_PER_S = 10, 1
"""The limit on messages of all guests of one live space, who come in any number and name."""

CROWD_BURST, CROWD_PER_S = 60, 5
"""The limit on messages of all pages of one live space."""


class RateLimit(Protocol):
    """A rate limit: so much at once, then so much a second, for each key by itself."""

    def has(self, key: Hashable) -> bool:
        """Return whether `take` would succeed."""
        ...

    def take(self, key: Hashable) -> bool:
        """Take one of the key's allowance. False: there is none left."""
        ...


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """The rate limits of the chat: for one person, all guests and all pages of a live space."""

    person: RateLimit
    guests: RateLimit
    crowd: RateLimit


@dataclass(frozen=True, slots=True)
class ChatAuthor:
    """A person who writes on the page; `name` is the guest's own, and unused for accounts."""

    user: UserId
    name: str
    guest: bool


class ChatService:
    """The chat service takes messages from pages. `guests_write`: guests may write at all."""

    def __init__(
        self, spaces: Spaces, limits: ChatLimits | None = None, *, guests_write: bool = True
    ) -> None:
        """Make the service over these live spaces. `limits` None: nobody is limited."""
        self._spaces = spaces
        self._context = spaces.context
        self._limits = limits
        self._guests_write = guests_write

    async def say(self, space: SpaceId, writer: ChatAuthor, text: str, nonce: str = "") -> None:
        """Say a message in the chat; it is stored when this returns.

        The same words under the same `nonce` are said once. Raises Rejected, StorageError.
        """
        now = self._now(space)
        if writer.guest and not self._guests_write:
            raise refusals.guests_only_read()
        refuse_to_chat(now, writer.user, guest=writer.guest)
        self._pace(space, writer)
        if len(text) > TEXT_MAX:
            raise Rejected("too_long", "That is longer than {most} characters.", most=TEXT_MAX)
        cleaned = clean_text(text)
        if not cleaned:
            raise Rejected("no_text", "There is nothing to read in that.")
        line = self._line(now, writer, cleaned, nonce)
        key = f"chat:{line.id}"
        if nonce and await self._context.outbox.recall(key) is not None:
            return  # sent already, or redacted in the room meanwhile: the room tells the pages
        await self._spaces.enqueue_task(tasks.PostChat(space, (_words(now, line),)), key)
        # a person removed while the message was stored is not shown; its task handler looks, too
        if not may_chat(self._now(space), writer.user, guest=writer.guest):
            return
        news = self._context.chat.add(space, line)
        if news is not None:
            self._context.audience.chatted(space, news)

    def _pace(self, space: SpaceId, writer: ChatAuthor) -> None:
        if self._limits is None:
            return
        person = (space, writer.user)
        if not self._limits.person.has(person):
            raise Rejected("chat_too_fast", "You write very fast. Wait a moment.")
        crowds = [self._limits.crowd, *([self._limits.guests] if writer.guest else [])]
        if not all(crowd.has(space) for crowd in crowds):
            text = "Very many people write at once. Try again in a moment."
            raise Rejected("chat_crowded", text)
        self._limits.person.take(person)
        for crowd in crowds:
            crowd.take(space)

    def _now(self, space: SpaceId) -> LiveSpace:
        view = self._spaces.view(space)
        if view is None:
            raise refusals.ended()
        return view

    def _line(self, space: LiveSpace, writer: ChatAuthor, text: str, nonce: str) -> ChatLine:
        # the id is made of the words, too: others under the same nonce are another line
        sign = f"{space.space} {writer.user} {nonce or secrets.token_hex(16)} {text}"
        person = space.person(writer.user)
        return ChatLine(
            id=f"page-{hashlib.sha256(sign.encode()).hexdigest()[:32]}",
            user=writer.user,
            name=_name(space, writer),
            text=text,
            at_ms=self._context.clock.now_ms(),
            guest=writer.guest,
            named=person.joined or not writer.guest,
            nonce=nonce,
        )


def _name(space: LiveSpace, writer: ChatAuthor) -> str:
    """Return the writer's name; a guest's is hidden where somebody with a role looks like it."""
    person = space.person(writer.user)
    name = person.name if person.joined else writer.name
    return DisplayNames(space).shown(writer.user, name) if writer.guest else name


def _words(space: LiveSpace, line: ChatLine) -> tasks.ChatWords:
    """Return the line as the room may have it: without the name of a guest without the floor."""
    name = _told_apart(space, line) if line.named else A_GUEST
    return tasks.ChatWords(
        line.id, line.user, name, line.text, line.at_ms, guest=line.guest, named=line.named
    )


def _told_apart(space: LiveSpace, line: ChatLine) -> str:
    """Return the writer's name, with the id where the name alone could mislead.

    The bot speaks for many, so the id stands with a name that looks like another one here, and
    with one that would put words into another mouth.
    """
    name = before_a_colon(line.name)
    if not name:
        return line.user
    others = [p.name for p in space.people.values() if p.joined and p.user != line.user]
    twin = any(alike(name, other) for other in [*others, A_GUEST])
    return f"{name} ({line.user})" if twin or name != line.name else name
