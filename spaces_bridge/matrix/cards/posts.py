"""Shared posts: shown in the live space's room, the newest of them pinned."""

import html
import logging

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.rooms import PinnedPost
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace, Post
from spaces_bridge.matrix.cards import pins
from spaces_bridge.matrix.cards.cards import CardKeeper
from spaces_bridge.matrix.cards.pins import Pins
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.content import Content, message
from spaces_bridge.matrix.text.wording import one_line

log = logging.getLogger(__name__)


class Posts:
    """The task handler of `PinPost`. Raises RequestRefused, Away, StorageError."""

    kinds = (tasks.PinPost,)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        notes: NoteStore,
        pinboard: Pins,
        cards: CardKeeper,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._notes = notes
        self._pins = pinboard
        self._cards = cards

    async def run(self, wanted: tasks.PinPost, key: str) -> EventId | None:
        """Show and pin a post; return the pinned event. None: newer posts took its place."""
        space = await self._spaces.find(wanted.space)
        post = _post(space, wanted.number)
        if space is None or space.room is None or post is None:
            return None
        event = await self._shown(space.room, post, key)
        await self._notes.put(PinnedPost(space.space, post.number, event))
        await self._pin(space, space.room, event)
        return event

    async def refused(self, wanted: tasks.PinPost, refusal: RequestRefused) -> None:
        """Tell the person who shared the post."""
        post = _post(await self._spaces.find(wanted.space), wanted.number)
        if post is not None:
            text = f"The homeserver refused to show {post.url} ({refusal.errcode})."
            told = f"refused-post:{wanted.space}:{wanted.number}"
            await self._spaces.enqueue_task(tasks.TellUser(post.by, text), told)

    async def _shown(self, room: RoomId, post: Post, key: str) -> EventId:
        """Return the message of this room that was shared, or send one with the link."""
        if post.event is not None and await self._is_here(room, post.event):
            return post.event
        return await self._bot.send(room, "m.room.message", content(post), key)

    async def _is_here(self, room: RoomId, event: EventId) -> bool:
        try:
            await self._bot.call("GET", ["rooms", room, "event", event])
        except RequestRefused as refusal:
            log.info("a shared post is not in %s: %s", room, refusal.errcode)
            return False
        return True

    async def _pin(self, space: LiveSpace, room: RoomId, fresh: EventId) -> None:
        newest = [e for p in space.posts if (e := await self._event_of(space.space, p.number))]
        numbers = range(1, space.posts_shared + 1)
        ours = {e for n in numbers if (e := await self._event_of(space.space, n))}
        card = await self._cards.event_of(space.space)
        await self._pins.arrange(room, pins.with_posts(card, ours, newest, fresh))

    async def _event_of(self, space: SpaceId, number: int) -> EventId | None:
        found = await self._notes.get(PinnedPost.key(space, number))
        return found.event if found is not None else None


def content(post: Post) -> Content:
    """Return the message that shows a post's link."""
    name = one_line(post.name)
    address = html.escape(post.url)
    rich = f'{html.escape(name)} shares: <a href="{address}">{address}</a>'
    return message(f"{name} shares: {post.url}", rich, "m.text")


def _post(space: LiveSpace | None, number: int) -> Post | None:
    found = space.posts if space is not None else ()
    return next((p for p in found if p.number == number), None)
