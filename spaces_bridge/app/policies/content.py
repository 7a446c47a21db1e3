"""The consequences of content events: captions, reactions and shared links."""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.app import tasks
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.policies.common import NOBODY
from spaces_bridge.app.policies.consequences import (
    CaptionAdded,
    Consequences,
    PostAdded,
    ReactionsAdded,
    Stale,
    row,
)
from spaces_bridge.core import events as ev
from spaces_bridge.core.live_space import LiveSpace


def consequences_of(event: ev.ContentEvent) -> Consequences:
    """Return what follows from `event`."""
    match event:
        case ev.UtteranceCaptioned():
            return row(
                event,
                Stale.NOTHING,
                CaptionAdded(event.utterance),
                NOBODY,
                tasks=_captioned_tasks,
                calls=_captioned_calls,
            )
        case ev.Reacted():
            shown = ReactionsAdded({event.emoji: 1})
            return row(event, Stale.CARD, shown, (event.user,), expires=event.annotation)
        case ev.ReactionsCounted():
            return row(event, Stale.CARD, ReactionsAdded(event.counts), NOBODY)
        case ev.PostShared():
            return row(event, Stale.NOTHING, PostAdded(event.number), NOBODY, tasks=_post_tasks)
        case _:
            assert_never(event)


def _captioned_tasks(
    before: LiveSpace, event: ev.UtteranceCaptioned
) -> Iterator[tasks.OutboxTask]:
    yield tasks.PostCaption(
        before.space,
        event.utterance,
        event.speaker,
        event.name,
        event.start_ms,
        event.end_ms,
        event.text,
        event.language,
    )


def _captioned_calls(context: AppContext, before: LiveSpace, event: ev.UtteranceCaptioned) -> None:
    """Let the media worker forget the audio that is captioned."""
    context.stage.audio_taken(before.space, event.speaker, event.end_ms)


def _post_tasks(before: LiveSpace, event: ev.PostShared) -> Iterator[tasks.OutboxTask]:
    yield tasks.PinPost(before.space, event.number)
