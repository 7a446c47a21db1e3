"""A channel: all pages of one live space, and the frames they are sent."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from spaces_bridge.app.ports import Draft
from spaces_bridge.core.ids import UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence
from spaces_bridge.web import views
from spaces_bridge.web.access.page_access import belongs
from spaces_bridge.web.feed.outgoing import Outgoing, Throttle, encode
from spaces_bridge.web.frames.server import (
    CaptionFrame,
    DraftFrame,
    ReactionsFrame,
    RoleFrame,
    RosterFrame,
    ServerFrame,
)
from spaces_bridge.web.frames.views import RoleView, SpaceView
from spaces_bridge.web.views import You

STAGE_INTERVAL_S = 0.1
"""Seconds between two rosters when stage or queue change; the first change goes out at once."""

CROWD_INTERVAL_S = 1.0
"""Seconds between two rosters when only the number of listeners changes."""

REACTIONS_INTERVAL_S = 0.25


class Client:
    """A client: one connection of a page."""

    def __init__(self, you: You, outgoing: Outgoing) -> None:
        self.you = you
        self.outgoing = outgoing
        self.role: RoleView | None = None
        self.sees_gaps = False

    def send(self, frame: ServerFrame) -> None:
        """Queue a frame for this page only."""
        self.outgoing.put(encode(frame))

    def error(self, said: Sentence) -> None:
        """Queue an `error` frame for this page."""
        self.send(views.error_view(said))

    def notice(self, said: Sentence) -> None:
        """Queue a `notice` frame for this page."""
        self.send(views.notice_view(said))

    def send_away(self, said: Sentence) -> None:
        """Send the reason, then close: this person may not be here any more."""
        self.error(said)
        self.outgoing.close(4403, said.code)


class Channel:
    """The channel of one live space: sends to all its pages."""

    def __init__(self, space: LiveSpace, about: SpaceView) -> None:
        self.space = space
        self.about = about
        """The view of the live space that was sent last."""
        self.clients: set[Client] = set()
        self.stage_roster = Throttle(STAGE_INTERVAL_S, self._send_roster)
        self.crowd_roster = Throttle(CROWD_INTERVAL_S, self.stage_roster.poke)
        self._reactions = Throttle(REACTIONS_INTERVAL_S, self._send_reactions)
        self._fresh: Counter[str] = Counter()
        self._drafts: dict[UtteranceId, Draft] = {}
        """Draft captions that pages show: neither final nor taken back yet."""

    def of(self, user: UserId | None) -> list[Client]:
        """Return the connections of one person."""
        return [c for c in self.clients if user is not None and c.you.user == user]

    def broadcast(self, frame: ServerFrame, *, fades: bool = False) -> None:
        """Send a frame to all pages; a fading one is left out where a page is slow."""
        text = encode(frame)
        for client in self.clients:
            client.outgoing.put(text, fades=fades)

    def guests(self) -> int:
        """Count listeners who are not in the room: nameless pages, and each named person once."""
        nameless = sum(c.you.user is None for c in self.clients)
        seated = {person.user for person in self.space.stage}
        users = {c.you.user: c.you.guest for c in self.clients if c.you.user is not None}
        named = {user for user, guest in users.items() if guest or not belongs(self.space, user)}
        return nameless + len(named - seated)

    def react(self, counts: Mapping[str, int]) -> None:
        """Count reactions, which go out together at most once per interval."""
        self._fresh.update(counts)
        self._reactions.poke()

    def gaps(self, missing: Mapping[UserId, int]) -> None:
        """Tell who moderates of all who are heard with gaps, and each speaker of themselves.

        Who was told of any is told when there are none any more.
        """
        for client in self.clients:
            sees_all = client.you.moderates(self.space)
            seen = {u: n for u, n in missing.items() if sees_all or u == client.you.user}
            if seen or client.sees_gaps:
                client.send({"type": "gaps", "missing": seen})
            client.sees_gaps = bool(seen)

    def draft(self, draft: Draft) -> None:
        """Send a draft caption; one without text is taken from every page that shows it."""
        if draft.text:
            self._drafts[draft.utterance] = draft
            self.broadcast(self._draft_frame(draft), fades=True)
        elif (shown := self._drafts.pop(draft.utterance, None)) is not None:
            gone = replace(shown, text="", committed=0)
            # not fading: nothing else would take the draft away
            self.broadcast(self._draft_frame(gone))

    def _draft_frame(self, draft: Draft) -> DraftFrame:
        return {"type": "caption", **views.draft_view(self.space, draft)}

    def caption(self, utterance: UtteranceId, frame: CaptionFrame) -> None:
        """Send a final caption, which takes the place of the utterance's draft."""
        self._drafts.pop(utterance, None)
        self.broadcast(frame)

    def silence_drafts(self) -> None:
        """Take back the drafts of people who may not be heard any more."""
        for draft in list(self._drafts.values()):
            if not self.space.is_drafted(draft.speaker):
                self.draft(replace(draft, text=""))

    def describe(self, about: SpaceView) -> None:
        """Send the live space's own view to all pages, if it has changed."""
        if about != self.about:
            self.about = about
            self.broadcast({"type": "space", "space": about})
            self.stage_roster.poke()

    def refresh_roles(self, users: set[UserId] | None) -> None:
        """Send `role` to those of `users` whose own view changed; None looks at everybody."""
        places = views.places(self.space)
        for client in self.clients:
            user = client.you.user
            if user is None or (users is not None and user not in users):
                continue
            role = views.role_view(self.space, client.you, places)
            if role != client.role:
                client.role = role
                frame: RoleFrame = {"type": "role", **role}
                client.send(frame)

    def stop(self) -> None:
        """Cancel all frames that wait for their interval."""
        self.crowd_roster.stop()
        self.stage_roster.stop()
        self._reactions.stop()

    def _send_roster(self) -> None:
        guests = self.guests()
        texts: dict[bool, bytes] = {}
        for client in self.clients:
            names = client.you.moderates(self.space)
            if names not in texts:
                roster = views.roster_view(self.space, guests, self.about, names=names)
                frame: RosterFrame = {"type": "roster", **roster}
                texts[names] = encode(frame)
            client.outgoing.put(texts[names])
        # people who wait may have moved up because of somebody else
        self.refresh_roles({hand.user for hand in self.space.hands})

    def _send_reactions(self) -> None:
        frame: ReactionsFrame = {"type": "reactions", "counts": dict(self._fresh)}
        self._fresh.clear()
        self.broadcast(frame, fades=True)
