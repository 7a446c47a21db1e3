"""What follows from the life of a live space as a whole."""

from collections.abc import Iterator

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.policies.names import hide_guest_names
from spaces_bridge.app.policies.people import take_level
from spaces_bridge.app.policies.words import name_of
from spaces_bridge.core import events as ev
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.moments import shown_utc


def announce(before: LiveSpace, _event: ev.SpaceStarted) -> Iterator[wish.Wish]:
    """Tell followers, and those who asked for it, that it is live."""
    if not before.private or before.reminded:
        yield wish.AnnounceLive(before.space)


def ended(before: LiveSpace, event: ev.SpaceEnded) -> Iterator[wish.Wish]:
    """Give back what was lent for the evening: levels, ghosts, bans; and say why it ended."""
    coming = {u for u, r in before.requests.items() if r.state is RequestState.ACCEPTED}
    for person in sorted(before.people.values(), key=lambda p: p.user):
        if person.guest and (person.joined or person.user in coming):
            yield from take_level(before, person.user)
    for user, removal in sorted(before.removed.items()):
        if not removal.blocked:
            yield wish.UnbanPerson(before.space, user)
    if before.phase is Phase.SCHEDULED:
        for user in sorted(before.reminded - {before.host}):
            yield wish.TellUser(user, f"“{before.title}” is called off.")
        if event.by is None:
            why = event.reason or "nobody started it"
            text = f"“{before.title}” was called off: {why}. `create` makes a new one."
            yield wish.TellUser(before.host, text)
    elif event.by is None:
        why = f": {event.reason}" if event.reason else ""
        yield wish.Announce(before.space, f"This live space has ended{why}.")


def rescheduled(before: LiveSpace, event: ev.SpaceRescheduled) -> Iterator[wish.Wish]:
    """Tell those who asked for a reminder of the new time."""
    for user in sorted(before.reminded):
        time = shown_utc(event.scheduled_at_ms)
        yield wish.TellUser(user, f"“{before.title}” has a new time: {time}.")


def remind(before: LiveSpace, event: ev.ReminderDue) -> Iterator[wish.Wish]:
    """Remind the host, and but for ``HOST_DUE`` everybody who asked for it."""
    host_alone = event.kind is ev.Reminder.HOST_DUE
    everybody = {before.host} if host_alone else before.reminded | {before.host}
    for user in sorted(everybody):
        yield wish.RemindPerson(before.space, user, event.kind)


def captions_switched(before: LiveSpace, event: ev.CaptionsSwitched) -> Iterator[wish.Wish]:
    """Tell the room, unless captions were so before."""
    if event.on is not before.captions:
        text = "Captions are on." if event.on else "Captions are off: nothing is written down."
        yield wish.Announce(before.space, text)


def captioned(before: LiveSpace, event: ev.UtteranceCaptioned) -> Iterator[wish.Wish]:
    """Write the utterance into the room."""
    yield wish.PostCaption(
        before.space,
        event.utterance,
        event.speaker,
        event.name,
        event.start_ms,
        event.end_ms,
        event.text,
        event.language,
    )


def post_shared(before: LiveSpace, event: ev.PostShared) -> Iterator[wish.Wish]:
    """Show the link in the room and pin it."""
    yield wish.PinPost(before.space, event.number)


# --- a lost host ---------------------------------------------------------------------------------


def host_missed(before: LiveSpace, _event: ev.HostMissed) -> Iterator[wish.Wish]:
    """Tell the room and the host what happens unless the host comes back."""
    heirs = before.heirs
    then = f"{name_of(before, heirs[0])} takes over" if heirs else "the live space ends"
    text = f"{name_of(before, before.host)} seems to be gone. Unless they come back soon, {then}."
    yield wish.Announce(before.space, text)
    yield wish.TellUser(
        before.host,
        f"You are missed in “{before.title}”. Come back to the page or write something in its "
        f"room; else {then}.",
    )


def host_returned(before: LiveSpace, _event: ev.HostReturned) -> Iterator[wish.Wish]:
    """Tell the room, where the host was missed there."""
    if before.host_missed_at_ms is not None:
        yield wish.Announce(before.space, f"{name_of(before, before.host)} is back.")


def host_changed(before: LiveSpace, event: ev.HostChanged) -> Iterator[wish.Wish]:
    """Tell the room and the new host; the new role may hide guests’ names."""
    yield wish.Announce(before.space, f"{name_of(before, event.user)} is the host now.")
    text = f"You host “{before.title}” now: everything is in your hands, also `end`."
    yield wish.TellUser(event.user, text)
    yield from hide_guest_names(before, event)
