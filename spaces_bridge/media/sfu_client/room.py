"""One room at an SFU, from the attempt to join it to its end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from livekit.rtc.room import EventTypes

from livekit import rtc
from spaces_bridge.core.ids import UserId
from spaces_bridge.media.sfu_client import messages
from spaces_bridge.media.sfu_client.background import BackgroundTasks
from spaces_bridge.media.sfu_client.limits import SNAPSHOT_EACH_S, SNAPSHOT_EVERY_S
from spaces_bridge.media.sfu_client.published import PublishedSpeakers
from spaces_bridge.media.sfu_client.secrecy import reason_of
from spaces_bridge.media.sfu_client.snapshots import participants
from spaces_bridge.media.sfu_client.sound import WorkerSound
from spaces_bridge.media.sfu_client.taken import TakenTracks
from spaces_bridge.media.sfu_client.texts import RoomTexts

log = logging.getLogger(__name__)

LEAVE_S: Final = 2.0
"""The time that the SFU has to hear that the client leaves."""
CONNECT_S: Final = 2.5
"""The time that the SFU has to answer a try to join or to resume. A LiveKit node asks another one
for three seconds before it looks where the room is now: what began when the room was at a node
that is dead must not come through at the next one, as the identity that has joined there since."""
RESUME_S: Final = 6.0
"""The time that the SDK has to resume a connection; then the room is lost, and joined anew. By
then a room whose node has died is at another one, where the bridge has us join: a try of the SDK's
own to come back ends when it is told to leave, a new one of ours would not."""
TRY_AGAIN_S: Final = 1.0
"""The wait before a track is subscribed to again that could not be."""
_WATCH_S: Final = 0.5
_CHANGES: Final[tuple[EventTypes, ...]] = (
    "participant_connected",
    "participant_disconnected",
    "participant_active",
    "participant_attributes_changed",
    "participant_permissions_changed",
    "track_published",
    "track_unpublished",
    "track_muted",
    "track_unmuted",
    "local_track_unpublished",
    "local_track_republished",
    "reconnected",
    "moved",
)
"""Events of the SDK after which its participants, or the tracks to be taken, may be others."""


class SfuRoom:
    """A room that is joined once: `live` ends when it is lost or was left."""

    def __init__(
        self,
        join: messages.JoinSfuRoom,
        sound: WorkerSound,
        tell: Callable[[messages.FromSfuClient], None],
    ) -> None:
        self._join, self._tell = join, tell
        self._room = rtc.Room()
        self._taken = TakenTracks(self._room, join.space, sound, self._tell_taken)
        self._published = PublishedSpeakers(self._room)
        self._texts = RoomTexts(self._room)
        self._background = BackgroundTasks()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._is_in = self._is_left = False
        self._next_look: asyncio.TimerHandle | None = None
        self._is_stale = False

    @property
    def publishes(self) -> bool:
        """Whether people who speak on the page are published here now."""
        return self._join.publishes and self._is_in

    @property
    def counts(self) -> tuple[int, int]:
        """The tracks that are taken, and the speakers published."""
        return len(self._taken.sids), self._published.count

    async def live(self) -> None:
        """Join, stay until the end, and say each."""
        key = (self._join.space, self._join.name, self._join.attempt)
        token, self._join = self._join.token, replace(self._join, token="")
        self._listen()
        options = rtc.RoomOptions(auto_subscribe=False, connect_timeout=CONNECT_S)
        try:
            await self._room.connect(self._join.url, token, options)
        except Exception as problem:  # whatever the SDK raises, the room was not joined
            self._tell_lost(reason_of(problem))
            return
        try:
            self._is_in = True
            self._background.start(self._texts.run())
            self._background.start(self._watch())
            self._tell(messages.SfuRoomJoined(*key))
            self._changed()
            reason = await self._over
        except Exception as problem:  # the relay must be told whatever it is
            log.exception("a room has failed")
            reason = reason_of(problem)
        finally:
            await self._end()
        self._tell_lost(reason)

    def leave(self) -> None:
        """Leave the room; while it is being joined, as soon as that is done."""
        self._is_left = True
        self._lost("it was left")

    def take(self, tracks: messages.TakeSfuTracks) -> None:
        """Take exactly these tracks."""
        if self._is_in:
            self._taken.want(tracks.tracks)

    def give_up(self, reason: str) -> None:
        """End the room as if the SFU had, so that it is joined anew if it is wanted."""
        self._lost(reason)

    def say(self, text: messages.SendSfuText) -> None:
        """Say a text, if the room is joined."""
        if self._is_in:
            self._texts.put(text)

    def publish(self, user: UserId, pcm: bytes) -> None:
        """Publish 20 ms of somebody who speaks on the page; empty is silence."""
        self._published.hear(user, pcm)

    # --- events of the SDK ---

    async def _watch(self) -> None:
        """Give the room up when its connection does not come back as it was.

        When the SDK has joined anew by itself (another SID tells), connections without sound were
        seen to end within half a minute, again and again (livekit 1.2.1). To join afresh is safe.
        """
        sid, away_s = self._room.local_participant.sid, 0.0
        while away_s < RESUME_S and self._room.local_participant.sid == sid:
            await asyncio.sleep(_WATCH_S)
            is_there = self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED
            away_s = 0.0 if is_there else away_s + _WATCH_S
        self._lost("the connection was lost")

    def _listen(self) -> None:
        for event in _CHANGES:
            self._room.on(event, self._changed)
        self._room.on("local_track_published", self._look_now)
        self._room.on("track_subscribed", self._subscribed)
        self._room.on("track_unsubscribed", self._unsubscribed)
        self._room.on("track_subscription_failed", lambda _who, sid, _why: self._failed(sid))
        self._room.on("disconnected", self._disconnected)

    def _changed(self, *_: object) -> None:
        """Look at the room: at once, and while much changes, once in a while."""
        if not self._is_in:
            return
        if self._next_look is not None:
            self._is_stale = True
            return
        self._look()

    def _look_now(self, *_: object) -> None:
        """Look at the room at once: our own tracks are few, and other workers wait for them."""
        if not self._is_in:
            return
        if self._next_look is not None:
            self._next_look.cancel()
        self._look()

    def _look(self) -> None:
        """Take tracks that are wanted and there, and tell of the participants."""
        people = self._room.remote_participants.values()
        self._is_stale = False
        wait_s = SNAPSHOT_EVERY_S + len(people) * SNAPSHOT_EACH_S
        self._next_look = asyncio.get_running_loop().call_later(wait_s, self._may_look)
        self._taken.look()
        if self._join.reports:
            join, seen = self._join, participants((self._room.local_participant, *people))
            self._tell(messages.SfuParticipants(join.space, join.name, join.attempt, seen))

    def _may_look(self) -> None:
        self._next_look = None
        if self._is_stale and self._is_in:
            self._look()

    def _tell_lost(self, reason: str) -> None:
        """Tell that the room is lost, unless it was left.

        The next bridge counts attempts anew, and would take this one's end for its own's.
        """
        if not self._is_left:
            join = self._join
            self._tell(messages.SfuRoomLost(join.space, join.name, join.attempt, reason))

    def _tell_taken(self) -> None:
        join = self._join
        self._tell(messages.SfuTracksTaken(join.space, join.name, join.attempt, self._taken.sids))

    def _subscribed(
        self, _track: object, publication: rtc.RemoteTrackPublication, _who: object
    ) -> None:
        self._taken.subscribed(publication)

    def _unsubscribed(
        self, _track: object, publication: rtc.RemoteTrackPublication, _who: object
    ) -> None:
        self._taken.unsubscribed(publication.sid)
        self._changed()

    def _failed(self, sid: str) -> None:
        self._taken.failed(sid)
        asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._changed)

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._lost(rtc.DisconnectReason.Name(reason).lower().replace("_", " "))

    def _lost(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)

    async def _end(self) -> None:
        self._is_in = False
        if self._next_look is not None:
            self._next_look.cancel()
        # until it is told to leave the SDK tries to come back, as who joins next
        await asyncio.gather(self._leave(), self._close_parts())

    async def _close_parts(self) -> None:
        for close in (self._taken.close, self._published.close, self._background.stop):
            try:
                await close()
            except Exception:  # it is left nevertheless, and the relay told
                log.exception("not all of a room was ended")

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._room.disconnect()
        except Exception:  # whatever the SDK raises: the SFU notices by itself
            log.info("a room was not left in an orderly way")
