"""The room of one live space at a LiveKit server: what is seen there, and what becomes of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spaces_bridge.app.call_ports import CallMembers
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.relay_attendants import OWN_ROOM
from spaces_bridge.app.relay_ports import RelayedParticipant, RelayedRoom, RoomRelays, RoomText
from spaces_bridge.app.usecases.calls import CallPermit, Calls
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.livekit.captions import Captions
from spaces_bridge.livekit.engine.credentials import Credentials
from spaces_bridge.livekit.engine.issuing import bot_identity
from spaces_bridge.livekit.engine.microphones import EngineMicrophones, PublishedTrack
from spaces_bridge.livekit.engine.operations import (
    DeleteRoom,
    OpenRoom,
    Operation,
    Operations,
    Permit,
    Remove,
    RoomControl,
)
from spaces_bridge.livekit.engine.own_voices import OwnVoices
from spaces_bridge.livekit.limits import DEVICES_MAX
from spaces_bridge.livekit.names import device_of
from spaces_bridge.livekit.relevant_changes import RelevantChanges
from spaces_bridge.livekit.transcriptions import CallVoice


@dataclass(frozen=True, slots=True)
class RoomNeeds:
    """What the rooms at LiveKit need of the rest.

    `url` is the WebSocket address at which relays join; `members` is told which devices come and
    go, if there is anybody to be told.
    """

    spaces: Spaces
    calls: Calls
    control: RoomControl
    relays: RoomRelays
    credentials: Credentials
    bot: UserId
    url: str
    members: CallMembers | None = None


class EngineRoom:
    """The room of one live space. All happens on one event loop, and nothing here waits."""

    def __init__(self, space: SpaceId, name: str, needs: RoomNeeds) -> None:
        """`name` is LiveKit's name of the room."""
        self.space, self.name = space, name
        self._needs = needs
        self._operations = Operations(needs.control, name)
        self._microphones = EngineMicrophones(needs.spaces, space, self._review)
        self.captions = Captions(self._say, self._voice_of)
        self._seen = RelevantChanges()
        self._own_voices = OwnVoices(needs.bot)
        self._relayed: Mapping[str, RelayedParticipant] | None = None
        """What the home relay sees; None while it is not there."""
        self._listed: Mapping[str, RelayedParticipant] = {}
        """What LiveKit said when it was asked last."""
        self._holders: dict[str, UserId] = {}
        """Who is there, by the identity, in the order in which they came."""
        self._taken: Mapping[str, UserId] = {}
        self.is_over = False

    # --- the life of the room -----------------------------------------------------------------

    def begin(self) -> None:
        """Make the room, and have our relays join it."""
        self._review()
        self._join()

    def moved(self) -> None:
        """Have our relays join anew: LiveKit has the room at another node now."""
        if self.is_over:
            return
        self._needs.relays.leave_room(self.space, OWN_ROOM)
        self.relay_lost()
        self._taken = {}
        self._join()

    def _join(self) -> None:
        room = RelayedRoom(OWN_ROOM, self._needs.url, publishes=True)
        self._needs.relays.join_room(self.space, room)

    def end(self) -> None:
        """End the room for all: the live space is over. To be repeated: tokens outlive it."""
        if not self.is_over:
            self.is_over = True
            self._microphones.stop()
            self._needs.relays.leave_room(self.space, OWN_ROOM)
            self._note_holders({})
        self._operations.want([DeleteRoom()])

    def stop(self) -> None:
        """Do nothing any more; who is in the room stays in it."""
        self._operations.stop()
        self._microphones.stop()

    # --- what is seen -------------------------------------------------------------------------

    def relayed(self, participants: Sequence[RelayedParticipant]) -> None:
        """Take what the home relay sees: it is newer than what LiveKit lists."""
        before, self._relayed = self._relayed, {p.identity: p for p in participants}
        # the list is older: it tells nothing of who was seen and is no more
        gone = before.keys() - self._relayed.keys() if before is not None else self._listed.keys()
        self._listed = {i: each for i, each in self._listed.items() if i not in gone}
        self._review()

    def relay_lost(self) -> None:
        """Go by what LiveKit lists until the home relay is back."""
        if self._relayed is not None:
            self._listed, self._relayed = self._relayed, None

    def listed(self, participants: Sequence[RelayedParticipant]) -> None:
        """Take what LiveKit lists: of who is there without being seen, it is all that tells."""
        self._listed = {each.identity: each for each in participants}
        self._review()

    def replaced(self, sid: str) -> None:
        """Take note that a microphone on the page has taken the place of a track."""
        self._microphones.replaced(sid)

    def changed(self, view: LiveSpace) -> None:
        """Bring the room to what the live space is now."""
        if self._seen.is_news(view):
            self._review()

    def has(self, identity: str) -> bool:
        """Return whether somebody the bridge has let in is there with this identity."""
        return identity in self._holders

    # --- what is to become of it --------------------------------------------------------------

    def _review(self) -> None:
        view = self._needs.spaces.view(self.space)
        if self.is_over or view is None or view.phase is not Phase.LIVE:
            return
        everybody, bot = self._everybody(), self._needs.bot
        holders = {each.identity: self._holder(each) for each in everybody}
        self._note_holders({i: u for i, u in holders.items() if u is not None and u != bot})
        # servers may have been told to open no room by themselves
        operations: list[Operation] = [] if everybody else [OpenRoom()]
        tracks: list[PublishedTrack] = []
        for each in everybody:
            holder = holders[each.identity]
            if holder == bot:
                continue
            permit = self._permit(each.identity, holder)
            if permit is None:
                operations.append(Remove(each.identity, each.sid))
                continue
            if permit.may_publish != each.may_publish:
                operations.append(Permit(each.identity, permit.may_publish, each.sid))
            if each.identity in self._known:
                tracks += _tracks(each, permit)
        self._microphones.update(tracks, view)
        self._take(view)
        operations += self._own_voices.operations(everybody, holders)
        self._operations.want([*operations, *self._microphones.mutes])

    @property
    def _known(self) -> Mapping[str, RelayedParticipant]:
        """The participants whose tracks are told truly: LiveKit lists them late."""
        return self._relayed if self._relayed is not None else self._listed

    def _everybody(self) -> list[RelayedParticipant]:
        unseen = [each for i, each in self._listed.items() if i not in self._known]
        return [*self._known.values(), *unseen]

    def _holder(self, participant: RelayedParticipant) -> UserId | None:
        return self._needs.credentials.holder(
            self.space, participant.identity, participant.attributes
        )

    def _permit(self, identity: str, holder: UserId | None) -> CallPermit | None:
        """Return what the participant may do; None: it may not be there."""
        if holder is None or self._has_too_many(identity, holder):
            return None
        try:
            return self._needs.calls.permit(self.space, holder)
        except Rejected:
            return None

    def _has_too_many(self, identity: str, holder: UserId) -> bool:
        own = [other for other, user in self._holders.items() if user == holder]
        return identity in own[DEVICES_MAX:]

    def _take(self, view: LiveSpace) -> None:
        """Have the workers take who is heard: people here, and elsewhere than at home the page."""
        taken = {**self._of_bot(view), **self._microphones.taken}
        if taken != self._taken:
            self._taken = taken
            self._needs.relays.take_tracks(self.space, OWN_ROOM, taken)

    def _of_bot(self, view: LiveSpace) -> Mapping[str, UserId]:
        """Return the tracks of people on the page: the home relay names each by its speaker."""
        here = view.on_air - set(self._microphones.taken.values())
        return {sid: user for sid, user in self._page_tracks().items() if user in here}

    def _page_tracks(self) -> Mapping[str, UserId]:
        """Return the tracks that the bot publishes, and whom it names as their speakers."""
        return {
            track.sid: UserId(track.name)
            for each in self._known.values()
            if self._holder(each) == self._needs.bot
            for track in each.tracks
        }

    def _say(self, text: RoomText, *, fades: bool) -> None:  # the relay decides who is behind
        self._needs.relays.send_text(self.space, OWN_ROOM, text)

    def _voice_of(self, speaker: UserId) -> CallVoice:
        """Return as which participant a speaker is heard in the call (as `call_streams.voice_of`).

        Captions come late: who has muted the track, or ended it, is still the one who spoke.
        """
        bot = bot_identity(self._needs.bot)
        of_page = [sid for sid, user in self._page_tracks().items() if user == speaker]
        own = self._microphones.track_of(speaker)
        if of_page and (own is None or of_page[0] in self._taken):
            return CallVoice(bot, of_page[0])
        if own is not None:
            return CallVoice(own.identity, own.sid)
        return CallVoice(next((i for i, user in self._holders.items() if user == speaker), bot))

    # --- who comes and goes -------------------------------------------------------------------

    def _note_holders(self, holders: Mapping[str, UserId]) -> None:
        before = self._holders
        stayed = {i: user for i, user in before.items() if holders.get(i) == user}
        self._holders = {**stayed, **holders}
        members = self._needs.members
        if members is None:
            return
        for user, device in _devices(before, holders):
            members.gone(self.space, user, device)
        for user, device in _devices(holders, before):
            members.connected(self.space, user, device)


def _devices(
    there: Mapping[str, UserId], not_there: Mapping[str, UserId]
) -> Iterable[tuple[UserId, str]]:
    """Yield the devices whose identities are in the one and not in the other."""
    for identity, user in there.items():
        device = device_of(identity, user)
        if identity not in not_there and device:
            yield user, device


def _tracks(participant: RelayedParticipant, permit: CallPermit) -> Iterable[PublishedTrack]:
    for track in participant.tracks:
        yield PublishedTrack(
            track.sid, participant.identity, permit.user, track.is_muted, permit.may_publish
        )
