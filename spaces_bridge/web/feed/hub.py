"""The hub of all open pages (implements `app.ports.Audience`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, assert_never

from spaces_bridge.app.chat import ChatLine, ChatNews
from spaces_bridge.app.policies import consequences, consequences_of
from spaces_bridge.app.ports import Draft
from spaces_bridge.core.events import Event
from spaces_bridge.core.floor import QueueOrder
from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence
from spaces_bridge.web import views
from spaces_bridge.web.access.page_access import belongs, guests_off, not_a_member, removed
from spaces_bridge.web.feed import chat_view
from spaces_bridge.web.feed.channel import Channel, Client
from spaces_bridge.web.frames.server import CaptionFrame, HelloFrame, PostFrame
from spaces_bridge.web.frames.views import OpeningView, SpaceView
from spaces_bridge.web.views import You


class Watcher(Protocol):
    """A watcher is told of comings and goings on the pages."""

    def arrived(self, space: SpaceId, you: You) -> None:
        """A person has opened their first connection."""
        ...

    def gone(self, space: SpaceId, you: You) -> None:
        """A person has closed their last connection."""
        ...

    def left(self, space: SpaceId, user: UserId) -> None:
        """A person with an account (not the host) has left the live space's room."""
        ...

    def removed(self, space: SpaceId, user: UserId) -> None:
        """The person, guest or not, may not follow this live space any more."""
        ...


class Hub:
    """The hub: knows the pages of all live spaces, and sends them what happens."""

    def __init__(self) -> None:
        self._channels: dict[SpaceId, Channel] = {}
        self._watchers: list[Watcher] = []
        self.about: Callable[[LiveSpace], SpaceView] = _undescribed
        """Returns a live space's view; set by the web service, which knows the addresses."""
        self.chat_lines: Callable[[SpaceId], Sequence[ChatLine]] = lambda _space: ()
        """Returns the last lines of a live space's chat; set by the web service."""
        self.guest_chat = False
        """True if this server lets guests write in the chat; set by the web service."""
        self.new_host: Callable[[LiveSpace], None] = lambda _space: None
        """Called when somebody else hosts, whose lists count from now on."""

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of comings and goings."""
        self._watchers.append(watcher)

    # --- pages --------------------------------------------------------------------------------

    def join(self, space: LiveSpace, client: Client, session: str | None) -> None:
        """Add an opened page: it gets `hello`, the others a new count."""
        about = self.about(space)
        channel = self._channels.get(space.space)
        if channel is None:
            channel = self._channels[space.space] = Channel(space, about)
        channel.space = space
        first = not channel.of(client.you.user)
        channel.clients.add(client)
        client.role = views.role_view(space, client.you, views.places(space))
        opening = views.hello_view(space, client.you, session, channel.guests(), about)
        client.send(self._hello(space, client.you, opening))
        channel.crowd_roster.poke()
        if first:
            for watcher in self._watchers:
                watcher.arrived(space.space, client.you)

    def _hello(self, space: LiveSpace, you: You, opening: OpeningView) -> HelloFrame:
        return {
            "type": "hello",
            **opening,
            "guest_chat": self.guest_chat,
            "chat_lines": chat_view.lines_view(space, you, self.chat_lines(space.space)),
        }

    def leave(self, space: SpaceId, client: Client) -> None:
        """Drop a closed page, and tell the watchers if it was the person's last one."""
        channel = self._channels.get(space)
        if channel is None or client not in channel.clients:
            return
        channel.clients.discard(client)
        channel.crowd_roster.poke()
        if not channel.of(client.you.user):
            for watcher in self._watchers:
                watcher.gone(space, client.you)
        if not channel.clients:
            channel.stop()
            del self._channels[space]

    def connections(self) -> int:
        """Return the number of open pages."""
        return sum(len(channel.clients) for channel in self._channels.values())

    def present(self, space: SpaceId) -> list[You]:
        """Return who follows the live space, one entry for each page."""
        channel = self._channels.get(space)
        return [client.you for client in channel.clients] if channel is not None else []

    def show_out(self, space: SpaceId, user: UserId, said: Sentence) -> None:
        """End all that this person has open in this live space, and say why."""
        for watcher in self._watchers:
            watcher.removed(space, user)
        channel = self._channels.get(space)
        for client in channel.of(user) if channel is not None else ():
            client.send_away(said)

    def stop(self) -> None:
        """Close every connection with the reason `restart`; pages come back by themselves."""
        for channel in self._channels.values():
            for client in channel.clients:
                client.outgoing.close(1001, "restart")
            channel.stop()

    # --- Audience -----------------------------------------------------------------------------

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """Send the pages what has just happened; `space` is the live space as it is now."""
        rows = [consequences_of(event) for event in events]
        for row in rows:
            self._change_access(space, row.access)
        channel = self._channels.get(space.space)
        if channel is None:
            return
        before, channel.space = channel.space, space
        if not rows:
            channel.crowd_roster.poke()
            return
        for row in rows:
            for to, said in row.notices(before, space):
                self.notice(space.space, said, to)
            _show(channel, row.pages)
        channel.silence_drafts()
        channel.describe(self.about(space))
        _refresh_roles(channel, [row.rights_of for row in rows])

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        channel = self._channels.get(space)
        if channel is not None:
            channel.broadcast({"type": "speaking", "levels": dict(levels)}, fades=True)

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        """Tell hosts of everybody who is heard with gaps, and speakers of themselves."""
        channel = self._channels.get(space)
        if channel is not None:
            channel.gaps(missing)

    def draft(self, space: SpaceId, draft: Draft) -> None:
        channel = self._channels.get(space)
        if channel is not None:
            channel.draft(draft)

    def notice(self, space: SpaceId, said: Sentence, to: UserId | None = None) -> None:
        channel = self._channels.get(space)
        if channel is None:
            return
        if to is None:
            channel.broadcast(views.notice_view(said))
        for client in channel.of(to):
            client.notice(said)

    def chatted(self, space: SpaceId, news: ChatNews) -> None:
        channel = self._channels.get(space)
        if channel is not None:
            chat_view.show(channel, news)

    def guests(self, space: SpaceId) -> int:
        """Return the number of guests on the page right now, besides those on the stage."""
        channel = self._channels.get(space)
        return channel.guests() if channel is not None else 0

    # --- access taken away --------------------------------------------------------------------

    def _change_access(self, space: LiveSpace, change: consequences.AccessChange) -> None:
        match change:
            case consequences.AccessKept():
                pass
            case consequences.RoomLeft(user):
                self._left(space, user)
            case consequences.AccessRevoked(user):
                self.show_out(space.space, user, removed(space, user).said)
            case consequences.GuestsExcluded():
                self._send_guests_away(space)
            case consequences.BlockListChanged():
                self.new_host(space)
            case _:
                assert_never(change)

    def _left(self, space: LiveSpace, user: UserId) -> None:
        if user == space.host:
            return
        # a guest's ghost joins and leaves the room with the floor; the page stays open
        if not space.person(user).guest:
            for watcher in self._watchers:
                watcher.left(space.space, user)
        if space.private:
            self.show_out(space.space, user, not_a_member().said)

    def _send_guests_away(self, space: LiveSpace) -> None:
        channel = self._channels.get(space.space)
        for client in channel.clients if channel is not None else ():
            user = client.you.user
            if not client.you.guest and user is not None:
                if belongs(space, user):
                    continue
                for watcher in self._watchers:  # an account that never joined the room
                    watcher.removed(space.space, user)
            client.send_away(guests_off().said)


def _show(channel: Channel, change: consequences.PageChange) -> None:
    match change:
        case consequences.Unseen():
            pass
        case consequences.StageChanged():
            channel.stage_roster.poke()
        case consequences.PersonMoved(user):
            # a listener who comes or goes changes a count; others change the stage
            seated = channel.space.role(user).may_speak
            (channel.stage_roster if seated else channel.crowd_roster).poke()
        case consequences.CaptionAdded(utterance):
            channel.caption(utterance, _caption(channel.space, utterance))
            if channel.space.queue_order is QueueOrder.AIRTIME and channel.space.hands:
                channel.stage_roster.poke()
        case consequences.ReactionsAdded(counts):
            channel.react(counts)
        case consequences.PostAdded(number):
            channel.broadcast(_post(channel.space, number))
        case _:
            assert_never(change)


def _undescribed(_space: LiveSpace) -> SpaceView:
    raise AssertionError("no page is open before the service has said how to describe")


def _refresh_roles(channel: Channel, concerned: Sequence[consequences.Concerned]) -> None:
    users = set[UserId]()
    for people in concerned:
        if people is consequences.Everybody.EVERYBODY:
            channel.refresh_roles(None)
            return
        users.update(people)
    channel.refresh_roles(users)


def _caption(space: LiveSpace, utterance: UtteranceId) -> CaptionFrame:
    for line in reversed(space.caption_lines):
        if line.utterance == utterance:
            return {"type": "caption", **views.caption_view(space, line)}
    raise AssertionError("a caption that has just been said is among the last ones")


def _post(space: LiveSpace, number: int) -> PostFrame:
    for post in space.posts:
        if post.number == number:
            return {"type": "post", **views.post_view(post)}
    raise AssertionError("a post that has just been shared is among the last ones")
