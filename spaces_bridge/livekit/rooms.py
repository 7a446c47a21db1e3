"""The calls of all live spaces (implements `Audience`, `CallListener` and `CallPresence`)."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from aiohttp import WSCloseCode
from livekit.protocol import rtc

from spaces_bridge.app.audiences import QuietAudience
from spaces_bridge.app.call_ports import CallMembers, CallStage
from spaces_bridge.app.ports import Draft
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calls import CallPermit, Calls
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.events import Event, UtteranceCaptioned
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit import responses
from spaces_bridge.livekit.call_room import CallRoom
from spaces_bridge.livekit.client import CallClient, CallLater
from spaces_bridge.livekit.joining import Joining
from spaces_bridge.livekit.limits import (
    DEVICES_MAX,
    FLOODS_PER_S,
    PARTICIPANTS_MAX,
    REJOINS_MAX,
    RESUME_WITHIN_S,
)
from spaces_bridge.livekit.names import device_of
from spaces_bridge.livekit.numbers import Numbers
from spaces_bridge.livekit.outgoing import SignalQueue
from spaces_bridge.livekit.participants import CallParticipant, Subscriptions
from spaces_bridge.livekit.responses import CallEnd
from spaces_bridge.livekit.tokens import CallGrant
from spaces_bridge.pacing.token_bucket import TokenBuckets

log = logging.getLogger(__name__)


class CallRooms(QuietAudience):
    """The calls of all live spaces (`RoomOwner`): a room for each that somebody has joined."""

    def __init__(
        self,
        spaces: Spaces,
        calls: Calls,
        stage: CallStage,
        members: CallMembers | None = None,
        call_later: CallLater | None = None,
    ) -> None:
        """`members` is told which devices come and go."""
        self._spaces = spaces
        self._calls = calls
        self._stage = stage
        self._members = members
        self._call_later = call_later
        self._rooms: dict[SpaceId, CallRoom] = {}
        self._rejoining: dict[tuple[SpaceId, str], None] = {}
        self._failures = TokenBuckets(1, FLOODS_PER_S)
        self._ended: Counter[str] = Counter()

    # --- coming and going ---------------------------------------------------------------------

    def refuse_crowd(self, permit: CallPermit, identity: str) -> None:
        """Raise Rejected when the call, or the person in it, has too many participants."""
        room = self._rooms.get(permit.space)
        others = [c.participant for c in room.clients] if room is not None else []
        others = [other for other in others if other.identity != identity]
        if len(others) >= PARTICIPANTS_MAX:
            raise Rejected("call_full", "This call is full. Listen on the page instead.")
        if sum(other.user == permit.user for other in others) >= DEVICES_MAX:
            raise Rejected("too_many_devices", "You are in this call on too many devices already.")

    def join(
        self, permit: CallPermit, grant: CallGrant, joining: Joining, queue: SignalQueue
    ) -> CallClient | None:
        """Let a client in that has a permit; None: its live space is over."""
        view = self._spaces.view(permit.space)
        if view is None:
            return None
        room = self._rooms.get(permit.space)
        if room is None:
            room = CallRoom(
                view, grant.room, self._spaces, self._calls, self._stage, self._members, self
            )
        participant = CallParticipant(
            identity=grant.identity,
            user=permit.user,
            name=permit.name,
            device=device_of(grant.identity, permit.user),
            joined_at_ms=self._spaces.context.clock.now_ms(),
            may_publish=permit.may_publish,
            is_single=joining.is_single,
            subscriptions=Subscriptions(joining.subscribes),
            queue=queue,
        )
        client = room.enter(participant)
        self._rooms[permit.space] = room  # it was empty if the same identity was alone in it
        key = (permit.space, grant.identity)
        if key in self._rejoining:
            del self._rejoining[key]
            client.settle_later(self._later())
        return client

    def resume(
        self, permit: CallPermit, identity: str, sid: str, queue: SignalQueue
    ) -> CallClient | None:
        """Let a client go on as the participant that it was; None: that one is gone."""
        room = self._rooms.get(permit.space)
        client = room.client(identity) if room is not None else None
        known = (client.participant.sid, client.participant.user) if client is not None else None
        if room is None or client is None or known != (sid, permit.user):
            self._expect(permit.space, identity)
            return None
        if client.participant.queue is not None:
            client.participant.queue.close(1000, "resumed elsewhere")
        client.attach(queue)
        client.send(responses.reconnect())
        client.send(responses.update(room.infos()))
        client.negotiation.resume()
        return client

    def signalling_lost(self, client: CallClient, queue: SignalQueue) -> None:
        """The connection behind `queue` is gone; its client may come back for a while."""
        if client.participant.queue is not queue or client.participant.ended is not None:
            return
        client.participant.queue = None
        client.forgetting = self._later()(RESUME_WITHIN_S, lambda: self.end(client, CallEnd.LOST))

    def end(self, client: CallClient, end: CallEnd) -> None:
        """End a client's session."""
        room = self._rooms.get(client.space)
        if room is not None:
            room.end(client, end)

    def stop(self) -> None:
        """Let all clients come back by themselves: the bridge stops."""
        for room in list(self._rooms.values()):
            room.end_all(CallEnd.STOPPING)

    def room(self, space: SpaceId) -> CallRoom | None:
        """Return the call of a live space that somebody is in."""
        return self._rooms.get(space)

    def all(self) -> list[CallRoom]:
        """Return the calls that somebody is in."""
        return list(self._rooms.values())

    def numbers(self) -> Numbers:
        """Return the numbers for the metrics; ends are counted by their reasons."""
        return {
            "rooms": len(self._rooms),
            "participants": sum(len(room.clients) for room in self._rooms.values()),
            "ended": {reason: float(number) for reason, number in self._ended.items()},
        }

    # --- RoomOwner ----------------------------------------------------------------------------

    def left(self, room: CallRoom, client: CallClient, end: CallEnd) -> None:
        self._ended[end.name.lower()] += 1
        if end.action == rtc.LeaveRequest.RECONNECT:
            self._expect(room.space, client.participant.identity)
        if not room.clients and self._rooms.get(room.space) is room:
            del self._rooms[room.space]

    def guard(self, room: CallRoom, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # a bug here must end neither the live space nor its pages
            if self._failures.take(room.space):
                log.exception("the call of live space %s failed: all join anew", room.space)
            self._give_up(room)

    def lost(self, room: CallRoom, user: UserId, why: str) -> None:
        if self._failures.take(user):
            log.warning("%s has to join the call of live space %s anew: %s", user, room.space, why)

    def _give_up(self, room: CallRoom) -> None:
        """Let all clients of a room join anew, in another one."""
        if self._rooms.get(room.space) is room:
            del self._rooms[room.space]
        for client in room.clients:
            queue = client.participant.queue
            with suppress(Exception):  # it may fail here again
                room.end(client, CallEnd.MEDIA_LOST)
            if queue is not None:
                queue.close_later(WSCloseCode.INTERNAL_ERROR, "failed")

    # --- memory of who joins anew -------------------------------------------------------------

    def _expect(self, space: SpaceId, identity: str) -> None:
        """Remember that a client was told to join anew."""
        self._rejoining[space, identity] = None
        if len(self._rejoining) > REJOINS_MAX:
            del self._rejoining[next(iter(self._rejoining))]

    def _later(self) -> CallLater:
        return self._call_later or asyncio.get_running_loop().call_later

    # --- CallPresence -------------------------------------------------------------------------

    def is_connected(self, space: SpaceId, identity: str) -> bool:
        """Return whether a participant with this identity is in the call of this live space."""
        room = self._rooms.get(space)
        return room is not None and room.client(identity) is not None

    # --- CallListener -------------------------------------------------------------------------

    def call_connected(self, session: str) -> None:
        for client in self._clients():
            if session in client.negotiation.sessions:
                client.connected(session)

    def call_ended(self, session: str, reason: str) -> None:
        for room in self.all():
            for client in room.clients:
                if session in client.negotiation.sessions:
                    self.lost(room, client.participant.user, reason)
                    self.end(client, CallEnd.MEDIA_LOST)

    def _clients(self) -> Iterator[CallClient]:
        for room in self._rooms.values():
            yield from room.clients

    # --- Audience -----------------------------------------------------------------------------

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        room = self._rooms.get(space.space)
        if room is None:
            return
        for event in events:
            if isinstance(event, UtteranceCaptioned):
                self.guard(room, partial(room.captions.captioned, event))
        self.guard(room, lambda: room.refresh(space))

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        room = self._rooms.get(space)
        if room is not None:
            self.guard(room, lambda: room.levels(levels))

    def draft(self, space: SpaceId, draft: Draft) -> None:
        """Show it to the clients of the call, too."""
        room = self._rooms.get(space)
        if room is not None:
            self.guard(room, lambda: room.captions.draft(draft))
