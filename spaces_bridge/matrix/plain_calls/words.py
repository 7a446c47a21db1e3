"""The sentences that the bot writes about calls, in the chat that they are in. Pure."""

from typing import Final

from spaces_bridge.app.errors import OfferRefused
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.text.dates import shown_utc
from spaces_bridge.matrix.plain_calls.floor import Say
from spaces_bridge.prompts import Prompt, words

NOBODY_LIVE: Final = "Nothing is live right now."
NOT_CHOSEN: Final = "I got no answer: call again when you know which one you would like to hear."
MISSED: Final = "You called me when I could not answer. Please call again."
LOST: Final = "I was restarted, and your call got lost. Please call again."
NO_SOUND: Final = "My sound does not work right now. Please call again in a minute."
NOT_TAKEN: Final = "Your client has answered in a way that I do not understand. Call me instead."
NOT_PICKED_UP: Final = (
    "I called, and nobody answered. Call me whenever you like, while it is live."
)
DECLINED: Final = "All right. Call me whenever you like, while it is live."
TOO_LATE: Final = "I wanted to call you and could not in time. Call me instead."
NOT_REACHED: Final = "I wanted to call you, and your homeserver did not let me. Call me instead."
NOT_ALONE: Final = (
    "Your call has ended: somebody else is in this chat now, and calls are for you and me alone."
)
TOO_MANY_OFFERS: Final = (
    "Your call has ended: your client changed it faster than I can follow. Please call again."
)
STILL_MUTED: Final = (
    "You are still muted for the others: that was very often just now. Mute, wait a moment, "
    "and unmute again."
)
NOT_CONNECTED: Final = (
    "Your client and my sound could not reach each other: your network may let no calls through."
    " Call again, or from another network."
)
CUT_OFF: Final = "The connection of your call has broken off on my side. Please call again."
ELSEWHERE: Final = "You have called again: this call goes on there."

LEFT, NOT_HEARD, NOT_IN_TIME = (
    "the client left",
    "it was not heard any more",
    "it did not connect in time",
)
"""Reasons of the media edge for which a peer is gone."""


def gone(reason: str, *, is_on: bool) -> str:
    """Return why a call ended whose peer is gone; nothing where the client itself has ended it.

    `is_on`: somebody had answered it.
    """
    if reason in {LEFT, NOT_HEARD}:
        return ""
    if reason == NOT_IN_TIME:
        return NOT_CONNECTED if is_on else NOT_PICKED_UP
    return CUT_OFF


def not_taken(refused: OfferRefused) -> str:
    """Return why a call is not taken: the media edge refuses the client's offer."""
    return f"I could not take your call: {refused.text}"


def negotiated_no_more(refused: OfferRefused) -> str:
    """Return why a call that was on has ended: no offer of the client is taken any more."""
    return f"Your call has ended: {refused.text}"


def nobody_live(coming: LiveSpace | None) -> str:
    """Return why a call is not taken when nothing is live that the person may hear."""
    if coming is None or coming.scheduled_at_ms is None:
        return f"{NOBODY_LIVE} `live` shows what is to come."
    when = shown_utc(coming.scheduled_at_ms)
    return f"{NOBODY_LIVE} “{coming.title}” starts on {when}: call then, or write `callme`."


def written(said: Say, language: str, space: LiveSpace | None) -> str:
    """Return what is written beside a prompt."""
    sentence = words(language)[said.prompt]
    if said.prompt is Prompt.WELCOME and space is not None:
        return f"🎧 “{space.title}”: {sentence} (✋)"
    return sentence


def refused(refusal: Rejected, room_link: str) -> str:
    """Return why something is not possible, with the way into the room where that helps."""
    return f"❌ {refusal.text}" + (f" {room_link}" if refusal.code == "not_joined" else "")


def shown_out(refusal: Rejected) -> str:
    """Return why a call was ended by us."""
    return f"Your call has ended: {refusal.text}"
