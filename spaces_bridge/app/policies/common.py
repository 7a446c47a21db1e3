"""The parts that the consequences of several events share."""

from collections.abc import Iterator
from typing import Final

from spaces_bridge.app import tasks
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.policies.consequences import Everybody, Notice, StageChanged, Unseen
from spaces_bridge.core import events as ev
from spaces_bridge.core.display_names import DisplayNames, called
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say

ALL: Final = Everybody.EVERYBODY
NOBODY: Final = ()
STAGE: Final = StageChanged()
UNSEEN: Final = Unseen()

# --- words ---------------------------------------------------------------------------------------


def to_account(before: LiveSpace, user: UserId, text: str) -> Iterator[tasks.OutboxTask]:
    """Yield the task to tell one person a sentence; guests are told on the page."""
    if not before.person(user).guest:
        yield tasks.TellUser(user, text)


def to_moderators(before: LiveSpace, text: str) -> Iterator[tasks.OutboxTask]:
    """Yield the tasks to tell host and co-hosts a sentence."""
    for moderator in before.moderators:
        yield tasks.TellUser(moderator, text)


def name_in_room(before: LiveSpace, user: UserId) -> str:
    """Return a person's name for the room; guests without the floor stay nameless."""
    person = before.person(user)
    if person.guest and not person.joined:
        return "A guest"
    return called(before, user) or user


def demoted(user: UserId) -> Notice:
    """Return the notice to a person whose floor somebody else has taken."""
    return user, say("demoted", "A host has ended your turn to speak. You can still listen.")


# --- tasks ---------------------------------------------------------------------------------------


def redact(
    space: SpaceId, reaction: EventId | None, *, crowd: bool = False
) -> Iterator[tasks.OutboxTask]:
    """Yield the task to redact the reaction that was a hand, if there is one."""
    if reaction is not None:
        yield tasks.RedactEvent(space, reaction, crowd=crowd)


def take_level(before: LiveSpace, user: UserId) -> Iterator[tasks.OutboxTask]:
    """Yield the tasks to delete a person's own `users` entry, and with it a guest's ghost."""
    yield tasks.WriteLevel(before.space, user, None)
    if before.person(user).guest:
        yield tasks.UnseatGuest(before.space, user)


def unseat(before: LiveSpace, user: UserId) -> Iterator[tasks.OutboxTask]:
    """Yield the task to let a guest's ghost leave: it is in the room for the floor only."""
    person = before.person(user)
    if person.guest and person.joined:
        yield tasks.UnseatGuest(before.space, user)


def hide_guest_names(
    before: LiveSpace,
    event: ev.PersonJoined | ev.LevelChanged | ev.RoleAppointed | ev.HostChanged,
) -> Iterator[tasks.OutboxTask]:
    """Yield the tasks to hide names of guests on stage that look like those of people with a role.

    Pages derive the same by themselves; a ghost has its name with the homeserver.
    """
    if not any(p.guest for p in before.people.values()):
        return
    after = evolve(before, event)
    plates = DisplayNames(after)
    for person in after.people.values():
        seated = person.guest and person.joined and not plates.is_nameless(person.name)
        if seated and plates.hides(person.user, person.name):
            yield tasks.HideGuestName(before.space, person.user)


# --- calls ---------------------------------------------------------------------------------------


def shut(context: AppContext, space: SpaceId, event: ev.MicrophoneClosed) -> None:
    """Silence a microphone; a lost floor ends the connection, too."""
    context.stage.close_microphone(space, event.user)
    if event.why is ev.MicrophoneEnd.LOST_FLOOR:
        context.stage.end_microphone_session(space, event.user)


def end_microphone(
    context: AppContext, before: LiveSpace, event: ev.FloorClosing | ev.PersonLeft
) -> None:
    """End the microphone's connection of a person who lost the floor."""
    context.stage.end_microphone_session(before.space, event.user)


def forget_words(context: AppContext, space: SpaceId, user: UserId) -> None:
    """Drop the chat lines of a person who may not be here."""
    news = context.chat.forget(space, user)
    if news is not None:
        context.audience.chatted(space, news)
