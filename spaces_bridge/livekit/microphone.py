"""The microphone that a call's participant publishes: what its client does, and what may be heard.

The client's own act opens it: a track that is published or unmuted, once its transport is up. The
live space decides; what it refuses, and what it closes, the server mutes at the client.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Final

from livekit.protocol import rtc

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.opening import Opening, asked_to_open
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.livekit import responses
from spaces_bridge.livekit.participants import CallParticipant
from spaces_bridge.livekit.tracks import MicrophoneTrack, microphone_of

_OPENINGS: Final = itertools.count(1)


class CallMicrophone:
    """The microphone of one participant; the track itself is the participant's `microphone`.

    `changed` is called when others see the track in another way, `opened` when it opened, and
    `closing` before it is closed from here.
    `use` makes a session's microphone its user's, in place of any other.
    """

    def __init__(
        self,
        spaces: Spaces,
        space: SpaceId,
        participant: CallParticipant,
        changed: Callable[[], None],
        opened: Callable[[], None],
        closing: Callable[[], None],
        use: Callable[[str], None],
    ) -> None:
        self._spaces = spaces
        self._space = space
        self._participant = participant
        self._changed = changed
        self._opened = opened
        self._closing = closing
        self._use = use
        self._opening: asyncio.Task[None] | None = None
        self._connected: set[str] = set()
        self._session = ""

    # --- the client's acts --------------------------------------------------------------------

    def publish(self, request: rtc.AddTrackRequest) -> None:
        """Publish a track that the client has asked for; it takes an earlier one's place."""
        track = self._participant.microphone
        if track is None or track.cid != request.cid:
            self._close()
            track = self._participant.microphone = microphone_of(request)
        self._participant.send(responses.track_published(track.cid, track.info()))
        self._changed()

    def negotiated(self, session: str, section: str) -> None:
        """Take note of the section on which the client sends; "": it sends nothing any more."""
        track = self._participant.microphone
        self._session = session
        if track is None or track.section == section:
            return
        if not section:
            self.unpublish()
            return
        track.section = section
        self._changed()
        self._open_if_wanted()

    def connected(self, session: str) -> None:
        """Take note that the transport of a session is up."""
        self._connected.add(session)
        self._open_if_wanted()

    def set_muted(self, sid: str, *, muted: bool) -> None:
        """Mute or unmute the track, as the client says."""
        track = self._participant.microphone
        if track is None or track.sid != sid or track.muted is muted:
            return
        track.muted = muted
        if muted:
            self._close()
        self._changed()
        self._open_if_wanted()

    # --- the server's acts --------------------------------------------------------------------

    def mute(self) -> None:
        """Mute the track from here: the live space does not hear it any more."""
        track = self._participant.microphone
        if track is None or track.muted:
            return
        track.muted, track.is_open = True, False
        self._participant.send(responses.mute(track.sid, muted=True))
        self._changed()

    def unpublish(self) -> None:
        """End the publication: the floor is gone, or the client sends nothing any more."""
        track = self._participant.microphone
        if track is None:
            return
        self._close()
        self._participant.microphone = None
        self._participant.send(responses.track_unpublished(track.sid))
        self._changed()

    def stop(self) -> None:
        """Close the microphone, as the participant is gone."""
        self._close()

    # --- opening and closing ------------------------------------------------------------------

    def _is_wanted(self, track: MicrophoneTrack | None) -> bool:
        return (
            track is not None
            and track is self._participant.microphone
            and bool(track.section)
            and not track.muted
            and self._session in self._connected
            and self._participant.ended is None
        )

    def _open_if_wanted(self) -> None:
        track = self._participant.microphone
        if track is None or track.is_open or not self._is_wanted(track):
            return
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open(track), name="LiveKit microphone")

    async def _open(self, track: MicrophoneTrack) -> None:
        user = self._participant.user
        self._use(self._session)
        came = await asked_to_open(
            self._spaces,
            self._space,
            user,
            lambda: self._is_wanted(self._participant.microphone),
        )
        current = self._participant.microphone  # another one may have taken its place meanwhile
        if came is Opening.REFUSED:
            if self._is_wanted(track):
                self.mute()
            self._open_another()
        elif came is Opening.GONE or current is None:
            self._spaces.tell(self._space, cmd.CloseMicrophone(user))
        elif came is Opening.CLOSED:
            self.mute()
        else:
            current.is_open, current.opened = True, next(_OPENINGS)
            self._opened()

    def _open_another(self) -> None:
        """Open what was published while the opening of an earlier track was awaited."""
        self._opening = None
        self._open_if_wanted()

    def _close(self) -> None:
        track = self._participant.microphone
        if track is not None and track.is_open:
            track.is_open = False
            self._closing()
            self._spaces.tell(self._space, cmd.CloseMicrophone(self._participant.user))
