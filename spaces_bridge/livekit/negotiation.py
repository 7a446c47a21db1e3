"""The negotiations with one LiveKit client: which streams its connections carry.

`/rtc/v1` has one peer connection, and the client makes every offer; it is *nudged* to make one
when other streams are to flow (`MediaSectionsRequirement`, also with no more sections). `/rtc` has
two: the client offers the one on which it publishes, we offer the one on which it is sent to.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from livekit.protocol import rtc

from spaces_bridge.app.call_ports import CallStage, CallStream
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.livekit import responses
from spaces_bridge.livekit.limits import NUDGES_MAX


class NegotiationEvents(Protocol):
    """The participant's side of its negotiations."""

    @property
    def is_settling(self) -> bool:
        """True while the client is not to be asked for other streams yet."""
        ...

    def streams(self) -> Sequence[CallStream]:
        """Return the streams that the client is to be sent now."""
        ...

    def send(self, message: bytes) -> None:
        """Send the client a message."""
        ...

    def microphone_negotiated(self, session: str, section: str) -> None:
        """The client sends its microphone in this section; "" if it sends none."""
        ...

    def hang_up(self, session: str) -> None:
        """End a session of the stage."""
        ...

    def failed(self, why: str) -> None:
        """The connection cannot go on: the client has to join anew."""
        ...


class Negotiation(Protocol):
    """The negotiations of one participant."""

    async def offered(self, offer: rtc.SessionDescription) -> None:
        """Answer an offer of the client. Raises AdapterError."""
        ...

    async def answered(self, answer: rtc.SessionDescription) -> None:
        """Take the client's answer to an offer of ours. Raises AdapterError."""
        ...

    def streams_changed(self) -> None:
        """Look whether the client carries the streams that it is to be sent."""
        ...

    def resume(self) -> None:
        """Go on after the signalling was lost: what was under way is begun anew."""
        ...

    @property
    def sessions(self) -> Collection[str]:
        """The sessions of these negotiations, as far as they are known."""
        ...

    @property
    def is_beginning(self) -> bool:
        """True while a session is negotiated for the first time: it is not known yet."""
        ...

    @property
    def data_session(self) -> str | None:
        """The session by which the client is sent data; None while there is none."""
        ...

    def carries_sound(self, session: str) -> bool:
        """Return whether the client is a full member of the call when this session is up."""
        ...

    def stop(self) -> None:
        """End the sessions."""
        ...


class SingleNegotiation:
    """The negotiation of one connection for both directions (`/rtc/v1`)."""

    def __init__(
        self, stage: CallStage, space: SpaceId, user: UserId, events: NegotiationEvents
    ) -> None:
        self._stage = stage
        self._space = space
        self._user = user
        self._events = events
        self._session: str | None = None
        self._carried: frozenset[str] = frozenset()
        self._free = 0  # sections of the last offer that carry nothing
        self._turns = asyncio.Lock()
        self._nudged_for: frozenset[str] | None = None
        self._nudges = 0
        self._is_stopped = False

    async def offered(self, offer: rtc.SessionDescription) -> None:
        async with self._turns:  # a client that has come back may offer before it was answered
            if self._is_stopped:
                return
            answer = await self._stage.answer_call(
                self._space, self._user, self._session, offer.sdp, self._events.streams()
            )
            self._session = answer.session
        if self._is_late(answer.session):
            return
        self._carried = frozenset(answer.sections.values())
        used = len(answer.sections) + bool(answer.microphone)
        self._free = max(0, audio_sections(offer.sdp) - used)
        self._events.send(responses.answer(answer.sdp, offer.id, answer.sections))
        self._events.microphone_negotiated(answer.session, answer.microphone)
        self.streams_changed()

    def _is_late(self, session: str) -> bool:
        """Return whether the participant has gone meanwhile: then the session ends, too."""
        if self._is_stopped:
            self._events.hang_up(session)
        return self._is_stopped

    async def answered(self, answer: rtc.SessionDescription) -> None:
        """Do nothing: there is no offer of ours on this path."""

    def streams_changed(self) -> None:
        if self._session is None or self._turns.locked() or self._is_stopped:
            return
        if self._events.is_settling:
            return
        wanted = frozenset(stream.track for stream in self._events.streams())
        if wanted == self._carried:
            self._nudged_for = None
            return
        if wanted != self._nudged_for:
            self._nudges = 0
        elif self._nudges >= NUDGES_MAX:
            return
        self._nudged_for = wanted
        self._nudges += 1
        more = max(0, len(wanted - self._carried) - self._free)
        self._events.send(responses.sections_needed(more))

    def resume(self) -> None:
        self._nudged_for = None
        self.streams_changed()

    @property
    def sessions(self) -> Collection[str]:
        return () if self._session is None else (self._session,)

    @property
    def is_beginning(self) -> bool:
        return self._session is None and self._turns.locked()

    @property
    def data_session(self) -> str | None:
        return self._session

    def carries_sound(self, session: str) -> bool:
        return session == self._session

    def stop(self) -> None:
        self._is_stopped = True
        for session in self.sessions:
            self._events.hang_up(session)


class DualNegotiation:
    """The negotiations of two connections, one for each direction (`/rtc`)."""

    def __init__(
        self, stage: CallStage, space: SpaceId, user: UserId, events: NegotiationEvents
    ) -> None:
        self._stage = stage
        self._space = space
        self._user = user
        self._events = events
        self._published: str | None = None
        self._subscribed: str | None = None
        self._offered: frozenset[str] | None = None
        self._offers = 0
        self._awaits_answer = False
        self._offering: asyncio.Task[None] | None = None
        self._publishing, self._subscribing = asyncio.Lock(), asyncio.Lock()
        self._is_stopped = False

    async def offered(self, offer: rtc.SessionDescription) -> None:
        async with self._publishing:
            if self._is_stopped:
                return
            answer = await self._stage.answer_call(
                self._space, self._user, self._published, offer.sdp, ()
            )
            self._published = answer.session
        if self._is_late(answer.session):
            return
        self._events.send(responses.answer(answer.sdp, offer.id, {}))
        self._events.microphone_negotiated(answer.session, answer.microphone)

    def _is_late(self, session: str) -> bool:
        """Return whether the participant has gone meanwhile: then the session ends, too."""
        if self._is_stopped:
            self._events.hang_up(session)
        return self._is_stopped

    async def answered(self, answer: rtc.SessionDescription) -> None:
        if self._subscribed is None or not self._awaits_answer:
            return
        self._awaits_answer = False
        async with self._subscribing:
            await self._stage.accept_call_answer(self._subscribed, answer.sdp)
        self.streams_changed()

    def streams_changed(self) -> None:
        if self._awaits_answer or self._is_stopped:
            return
        if self._events.is_settling and self._subscribed is not None:
            return
        wanted = frozenset(stream.track for stream in self._events.streams())
        if wanted != self._offered:
            self._awaits_answer = True
            self._offering = asyncio.create_task(self._offer(), name="LiveKit offer")

    async def _offer(self) -> None:
        async with self._subscribing:
            if self._is_stopped:
                return
            streams = self._events.streams()
            try:
                offer = await self._stage.offer_call(
                    self._space, self._user, self._subscribed, streams
                )
            except AdapterError as error:
                self._events.failed(str(error))
                return
            self._subscribed = offer.session
        if self._is_late(offer.session):
            return
        self._offered = frozenset(stream.track for stream in streams)
        self._offers += 1
        self._events.send(responses.offer(offer.sdp, self._offers, offer.sections))

    def resume(self) -> None:
        if self._offering is None or self._offering.done():
            self._awaits_answer, self._offered = False, None
            self.streams_changed()

    @property
    def sessions(self) -> Collection[str]:
        return [each for each in (self._published, self._subscribed) if each is not None]

    @property
    def is_beginning(self) -> bool:
        pairs = ((self._published, self._publishing), (self._subscribed, self._subscribing))
        return any(session is None and lock.locked() for session, lock in pairs)

    @property
    def data_session(self) -> str | None:
        return self._subscribed

    def carries_sound(self, session: str) -> bool:
        return session == self._subscribed

    def stop(self) -> None:
        self._is_stopped = True
        for session in self.sessions:
            self._events.hang_up(session)


def audio_sections(sdp: str) -> int:
    """Return the number of sections of audio in an SDP description."""
    return sum(line.startswith("m=audio ") for line in sdp.splitlines())
