"""Captions as events: their content, and which utterances share one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from spaces_bridge.app.tasks import PostCaption
from spaces_bridge.core.ids import EventId
from spaces_bridge.core.text.names import before_a_colon
from spaces_bridge.matrix.events.content import message
from spaces_bridge.matrix.events.own import CAPTION, CaptionContent
from spaces_bridge.matrix.settings import CaptionDelivery

NEAR_MS = 2000
"""One speaker's utterances closer than this may share an event."""
PER_MINUTE = 20
MERGED_MAX_CHARS = 4000


def content(
    caption: PostCaption, card: EventId | None, previous: EventId | None, how: CaptionDelivery
) -> dict[str, Any]:
    """Return the caption's message content.

    It goes in the card's thread, and for clients without threads into a chain of replies.
    """
    name = " ".join(caption.name.split())
    block: CaptionContent = {
        "utterance": caption.utterance,
        "speaker": caption.speaker,
        "name": name,
        "start_ms": caption.start_ms,
        "end_ms": caption.end_ms,
        "language": caption.language,
    }
    said: dict[str, Any] = {
        **message(f"{before_a_colon(name) or caption.speaker}: {caption.text}"),
        CAPTION: block,
    }
    if how == "thread" and card is not None:
        said["m.relates_to"] = {
            "rel_type": "m.thread",
            "event_id": card,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": previous or card},
        }
    return said


@dataclass(frozen=True, slots=True)
class Merger:
    """A merger of captions: `caption` stands for the head and those at `places` of the waiting."""

    caption: PostCaption
    places: tuple[int, ...]


def merge(head: PostCaption, waiting: Sequence[PostCaption], *, pressed: bool) -> Merger:
    """Merge the head with the waiting captions that go out in its event.

    Ordinarily these are what the same speaker said right after the head. `pressed` (more
    captions than events allowed): everything of this speaker that waits.
    """
    merged, places = head, list[int]()
    for place, caption in enumerate(waiting):
        fits = len(merged.text) + len(caption.text) < MERGED_MAX_CHARS
        same = caption.speaker == head.speaker
        near = caption.start_ms - merged.end_ms < NEAR_MS
        if same and fits and (pressed or near):
            text = f"{merged.text} {caption.text}"
            end_ms = max(merged.end_ms, caption.end_ms)
            merged = replace(merged, text=text, end_ms=end_ms)
            places.append(place)
        elif same or not pressed:
            break
    return Merger(merged, tuple(places))
