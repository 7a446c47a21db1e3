"""What an event asks of the ports that keep nothing: sound, captions, door, and of the chat."""

from spaces_bridge.app.world import World
from spaces_bridge.core import events as ev
from spaces_bridge.core.door import GuestPolicy
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace


def tell(world: World, before: LiveSpace, event: ev.Event) -> None:  # noqa: C901, PLR0912
    """Tell sound, captions and door what ``event`` asks of them."""
    space = before.space
    match event:
        case ev.SpaceStarted():
            world.stage.open_space(space, max(0, world.clock.now_ms() - event.at_ms))
        case ev.SpaceEnded():
            world.stage.close_space(space)
        case ev.MicrophoneOpened():
            if before.captions and world.settings.captions:
                world.captioner.open_track(space, event.user, before.language)
            world.stage.open_microphone(space, event.user)
        case ev.MicrophoneClosed():
            shut(world, space, event)
            world.captioner.close_track(space, event.user)
        case ev.FloorClosing() | ev.PersonLeft():
            world.stage.end_microphone_session(space, event.user)
        case ev.LevelChanged():
            if not event.role.may_speak:
                world.stage.end_microphone_session(space, event.user)
        case ev.UtteranceCaptioned():
            world.stage.audio_taken(space, event.speaker, event.end_ms)
        case ev.CaptionsSwitched():
            _switch_captions(world, before, event)
        case ev.PersonRemoved():
            world.stage.end_microphone_session(space, event.user)
            world.stage.end_listening(space, event.user)
            forget_words(world, space, event.user)
        case ev.GuestsLimited(policy):
            if policy is GuestPolicy.OFF:
                world.stage.end_guests(space, world.settings.domain)
        case ev.PersonJoined():
            if not before.person(event.user).joined:
                world.doorkeeper.entered(before, event.user)
        case ev.HostChanged():
            _check_everybody(world, evolve(before, event))
        case ev.PersonReadmitted():
            world.doorkeeper.readmitted(before, event.user, event.by)
        case _:
            return


def forget_words(world: World, space: SpaceId, user: UserId) -> None:
    """Whoever may not be here is not read here either."""
    news = world.chat.forget(space, user)
    if news is not None:
        world.audience.chatted(space, news)


def _check_everybody(world: World, space: LiveSpace) -> None:
    """The new host has a block list of their own."""
    for person in sorted(space.people.values(), key=lambda p: p.user):
        if person.joined:
            world.doorkeeper.entered(space, person.user)


def shut(world: World, space: SpaceId, event: ev.MicrophoneClosed) -> None:
    """Silence first; a lost floor ends the connection too."""
    world.stage.close_microphone(space, event.user)
    if event.why is ev.MicrophoneEnd.LOST_FLOOR:
        world.stage.end_microphone_session(space, event.user)


def _switch_captions(world: World, before: LiveSpace, event: ev.CaptionsSwitched) -> None:
    for user in sorted(before.on_air):
        if before.captions:
            world.captioner.close_track(before.space, user)
        if event.on and world.settings.captions:
            world.captioner.open_track(before.space, user, event.language)
