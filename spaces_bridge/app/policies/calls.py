"""What an event asks of the ports that keep nothing: sound, captions, door, and of the chat."""

from spaces_bridge.app.world import World
from spaces_bridge.core import events as ev
from spaces_bridge.core.door import GuestPolicy
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace

# --- sound and captions --------------------------------------------------------------------------


def open_stage(world: World, before: LiveSpace, event: ev.SpaceStarted) -> None:
    """Have the sound begin, with the time that has passed since the start."""
    world.stage.open_space(before.space, max(0, world.clock.now_ms() - event.at_ms))


def close_stage(world: World, before: LiveSpace, _event: ev.SpaceEnded) -> None:
    """Have the sound end."""
    world.stage.close_space(before.space)


def open_microphone(world: World, before: LiveSpace, event: ev.MicrophoneOpened) -> None:
    """Have the voice heard, and captioned where captions are on."""
    if before.captions and world.settings.captions:
        world.captioner.open_track(before.space, event.user, before.language)
    world.stage.open_microphone(before.space, event.user)


def close_microphone(world: World, before: LiveSpace, event: ev.MicrophoneClosed) -> None:
    """Have the voice silenced, and its last words captioned."""
    shut(world, before.space, event)
    world.captioner.close_track(before.space, event.user)


def shut(world: World, space: SpaceId, event: ev.MicrophoneClosed) -> None:
    """Silence first; a lost floor ends the connection too."""
    world.stage.close_microphone(space, event.user)
    if event.why is ev.MicrophoneEnd.LOST_FLOOR:
        world.stage.end_microphone_session(space, event.user)


def end_microphone(
    world: World, before: LiveSpace, event: ev.FloorClosing | ev.PersonLeft
) -> None:
    """End the connection of whoever lost the floor."""
    world.stage.end_microphone_session(before.space, event.user)


def level_changed(world: World, before: LiveSpace, event: ev.LevelChanged) -> None:
    """End the connection of whoever lost the floor."""
    if not event.role.may_speak:
        world.stage.end_microphone_session(before.space, event.user)


def audio_taken(world: World, before: LiveSpace, event: ev.UtteranceCaptioned) -> None:
    """Let the media worker forget what is captioned."""
    world.stage.audio_taken(before.space, event.speaker, event.end_ms)


def switch_captions(world: World, before: LiveSpace, event: ev.CaptionsSwitched) -> None:
    """Caption, or stop captioning, all who are on air."""
    for user in sorted(before.on_air):
        if before.captions:
            world.captioner.close_track(before.space, user)
        if event.on and world.settings.captions:
            world.captioner.open_track(before.space, user, event.language)


# --- the door ------------------------------------------------------------------------------------


def check_newcomer(world: World, before: LiveSpace, event: ev.PersonJoined) -> None:
    """Have whoever was not here looked up in block lists and policy lists."""
    if not before.person(event.user).joined:
        world.doorkeeper.entered(before, event.user)


def check_everybody(world: World, before: LiveSpace, event: ev.HostChanged) -> None:
    """The new host has a block list of their own."""
    space = evolve(before, event)
    for person in sorted(space.people.values(), key=lambda p: p.user):
        if person.joined:
            world.doorkeeper.entered(space, person.user)


def show_out(world: World, before: LiveSpace, event: ev.PersonRemoved) -> None:
    """End what the person says, hears, and has written."""
    world.stage.end_microphone_session(before.space, event.user)
    world.stage.end_listening(before.space, event.user)
    forget_words(world, before.space, event.user)


def forget_words(world: World, space: SpaceId, user: UserId) -> None:
    """Whoever may not be here is not read here either."""
    news = world.chat.forget(space, user)
    if news is not None:
        world.audience.chatted(space, news)


def readmitted(world: World, before: LiveSpace, event: ev.PersonReadmitted) -> None:
    """Have the blocks looked at that kept the person out."""
    world.doorkeeper.readmitted(before, event.user, event.by)


def limit_guests(world: World, before: LiveSpace, event: ev.GuestsLimited) -> None:
    """End the sound of all guests where none may be here."""
    if event.policy is GuestPolicy.OFF:
        world.stage.end_guests(before.space, world.settings.domain)
