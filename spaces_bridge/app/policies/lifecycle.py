"""The consequences of lifecycle events: the life of a live space as a whole."""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.app import tasks
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.policies.common import ALL, NOBODY, STAGE, UNSEEN, take_level
from spaces_bridge.app.policies.consequences import Consequences, Stale, row
from spaces_bridge.core import events as ev
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.text.dates import shown_utc


def consequences_of(event: ev.LifecycleEvent) -> Consequences:
    """Return what follows from `event`."""
    match event:
        case ev.RoomAttached():
            return row(event, Stale.PLAN | Stale.ARRANGEMENT, STAGE, NOBODY)
        case ev.SpaceStarted():
            stale = Stale.PLAN | Stale.CALL
            return row(event, stale, STAGE, ALL, tasks=_started_tasks, calls=_started_calls)
        case ev.SpaceEnded():
            stale = Stale.PLAN | Stale.ARRANGEMENT | Stale.CALL
            return row(event, stale, STAGE, ALL, tasks=_ended_tasks, calls=_ended_calls)
        case ev.SpaceRescheduled():
            return row(event, Stale.PLAN, STAGE, NOBODY, tasks=_rescheduled_tasks)
        case ev.SpaceRetitled():
            return row(event, Stale.PLAN, STAGE, NOBODY)
        case ev.SpeakPolicyChanged():
            return row(event, Stale.STATE | Stale.CARD, STAGE, NOBODY)
        case ev.CaptionsSwitched():
            return row(
                event,
                Stale.STATE | Stale.CARD,
                STAGE,
                NOBODY,
                tasks=_captions_tasks,
                calls=_captions_calls,
            )
        case ev.ReminderWanted() | ev.ReminderDropped():
            return row(event, Stale.NOTHING, UNSEEN, (event.user,))
        case ev.ReminderDue():
            return row(event, Stale.NOTHING, UNSEEN, NOBODY, tasks=_reminder_tasks)
        case _:
            assert_never(event)


def _started_tasks(before: LiveSpace, event: ev.SpaceStarted) -> Iterator[tasks.OutboxTask]:
    if not before.private or before.reminded:
        yield tasks.AnnounceLive(before.space)
    yield tasks.RingFollowers(before.space, event.at_ms)
    yield tasks.CallWaiting(before.space, event.at_ms)


def _started_calls(context: AppContext, before: LiveSpace, event: ev.SpaceStarted) -> None:
    context.stage.open_space(before.space, max(0, context.clock.now_ms() - event.at_ms))


def _ended_tasks(before: LiveSpace, event: ev.SpaceEnded) -> Iterator[tasks.OutboxTask]:
    """Yield the tasks to take back levels, ghosts and bans lent for the evening, and say why."""
    coming = {u for u, r in before.requests.items() if r.state is RequestState.ACCEPTED}
    for person in sorted(before.people.values(), key=lambda p: p.user):
        if person.guest and (person.joined or person.user in coming):
            yield from take_level(before, person.user)
    for user, removal in sorted(before.removed.items()):
        if not removal.blocked:
            yield tasks.UnbanPerson(before.space, user)
    if before.phase is Phase.SCHEDULED:
        for user in sorted(before.reminded - {before.host}):
            yield tasks.TellUser(user, f"“{before.title}” is called off.")
        if event.by is None:
            why = event.reason or "nobody started it"
            text = f"“{before.title}” was called off: {why}. `create` makes a new one."
            yield tasks.TellUser(before.host, text)
    elif event.by is None:
        why = f": {event.reason}" if event.reason else ""
        yield tasks.Announce(before.space, f"This live space has ended{why}.")


def _ended_calls(context: AppContext, before: LiveSpace, _event: ev.SpaceEnded) -> None:
    context.stage.close_space(before.space)


def _rescheduled_tasks(
    before: LiveSpace, event: ev.SpaceRescheduled
) -> Iterator[tasks.OutboxTask]:
    for user in sorted(before.reminded):
        time = shown_utc(event.scheduled_at_ms)
        yield tasks.TellUser(user, f"“{before.title}” has a new time: {time}.")


def _captions_tasks(before: LiveSpace, event: ev.CaptionsSwitched) -> Iterator[tasks.OutboxTask]:
    if event.on is not before.captions:
        text = "Captions are on." if event.on else "Captions are off: nothing is written down."
        yield tasks.Announce(before.space, text)


def _captions_calls(context: AppContext, before: LiveSpace, event: ev.CaptionsSwitched) -> None:
    """Caption all who are on air in the present language, or stop captioning them."""
    for user in sorted(before.on_air):
        if before.captions:
            context.captioner.close_track(before.space, user)
        if event.on and context.settings.captions:
            context.captioner.open_track(before.space, user, event.language)


def _reminder_tasks(before: LiveSpace, event: ev.ReminderDue) -> Iterator[tasks.OutboxTask]:
    host_alone = event.kind is ev.Reminder.HOST_DUE
    everybody = {before.host} if host_alone else before.reminded | {before.host}
    for user in sorted(everybody):
        yield tasks.RemindPerson(before.space, user, event.kind)
