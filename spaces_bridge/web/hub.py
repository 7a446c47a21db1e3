"""Everybody who follows live spaces on their pages (implements ``app.ports.Audience``)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from spaces_bridge.app.chat import ChatLine, ChatNews
from spaces_bridge.app.ports import Draft
from spaces_bridge.core import events as ev
from spaces_bridge.core.door import GuestPolicy
from spaces_bridge.core.floor import QueueOrder
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence
from spaces_bridge.web import chat_view, told, views
from spaces_bridge.web.channel import Channel, Client
from spaces_bridge.web.door import belongs, guests_off, not_a_member, removed
from spaces_bridge.web.frames.server import CaptionFrame, HelloFrame, PostFrame
from spaces_bridge.web.frames.views import OpeningView, SpaceView
from spaces_bridge.web.views import You


class Watcher(Protocol):
    """Who wants to know of comings and goings on the pages."""

    def arrived(self, space: SpaceId, you: You) -> None:
        """A person's first connection."""
        ...

    def gone(self, space: SpaceId, you: You) -> None:
        """A person's last connection is closed."""
        ...

    def left(self, space: SpaceId, user: UserId) -> None:
        """A person with an account (not the host) left the live space's room."""
        ...

    def removed(self, space: SpaceId, user: UserId) -> None:
        """The person, guest or not, may not follow this live space any more."""
        ...


class Hub:
    """The pages of all live spaces."""

    def __init__(self) -> None:
        self._channels: dict[SpaceId, Channel] = {}
        self._watchers: list[Watcher] = []
        self.about: Callable[[LiveSpace], SpaceView] = _undescribed
        """How a live space is described; the service, which knows the addresses, sets it."""
        self.chat_lines: Callable[[SpaceId], Sequence[ChatLine]] = lambda _space: ()
        """The last lines of a live space's chat; the service sets it, and the next one."""
        self.guest_chat = False
        """Whether this server lets guests write."""
        self.new_host: Callable[[LiveSpace], None] = lambda _space: None
        """Told when somebody else hosts, whose lists count from now on."""

    def watch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` of comings and goings."""
        self._watchers.append(watcher)

    # --- pages --------------------------------------------------------------------------------

    def join(self, space: LiveSpace, client: Client, session: str | None) -> None:
        """A page opened: it gets ``hello``, the others a new count."""
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
        """A page closed."""
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
        """Pages that are open."""
        return sum(len(channel.clients) for channel in self._channels.values())

    def present(self, space: SpaceId) -> list[You]:
        """Who follows the live space: one entry for each page."""
        channel = self._channels.get(space)
        return [client.you for client in channel.clients] if channel is not None else []

    def show_out(self, space: SpaceId, user: UserId, said: Sentence) -> None:
        """End all that this person has open here, and say why."""
        for watcher in self._watchers:
            watcher.removed(space, user)
        channel = self._channels.get(space)
        for client in channel.of(user) if channel is not None else ():
            client.send_away(said)

    def stop(self) -> None:
        """Tell every page that the server goes away; they come back by themselves."""
        for channel in self._channels.values():
            for client in channel.clients:
                client.outgoing.close(1001, "restart")
            channel.stop()

    # --- Audience -----------------------------------------------------------------------------

    def changed(self, space: LiveSpace, events: Sequence[ev.Event]) -> None:
        """The live space as it is now, and what has just happened."""
        self._send_away(space, events)
        channel = self._channels.get(space.space)
        if channel is None:
            return
        before, channel.space = channel.space, space
        if not events:
            channel.crowd_roster.poke()
            return
        for event in events:
            self._show(channel, before, event)
        channel.silence_drafts()
        channel.describe(self.about(space))
        users = {user for e in events if (user := getattr(e, "user", None)) is not None}
        for_all = any(isinstance(e, _FOR_EVERYBODY) for e in events)
        channel.refresh_roles(None if for_all else users)

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        channel = self._channels.get(space)
        if channel is not None:
            channel.broadcast({"type": "speaking", "levels": dict(levels)}, fades=True)

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
        """Guests on the page right now, besides those on the stage."""
        channel = self._channels.get(space)
        return channel.guests() if channel is not None else 0

    # --- what events look like ----------------------------------------------------------------

    def _show(self, channel: Channel, before: LiveSpace, event: ev.Event) -> None:
        _say(channel, before, event)
        if isinstance(event, ev.UtteranceCaptioned):
            channel.caption(event.utterance, _caption(channel.space, event))
            if channel.space.queue_order is QueueOrder.AIRTIME and channel.space.hands:
                channel.stage_roster.poke()
        elif isinstance(event, ev.Reacted):
            channel.react({event.emoji: 1})
        elif isinstance(event, ev.ReactionsCounted):
            channel.react(event.counts)
        elif isinstance(event, ev.PostShared):
            channel.broadcast(_post(channel.space, event))
        elif isinstance(event, ev.PersonJoined | ev.PersonLeft):
            # a listener who comes or goes changes a count; others what the stage looks like
            seated = channel.space.role(event.user).may_speak
            (channel.stage_roster if seated else channel.crowd_roster).poke()
        elif not isinstance(event, _UNSEEN):
            channel.stage_roster.poke()

    # --- who may not be here any more ---------------------------------------------------------

    def _send_away(self, space: LiveSpace, events: Sequence[ev.Event]) -> None:
        for event in events:
            match event:
                case ev.PersonLeft(user):
                    self._left(space, user)
                case ev.PersonRemoved(user):
                    self.show_out(space.space, user, removed(space, user).said)
                case ev.GuestsLimited(GuestPolicy.OFF):
                    self._send_guests_away(space)
                case ev.HostChanged():
                    self.new_host(space)
                case _:
                    pass

    def _left(self, space: LiveSpace, user: UserId) -> None:
        if user == space.host:
            return
        # a guest's ghost comes and goes with the floor; its page is its own
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


_FOR_EVERYBODY = (
    ev.SpaceStarted
    | ev.SpaceEnded
    | ev.QueueCleared
    | ev.HostChanged
    | ev.ChatSwitched
    | ev.SpaceLocked
    | ev.SpaceUnlocked
    | ev.GuestsLimited
)
_UNSEEN = (
    ev.PersonInvited
    | ev.ReminderWanted
    | ev.ReminderDropped
    | ev.ReminderDue
    | ev.RemovalInForce
    | ev.HostLeftPage
    | ev.FloorDoubted
    | ev.FloorLookedInto
)


def _undescribed(_space: LiveSpace) -> SpaceView:
    raise AssertionError("no page is open before the service has said how to describe")


def _say(channel: Channel, before: LiveSpace, event: ev.Event) -> None:
    for_all = told.everybody(channel.space, event)
    if for_all is not None:
        channel.broadcast(views.notice_view(for_all))
    for user, said in told.somebody(before, channel.space, event):
        for client in channel.of(user):
            client.notice(said)


def _caption(space: LiveSpace, event: ev.UtteranceCaptioned) -> CaptionFrame:
    for line in reversed(space.caption_lines):
        if line.utterance == event.utterance:
            return {"type": "caption", **views.caption_view(space, line)}
    raise AssertionError("a caption that has just been said is among the last ones")


def _post(space: LiveSpace, event: ev.PostShared) -> PostFrame:
    for post in space.posts:
        if post.number == event.number:
            return {"type": "post", **views.post_view(post)}
    raise AssertionError("a post that has just been shared is among the last ones")
