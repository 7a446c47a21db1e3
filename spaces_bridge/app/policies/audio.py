"""The consequences of audio events: microphones, mutes and volumes."""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.app import tasks
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.policies.common import STAGE, shut, to_account
from spaces_bridge.app.policies.consequences import Consequences, Notice, Stale, row
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say


def consequences_of(event: ev.AudioEvent) -> Consequences:
    """Return what follows from `event`."""
    match event:
        case ev.SpeakerMuted():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_muted_tasks,
                notices=_muted_notices,
            )
        case ev.SpeakerUnmuted():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_unmuted_tasks,
                notices=_unmuted_notices,
            )
        case ev.VolumeSet():
            return row(event, Stale.NOTHING, STAGE, (event.user,), calls=_volume_calls)
        case ev.MicrophoneOpened():
            return row(event, Stale.CARD, STAGE, (event.user,), calls=_opened_calls)
        case ev.MicrophoneClosed():
            return row(event, Stale.CARD, STAGE, (event.user,), calls=_closed_calls)
        case _:
            assert_never(event)


def _muted_tasks(before: LiveSpace, event: ev.SpeakerMuted) -> Iterator[tasks.OutboxTask]:
    text = f"A host has muted you in “{before.title}”. Raise your hand to ask to go on."
    yield from to_account(before, event.user, text)


def _muted_notices(
    _before: LiveSpace, _now: LiveSpace, event: ev.SpeakerMuted
) -> Iterator[Notice]:
    text = "A host has muted you. Raise your hand to ask to go on."
    yield event.user, say("muted_by_host", text)


def _unmuted_tasks(before: LiveSpace, event: ev.SpeakerUnmuted) -> Iterator[tasks.OutboxTask]:
    if before.role(event.user).may_speak:
        text = f"You may switch your microphone on again in “{before.title}”."
        yield from to_account(before, event.user, text)


def _unmuted_notices(
    _before: LiveSpace, _now: LiveSpace, event: ev.SpeakerUnmuted
) -> Iterator[Notice]:
    yield event.user, say("unmuted", "You may switch your microphone on again.")


def _opened_calls(context: AppContext, before: LiveSpace, event: ev.MicrophoneOpened) -> None:
    if before.captions and context.settings.captions:
        context.captioner.open_track(before.space, event.user, before.language)
    context.stage.open_microphone(before.space, event.user)


def _volume_calls(context: AppContext, before: LiveSpace, event: ev.VolumeSet) -> None:
    context.stage.set_volumes(before.space, evolve(before, event).volumes)


def _closed_calls(context: AppContext, before: LiveSpace, event: ev.MicrophoneClosed) -> None:
    shut(context, before.space, event)
    context.captioner.close_track(before.space, event.user)
