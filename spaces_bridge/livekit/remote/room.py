"""One room at another server's SFU: which of its tracks are taken, and whose microphones open."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.relay_attendants import ELSEWHERE
from spaces_bridge.app.relay_ports import RelayedParticipant, RelayedRoom, RoomRelays
from spaces_bridge.app.remote_ports import ForeignSfus, RemoteMember, SfuToken
from spaces_bridge.app.usecases.opening import Opening, asked_to_open
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit.limits import PARTICIPANTS_MAX
from spaces_bridge.livekit.remote.track_states import OpenedTracks, TrackState, tracks_of
from spaces_bridge.pacing.backoff import Backoff
from spaces_bridge.pacing.token_bucket import TokenBuckets

FIRST_BACKOFF: Final = Backoff(1.0, 30.0, jitter=0.3)
"""The wait before an authoriser that gave no token is asked again."""


class RemoteRoom:
    """One room at another server's SFU, for one live space. `name` is its name as a relay's.

    `allowance` is what people may open.
    """

    def __init__(
        self,
        space: SpaceId,
        room: RoomId,
        service: str,
        spaces: Spaces,
        relays: RoomRelays,
        sfus: ForeignSfus,
        used: OpenedTracks,
        device: str,
        allowance: TokenBuckets,
    ) -> None:
        """`service` is the address of its authoriser."""
        self.space = space
        self.name = name_of(service)
        self.failures = 0
        """Tries to get in, in a row, of which none has succeeded."""
        self.members: Sequence[RemoteMember] = ()
        """The devices of people with the floor who publish here."""
        self._room = room
        self._spaces = spaces
        self._relays = relays
        self._sfus = sfus
        self._used = used
        self._device = device
        self._allowance = allowance
        self._service = service
        self._first: SfuToken | None = None
        self._url = ""
        self._participants: Sequence[RelayedParticipant] = ()
        self._states: dict[str, tuple[UserId, TrackState]] = {}
        self._asking = set[asyncio.Task[None]]()

    # --- joining ------------------------------------------------------------------------------

    async def join(self) -> None:
        """Ask for the first token, again and again, and have the relays join. Raises AdapterError.

        The error says that nobody is heard from here for now; calling again tries again.
        """
        try:
            self._first = await self._sfus.token(self._service, self._room, self._device)
        except AdapterError:
            self.failures += 1
            raise
        self.failures = 0
        self._join_at(self._first.url)

    async def token(self, node: str) -> str:
        """Return a fresh token for the relay of a media worker. Raises AdapterError."""
        if not node:
            self.failures += 1
            first, self._first = self._first, None
            if first is not None:
                return first.jwt
        device = f"{self._device}-{node}" if node else self._device
        fresh = await self._sfus.token(self._service, self._room, device)
        if fresh.url != self._url:
            self._join_at(fresh.url)  # which asks again: this token is of another place
            raise AdapterError("The other server's SFU is at another address now.")
        return fresh.jwt

    def leave(self) -> None:
        """Leave the room; microphones that are open from here are closed."""
        self._close([*self._states])
        self._relays.leave_room(self.space, self.name)

    def _join_at(self, url: str) -> None:
        self._url = url
        self._relays.join_room(self.space, RelayedRoom(self.name, url, publishes=False))

    # --- what the relay sees ------------------------------------------------------------------

    def changed(self, participants: Sequence[RelayedParticipant]) -> None:
        """Take the participants as they are now."""
        self.failures = 0
        self._participants = tuple(islice(participants, PARTICIPANTS_MAX))
        self.settle()

    def lost(self) -> None:
        """Close what was open: the relay is not in the room. It opens again with the relay."""
        heard = [sid for sid, (_, state) in self._states.items() if state is not TrackState.SHUT]
        self._used.renew(heard)
        self._participants = ()
        self.settle()

    def replaced(self, sid: str) -> None:
        """A microphone on the page has taken a track's place: it is the one that is open now."""
        if sid in self._states:
            self._shut(sid)
            self._take()

    # --- settling -----------------------------------------------------------------------------

    def refresh(self, view: LiveSpace) -> None:
        """Shut what the live space has closed by itself."""
        for sid, (user, state) in [*self._states.items()]:
            if state is TrackState.OPEN and user not in view.on_air:
                self._shut(sid)
        self.settle()

    def settle(self) -> None:
        """Bring the tracks taken to what participants, members and acts say now."""
        unmuted, muted = tracks_of(self._participants, self.members)
        self._used.renew(muted)
        self._close([sid for sid in self._states if sid not in unmuted])
        for sid, user in unmuted.items():
            if sid not in self._states:
                self._appear(sid, user)
        self._take()

    def _appear(self, sid: str, user: UserId) -> None:
        if sid in self._used or not self._allowance.take(user):
            self._used.use(sid)
            self._states[sid] = user, TrackState.SHUT
            return
        for other, (owner, state) in [*self._states.items()]:
            if owner == user and state is not TrackState.SHUT:
                self._shut(other)  # the newest is the user's microphone
        self._used.use(sid)
        self._states[sid] = user, TrackState.OPENING
        self._take()  # first: what is opened is this track
        task = asyncio.create_task(self._open(sid, user), name="remote microphone")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _open(self, sid: str, user: UserId) -> None:
        came = await asked_to_open(self._spaces, self.space, user, lambda: self._is_opening(sid))
        if came is Opening.GONE:
            if not self._is_open(user):
                self._spaces.tell(self.space, cmd.CloseMicrophone(user))
        elif self._is_opening(sid):
            if came is Opening.OPEN:
                self._states[sid] = user, TrackState.OPEN
            else:
                self._shut(sid)
                self._take()

    def _is_opening(self, sid: str) -> bool:
        held = self._states.get(sid)
        return held is not None and held[1] is TrackState.OPENING

    def _is_open(self, user: UserId) -> bool:
        return any(
            owner == user and state is not TrackState.SHUT
            for owner, state in self._states.values()
        )

    def _shut(self, sid: str) -> None:
        self._states[sid] = self._states[sid][0], TrackState.SHUT

    def _close(self, sids: Sequence[str]) -> None:
        """Close what is not there any more; who had the floor needs no other act to come back."""
        view = self._spaces.view(self.space)
        for sid in sids:
            user, state = self._states.pop(sid)
            if state is TrackState.OPEN:
                if view is not None and user in view.on_air:
                    self._used.renew([sid])
                self._spaces.tell(self.space, cmd.CloseMicrophone(user))

    def _take(self) -> None:
        taken = {
            sid: user
            for sid, (user, state) in self._states.items()
            if state is not TrackState.SHUT
        }
        self._relays.take_tracks(self.space, self.name, taken)


def name_of(service: str) -> str:
    """Return the name as a relay's of the room at this SFU; no other kind of room has such."""
    return f"{ELSEWHERE}{service}"
