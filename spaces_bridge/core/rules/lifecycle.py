"""The rules of a live space's life, from creation to end: times, title, policy, the clock."""

from collections.abc import Iterator

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.limits import MOVES, MOVES_WITHIN_MS
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules.common import (
    refuse_if_ended,
    refuse_if_removed,
    refuse_unless_host,
)
from spaces_bridge.core.rules.floor import keep_promises
from spaces_bridge.core.text.writing import clean_text

TITLE_MAX = 200
"""The number of characters a title may have."""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
AHEAD_MAX_MS = 366 * DAY_MS
"""The longest time that a live space may be scheduled ahead."""

GIVEN_UP_MS = 6 * HOUR_MS
"""The time after which a scheduled live space that nobody started is called off."""

FORGOTTEN_MS = 7 * DAY_MS
"""The time after which a live space without a time that nobody started is called off."""

REMINDERS = {
    ev.Reminder.DAY_BEFORE: (-DAY_MS, -HOUR_MS),
    ev.Reminder.SOON: (-15 * MINUTE_MS, 0),
    ev.Reminder.HOST_DUE: (0, HOUR_MS),
}
"""The span in which each reminder is sent, from and until, counted from the scheduled time."""


def create(command: cmd.CreateSpace) -> ev.SpaceCreated:
    """Return the first event of a new live space. Raises Rejected for a bad title or time."""
    title = _title(command.title)
    if command.scheduled_at_ms is not None:
        _refuse_time(command.scheduled_at_ms, command.at_ms)
    return ev.SpaceCreated(
        space=command.space,
        slug=command.slug,
        title=title,
        host=command.by,
        host_name=command.host_name,
        at_ms=command.at_ms,
        private=command.private,
        speak_policy=command.speak_policy,
        scheduled_at_ms=command.scheduled_at_ms,
        levels=command.levels,
        max_speakers=command.max_speakers,
        language=command.language,
        captions=command.captions,
        community=command.community,
        max_cohosts=command.max_cohosts,
        queue_order=command.queue_order,
    )


def _title(text: str) -> str:
    title = " ".join(clean_text(text).split())
    if not title:
        raise Rejected("no_title", "A live space needs a title.")
    if len(title) > TITLE_MAX:
        raise Rejected(
            "title_too_long", "The title is longer than {most} characters.", most=TITLE_MAX
        )
    return title


def _refuse_time(scheduled_at_ms: int, now_ms: int) -> None:
    if scheduled_at_ms < now_ms:
        raise Rejected("in_the_past", "That time is in the past. Name one that is to come.")
    if scheduled_at_ms > now_ms + AHEAD_MAX_MS:
        raise Rejected("too_far", "That is more than a year ahead. Name a nearer time.")


def attach_room(space: LiveSpace, command: cmd.AttachRoom) -> Iterator[ev.Event]:
    if space.room is None:
        yield ev.RoomAttached(command.room)


def start_space(space: LiveSpace, command: cmd.StartSpace) -> Iterator[ev.Event]:
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    if space.phase is Phase.LIVE:
        raise Rejected("already_live", "This live space is live already.")
    if space.room is None:
        raise Rejected("no_room_yet", "The room is still being made. Try again in a moment.")
    yield ev.SpaceStarted(command.by, command.at_ms)


def end_space(space: LiveSpace, command: cmd.EndSpace) -> Iterator[ev.Event]:
    if command.by is not None:
        refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    yield from _end(space, command.at_ms, command.reason, command.by)


def _end(
    space: LiveSpace, at_ms: int, reason: str, by: UserId | None = None
) -> Iterator[ev.Event]:
    for user in sorted(space.microphones):
        yield ev.MicrophoneClosed(user, ev.MicrophoneEnd.SPACE_ENDED)
    yield ev.SpaceEnded(by, at_ms, reason)


def reschedule(space: LiveSpace, command: cmd.Reschedule) -> Iterator[ev.Event]:
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    if space.phase is Phase.LIVE:
        raise Rejected("already_live", "This live space is live already.")
    _refuse_time(command.scheduled_at_ms, command.at_ms)
    if command.scheduled_at_ms != space.scheduled_at_ms:
        moved = space.moved_at_ms
        if len(moved) >= MOVES and command.at_ms - moved[-MOVES] < MOVES_WITHIN_MS:
            raise Rejected("moved_often", "You have moved it often just now. Wait ten minutes.")
        yield ev.SpaceRescheduled(command.scheduled_at_ms, command.at_ms)


def retitle(space: LiveSpace, command: cmd.Retitle) -> Iterator[ev.Event]:
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    title = _title(command.title)
    if title != space.title:
        yield ev.SpaceRetitled(title)


def set_speak_policy(space: LiveSpace, command: cmd.SetSpeakPolicy) -> Iterator[ev.Event]:
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    if command.policy is not space.speak_policy:
        yield ev.SpeakPolicyChanged(command.policy)


def set_captions(space: LiveSpace, command: cmd.SetCaptions) -> Iterator[ev.Event]:
    refuse_unless_host(space, command.by)
    refuse_if_ended(space)
    language = command.language or space.language
    if (command.on, language) != (space.captions, space.language):
        yield ev.CaptionsSwitched(command.on, language)


def want_reminder(space: LiveSpace, command: cmd.WantReminder) -> Iterator[ev.Event]:
    refuse_if_ended(space)
    if space.phase is Phase.LIVE:
        raise Rejected("come_in", "It is live already: come in!")
    refuse_if_removed(space, command.by)
    if command.by not in space.reminded:
        yield ev.ReminderWanted(command.by)


def drop_reminder(space: LiveSpace, command: cmd.DropReminder) -> Iterator[ev.Event]:
    if command.by in space.reminded:
        yield ev.ReminderDropped(command.by)


def note_host_away(space: LiveSpace, command: cmd.NoteHostAway) -> Iterator[ev.Event]:
    """Note that the host's page is gone, if the host has opened a microphone here."""
    # a host who has never opened a microphone here hosts by other means than the page
    vanished = command.by == space.host and command.by in space.spoke
    if space.phase is Phase.LIVE and vanished and not space.host_left_page:
        yield ev.HostLeftPage(command.by)


def note_host_back(space: LiveSpace, command: cmd.NoteHostBack) -> Iterator[ev.Event]:
    here = space.person(command.by).joined
    if command.by == space.host and here and space.host_left_page:
        yield ev.HostReturned(command.by)


def pass_time(space: LiveSpace, command: cmd.PassTime) -> Iterator[ev.Event]:
    """Yield what is due at this time; that is nothing most of the time."""
    if space.phase is Phase.SCHEDULED:
        yield from _while_scheduled(space, command.at_ms)
    elif space.phase is Phase.LIVE:
        yield from _while_live(space, command)


def _while_scheduled(space: LiveSpace, now_ms: int) -> Iterator[ev.Event]:
    at_ms = space.scheduled_at_ms
    over_ms = space.planned_at_ms + FORGOTTEN_MS if at_ms is None else at_ms + GIVEN_UP_MS
    if now_ms >= over_ms:
        yield from _end(space, now_ms, "nobody started it")
        return
    if at_ms is None:
        return
    for kind, (begin_ms, end_ms) in REMINDERS.items():
        due = at_ms + begin_ms <= now_ms < at_ms + end_ms
        known_before = space.planned_at_ms < at_ms + begin_ms
        if due and known_before and kind not in space.reminders_sent:
            yield ev.ReminderDue(kind)


def _while_live(space: LiveSpace, command: cmd.PassTime) -> Iterator[ev.Event]:
    yield from keep_promises(space, command.at_ms)
    if space.host_present:
        if space.host_missed_at_ms is not None:
            yield ev.HostReturned(space.host)
        return
    if space.host_missed_at_ms is None:
        yield ev.HostMissed(command.at_ms)
        return
    coming = Role.HOST in space.appointments.values()
    if coming or command.at_ms < space.host_missed_at_ms + command.host_grace_ms:
        return
    if space.heirs:
        yield ev.RoleAppointed(space.heirs[0], Role.HOST, by=None)
    else:
        yield from _end(space, command.at_ms, "the host is gone")
