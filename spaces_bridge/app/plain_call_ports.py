"""The ports of plain calls: Matrix calls (`m.call.*`, version 1) between one person and the bot.

A plain call's peer is one WebRTC connection with one stream each way (`Direction.DUPLEX`): the
person hears the mix, without themselves while they are on air, and is heard where the gates of
the `Stage` port let them, as every microphone. `Stage.hang_up` ends one; it counts as a listener.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from spaces_bridge.app.ports import MediaSession
from spaces_bridge.core.ids import SpaceId, UserId

KEYS: Final = "0123456789*#"
"""The keys of a telephone's keypad that are told of (RFC 4733, 3.2: events 0 to 11)."""


@dataclass(frozen=True, slots=True)
class PlainCallOffer:
    """An SDP offer of ours: the bot calls a person."""

    session: str
    sdp: str


@dataclass(frozen=True, slots=True)
class PlainCallAnswer:
    """The SDP answer to another offer of a client that is in a call already.

    `is_held`: the client takes no sound now (it offered `sendonly` or `inactive`), and gets none.
    """

    sdp: str
    is_held: bool


class PlainCallListener(Protocol):
    """The listener that is told what happens in plain calls."""

    def plain_call_connected(self, session: str) -> None:
        """The peer's transport (ICE and DTLS) is up, and it hears.

        Called once for each call; not again after a worker died and another went on.
        """
        ...

    def plain_call_ended(self, session: str, reason: str) -> None:
        """The peer is gone, for a plain reason: its client is to be sent a hangup.

        It said goodbye (DTLS `close_notify`, as at a reload), was not heard any more, its live
        space was over for a while, `Stage.end_listening` or `end_guests` were called, or its
        worker is gone for good. Not called after `Stage.hang_up`, nor where the first negotiation
        failed.
        """
        ...

    def plain_call_silenced(self, session: str) -> None:
        """The peer's microphone is its user's no longer; the call goes on.

        Another microphone of theirs has taken its place, or the floor is gone.
        """
        ...

    def key_pressed(self, session: str, key: str) -> None:
        """The person pressed one of `KEYS`; once for each press, at its beginning (RFC 4733)."""
        ...

    def prompt_ended(self, session: str, prompt: str) -> None:
        """A prompt of `PlainCallStage.play` was heard to its end, or will not be.

        Called once for each `play`, whatever became of the prompt, unless the call ended first.
        """
        ...


class PlainCallStage(Protocol):
    """The plain call stage carries the sound of plain calls.

    A peer only listens until `use_microphone`. After `Stage.close_space` peers stay for a while
    and hear prompts alone, unless they are hung up. Methods that do not wait pass over a session
    that is over.
    """

    def attend_plain_calls(self, listener: PlainCallListener) -> None:
        """Set the listener; once, before the start."""
        ...

    async def answer(self, space: SpaceId, user: UserId, sdp: str) -> MediaSession:
        """Answer the offer of a client that calls (`m.call.invite`).

        One audio section is accepted, all else is turned down. Raises OfferRefused, AdapterError
        (no worker).
        """
        ...

    async def renegotiate(self, session: str, sdp: str) -> PlainCallAnswer:
        """Answer another offer of the client (`m.call.negotiate`): hold, unhold, an ICE restart.

        It may be called at any time, as often as the client offers: a client whose offer is not
        answered ignores ours. An offer that is refused changes nothing. Raises OfferRefused,
        AdapterError (no worker, unknown session).
        """
        ...

    async def dial(self, space: SpaceId, user: UserId) -> PlainCallOffer:
        """Offer a connection to a person whom the bot calls (`m.call.invite` of ours).

        The offer waits `RING_S` of the media worker for its answer, then the call has ended.
        Raises OfferRefused (no room for one more), AdapterError.
        """
        ...

    async def accept(self, session: str, sdp: str) -> None:
        """Take the client's answer (`m.call.answer`) to `dial`.

        Of several devices that answer one offer the first that is accepted is the one; nothing of
        the others is let in. Raises OfferRefused (it is not understood, or was accepted before),
        AdapterError.
        """
        ...

    def take_up(self, session: str) -> bool:
        """Go on with a call of an earlier run of the bridge, which the worker has kept.

        Return False if it is not there: it is over. Calls that nobody takes up are hung up in a
        while, untold.
        """
        ...

    def is_connected(self, session: str) -> bool:
        """Return whether the peer is connected: `plain_call_connected` does not come again."""
        ...

    def is_microphone(self, session: str) -> bool:
        """Return whether the peer's microphone is its user's: by this call, and by no other."""
        ...

    def use_microphone(self, session: str) -> None:
        """Make the peer's microphone its user's, in place of any other; waits for nothing.

        To be called before `OpenMicrophone` each time it is opened, as when it is unmuted. It
        loses the place to a microphone that is opened later elsewhere, and when the floor is lost
        (`Stage.end_microphone_session`); the listener is told, and the call goes on listening.
        """
        ...

    def play(self, session: str, prompt: str, language: str) -> None:
        """Play a packaged spoken prompt to this peer alone, over the mix, which is softer then.

        A later prompt takes the place of an earlier one. `prompt` is its name; a language that it
        is not spoken in gets English, and a prompt that does not exist is silent.
        """
        ...
