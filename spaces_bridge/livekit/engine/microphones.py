"""The microphones that people publish in a LiveKit room: whose is open, and which is to be muted.

The owner's own act opens one: a track that appears unmuted, or is unmuted. The live space decides;
what it refuses, and what it closes, is muted at the server. Who may not publish is not muted, but
loses the track (`operations.Permit`): that is the room's.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.opening import Opening, asked_to_open
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit.engine.operations import Mute
from spaces_bridge.livekit.limits import OPENINGS_BURST, OPENINGS_PER_S
from spaces_bridge.pacing.token_bucket import TokenBuckets


class _State(Enum):
    SHUT = auto()
    """Muted by its owner, or by us: unmuting opens it."""
    OPENING = auto()
    OPEN = auto()
    BARRED = auto()
    """Not to be heard, though it is not muted at the server yet."""


@dataclass(frozen=True, slots=True)
class PublishedTrack:
    """A microphone track as a room has it now. `may_publish`: its owner has the floor."""

    sid: str
    identity: str
    user: UserId
    is_muted: bool
    may_publish: bool


@dataclass(slots=True)
class _Microphone:
    track: PublishedTrack
    state: _State = _State.SHUT
    opened: int = 0
    """Numbers the openings."""

    @property
    def is_heard(self) -> bool:
        """True from the moment at which its owner opens it."""
        return self.state in {_State.OPENING, _State.OPEN}


class EngineMicrophones:
    """The microphones in one live space's room at LiveKit."""

    def __init__(self, spaces: Spaces, space: SpaceId, changed: Callable[[], None]) -> None:
        """`changed` is called when `taken` or `mutes` may be others, other than by `update`."""
        self._spaces = spaces
        self._space = space
        self._changed = changed
        self._microphones: dict[str, _Microphone] = {}
        self._numbers = itertools.count(1)
        self._opening: set[asyncio.Task[None]] = set()
        self._allowance = TokenBuckets(OPENINGS_BURST, OPENINGS_PER_S)

    def update(self, tracks: Iterable[PublishedTrack], view: LiveSpace) -> None:
        """Take the tracks as they are now, all of them, and what the live space has decided."""
        now = {track.sid: track for track in tracks}
        for sid in self._microphones.keys() - now.keys():
            self._close(self._microphones.pop(sid))
        for sid, track in now.items():
            microphone = self._microphones.setdefault(sid, _Microphone(track))
            microphone.track = track
            self._step(microphone, view)

    def replaced(self, sid: str) -> None:
        """Take note that a microphone on the page has taken the place of this track."""
        microphone = self._microphones.get(sid)
        if microphone is not None and microphone.state is _State.OPEN:
            microphone.state = _State.BARRED
            self._changed()

    def stop(self) -> None:
        """Do nothing any more."""
        for task in self._opening:
            task.cancel()

    @property
    def taken(self) -> Mapping[str, UserId]:
        """The tracks that are to be heard, one of each person: the one that opened last."""
        return {m.track.sid: m.track.user for m in self._by_user().values()}

    def track_of(self, user: UserId) -> PublishedTrack | None:
        """Return the person's track that opened last, muted or not; None: they have none."""
        own = [m for m in self._microphones.values() if m.track.user == user]
        return max(own, key=lambda m: m.opened).track if own else None

    @property
    def mutes(self) -> list[Mute]:
        """The tracks that are to be muted at the server."""
        barred = (m.track for m in self._microphones.values() if m.state is _State.BARRED)
        return [Mute(t.identity, t.sid) for t in barred if t.may_publish and not t.is_muted]

    def _by_user(self) -> Mapping[UserId, _Microphone]:
        heard = [m for m in self._microphones.values() if m.is_heard]
        return {m.track.user: m for m in sorted(heard, key=lambda m: m.opened)}

    # --- one microphone -----------------------------------------------------------------------

    def _step(self, microphone: _Microphone, view: LiveSpace) -> None:
        track = microphone.track
        if track.is_muted:
            self._close(microphone)
            microphone.state = _State.SHUT
        elif not track.may_publish:
            self._close(microphone)
            microphone.state = _State.BARRED
        elif microphone.state is _State.SHUT and not self._allowance.take(track.user):
            microphone.state = _State.BARRED
        elif microphone.state is _State.SHUT:
            microphone.state, microphone.opened = _State.OPENING, next(self._numbers)
            task = asyncio.create_task(self._open(microphone), name="LiveKit microphone")
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        elif microphone.state is _State.OPEN and track.user not in view.on_air:
            microphone.state = _State.BARRED

    async def _open(self, microphone: _Microphone) -> None:
        opened, user = microphone.opened, microphone.track.user

        def is_wanted() -> bool:
            is_there = self._microphones.get(microphone.track.sid) is microphone
            return is_there and microphone.is_heard and microphone.opened == opened

        came = await asked_to_open(self._spaces, self._space, user, is_wanted)
        if came is Opening.GONE:
            if user not in self._by_user():  # muted, or gone, meanwhile
                self._spaces.tell(self._space, cmd.CloseMicrophone(user))
        elif came is Opening.OPEN:
            microphone.state = _State.OPEN
            self._bar_others(microphone)
        elif is_wanted():
            microphone.state = _State.BARRED
            self._changed()

    def _bar_others(self, microphone: _Microphone) -> None:
        """Let this be its person's only one: other devices of theirs are muted."""
        for other in self._microphones.values():
            is_older = other.opened < microphone.opened
            if is_older and other.track.user == microphone.track.user and other.is_heard:
                other.state = _State.BARRED
        self._changed()

    def _close(self, microphone: _Microphone) -> None:
        """Close what was open, unless another of the person's is."""
        was_open, microphone.state = microphone.state is _State.OPEN, _State.SHUT
        if was_open and microphone.track.user not in self._by_user():
            self._spaces.tell(self._space, cmd.CloseMicrophone(microphone.track.user))
