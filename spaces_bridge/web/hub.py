"""Everybody who follows live spaces on their pages (implements ``app.ports.Audience``)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from spaces_bridge.app.registry import is_ghost
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web import views
from spaces_bridge.web.outgoing import Outgoing, Throttle, encode
from spaces_bridge.web.views import Json, You

STAGE_INTERVAL_S = 0.1
"""Between two rosters when stage or queue change; the first change goes out at once."""

CROWD_INTERVAL_S = 1.0
"""Between two rosters when only the crowd changes."""

REACTIONS_INTERVAL_S = 0.25

CAPTION_FIELDS = ("utterance", "speaker", "name", "start_ms", "end_ms", "text", "language")


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
        """The person may not follow this private live space any more."""
        ...


class Client:
    """One connection of a page."""

    def __init__(self, you: You) -> None:
        self.you = you
        self.outgoing = Outgoing()
        self.role: Json = {}

    def send(self, frame: Json) -> None:
        """Queue a frame for this page only."""
        self.outgoing.put(encode(frame))

    def error(self, code: str, text: str) -> None:
        self.send({"type": "error", "code": code, "text": text})


class Channel:
    """All pages of one live space."""

    def __init__(self, space: LiveSpace) -> None:
        self.space = space
        self.clients: set[Client] = set()
        self.stage_roster = Throttle(STAGE_INTERVAL_S, self._send_roster)
        self.crowd_roster = Throttle(CROWD_INTERVAL_S, self.stage_roster.poke)
        self._reactions = Throttle(REACTIONS_INTERVAL_S, self._send_reactions)
        self._fresh: Counter[str] = Counter()

    def of(self, user: UserId | None) -> list[Client]:
        """The connections of one person."""
        return [c for c in self.clients if user is not None and c.you.user == user]

    def broadcast(self, frame: Json, *, fades: bool = False) -> None:
        """To all pages."""
        text = encode(frame)
        for client in self.clients:
            client.outgoing.put(text, fades=fades)

    def guests(self) -> int:
        """Guests who listen: the nameless one by one, the others once each."""
        nameless = sum(c.you.user is None for c in self.clients)
        seated = {person.user for person in self.space.stage}
        named = {c.you.user for c in self.clients if c.you.guest and c.you.user is not None}
        return nameless + len(named - seated)

    def react(self, emoji: str) -> None:
        self._fresh[emoji] += 1
        self._reactions.poke()

    def refresh_roles(self, users: set[UserId] | None) -> None:
        """Tell those whose own role, hand or microphone changed. None: look at everybody."""
        for client in self.clients:
            user = client.you.user
            if user is None or (users is not None and user not in users):
                continue
            role = views.role_view(self.space, client.you)
            if role != client.role:
                client.role = role
                client.send({"type": "role", **role})

    def stop(self) -> None:
        self.crowd_roster.stop()
        self.stage_roster.stop()
        self._reactions.stop()

    def _send_roster(self) -> None:
        guests = self.guests()
        texts: dict[bool, str] = {}
        for client in self.clients:
            names = client.you.moderates(self.space)
            if names not in texts:
                roster = views.roster_view(self.space, guests, names=names)
                texts[names] = encode({"type": "roster", **roster})
            client.outgoing.put(texts[names])

    def _send_reactions(self) -> None:
        frame: Json = {"type": "reactions", "counts": dict(self._fresh)}
        self._fresh.clear()
        self.broadcast(frame, fades=True)


class Hub:
    """The pages of all live spaces."""

    def __init__(self) -> None:
        self._channels: dict[SpaceId, Channel] = {}
        self._watchers: list[Watcher] = []
        self.about: Callable[[LiveSpace], Json] = lambda _space: {}
        """How a live space is described; the service, which knows the addresses, sets it."""

    def watch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` of comings and goings."""
        self._watchers.append(watcher)

    def join(self, space: LiveSpace, client: Client, session: str | None) -> None:
        """A page opened: it gets ``hello``, the others a new count."""
        channel = self._channels.get(space.space)
        if channel is None:
            channel = self._channels[space.space] = Channel(space)
        channel.space = space
        first = not channel.of(client.you.user)
        channel.clients.add(client)
        client.role = views.role_view(space, client.you)
        about, guests = self.about(space), channel.guests()
        client.send(views.hello_view(space, client.you, session, guests, about))
        channel.crowd_roster.poke()
        if first:
            for watcher in self._watchers:
                watcher.arrived(space.space, client.you)

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
        channel.space = space
        if not events:
            channel.crowd_roster.poke()
        for event in events:
            self._show(channel, event)
        users = {user for e in events if (user := getattr(e, "user", None)) is not None}
        everybody = any(isinstance(e, _FOR_EVERYBODY) for e in events)
        channel.refresh_roles(None if everybody else users)

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        channel = self._channels.get(space)
        if channel is not None:
            channel.broadcast({"type": "speaking", "levels": dict(levels)}, fades=True)

    def notice(self, space: SpaceId, text: str) -> None:
        channel = self._channels.get(space)
        if channel is not None:
            channel.broadcast({"type": "notice", "text": text})

    def guests(self, space: SpaceId) -> int:
        """Guests on the page right now, besides those on the stage."""
        channel = self._channels.get(space)
        return channel.guests() if channel is not None else 0

    # --- what events look like ----------------------------------------------------------------

    def _show(self, channel: Channel, event: ev.Event) -> None:
        if isinstance(event, ev.UtteranceCaptioned):
            channel.broadcast({"type": "caption", **_caption(channel.space, event)})
        elif isinstance(event, ev.Reacted):
            channel.react(event.emoji)
        elif isinstance(event, ev.SpaceStarted | ev.SpaceEnded | ev.RoomAttached):
            channel.broadcast({"type": "space", "space": self.about(channel.space)})
            channel.stage_roster.poke()
        elif isinstance(event, ev.PersonJoined | ev.PersonLeft):
            self._show_member(channel, event)
        elif isinstance(event, ev.SpeakerDenied):
            self._tell(channel, event.user, "The host said: not now. You can ask again later.")
            channel.stage_roster.poke()
        elif not isinstance(event, ev.PersonInvited):
            channel.stage_roster.poke()

    @staticmethod
    def _show_member(channel: Channel, event: ev.PersonJoined | ev.PersonLeft) -> None:
        # a listener who comes or goes changes a count; others change what the stage looks like
        seated = channel.space.role(event.user).may_speak
        (channel.stage_roster if seated else channel.crowd_roster).poke()

    @staticmethod
    def _tell(channel: Channel, user: UserId, text: str) -> None:
        for client in channel.of(user):
            client.send({"type": "notice", "text": text})

    def _send_away(self, space: LiveSpace, events: Sequence[ev.Event]) -> None:
        for event in events:
            if not isinstance(event, ev.PersonLeft) or event.user == space.host:
                continue
            # a guest's ghost comes and goes with the floor; its page is its own
            if not (space.person(event.user).guest or is_ghost(event.user)):
                for watcher in self._watchers:
                    watcher.left(space.space, event.user)
            if space.private:
                self._remove(space.space, event.user)

    def _remove(self, space: SpaceId, user: UserId) -> None:
        for watcher in self._watchers:
            watcher.removed(space, user)
        channel = self._channels.get(space)
        for client in channel.of(user) if channel is not None else ():
            client.error("removed", "You are not in this private live space any more.")
            client.outgoing.close(4403, "removed")


_FOR_EVERYBODY = ev.SpaceStarted | ev.SpaceEnded | ev.QueueCleared | ev.HostChanged


def _caption(space: LiveSpace, event: ev.UtteranceCaptioned) -> Json:
    for line in reversed(space.caption_lines):
        if line.utterance == event.utterance:
            return views.caption_view(space, line)
    raise AssertionError("a caption that has just been said is among the last ones")
