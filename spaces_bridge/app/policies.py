"""What follows from an event: the only place that says "then".

``effects_of`` are wishes towards Matrix, stored with the event in one transaction. ``tell`` goes
to the ports that keep nothing: sound, captions, page. Both may be repeated safely.
"""

from collections.abc import Iterator

from spaces_bridge.app import codec
from spaces_bridge.app import wishes as wish
from spaces_bridge.app.records import Effect
from spaces_bridge.app.world import World
from spaces_bridge.core import events as ev
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role


def card(space: SpaceId) -> Effect:
    """Make the live card true."""
    return codec.effect_of(wish.RefreshCard(space), f"card:{space}", collapse=True)


def state(space: SpaceId) -> Effect:
    """Make the room's state true."""
    return codec.effect_of(wish.PublishState(space), f"state:{space}", collapse=True)


def effects_of(
    before: LiveSpace, event: ev.Event, seq: int, now_ms: int, reaction_ttl_ms: int
) -> Iterator[Effect]:
    """The wishes that ``event`` leads to; keys are made of the event's place in the journal."""
    space = before.space
    for index, wanted in enumerate(_wishes(before, event)):
        yield codec.effect_of(wanted, f"{space}:{seq}:{index}")
    if isinstance(event, ev.Reacted) and event.annotation is not None:
        redaction = wish.RedactEvent(space, event.annotation)
        yield codec.effect_of(redaction, f"{space}:{seq}:ttl", now_ms + reaction_ttl_ms)
    if isinstance(event, ev.RoomAttached | ev.SpaceStarted | ev.SpaceEnded | ev.LevelChanged):
        yield state(space)
    if _shows_on_card(before, event):
        yield card(space)


def _shows_on_card(before: LiveSpace, event: ev.Event) -> bool:
    if isinstance(event, ev.UtteranceCaptioned | ev.PersonInvited):
        return False
    return before.room is not None or isinstance(event, ev.RoomAttached)


def _wishes(before: LiveSpace, event: ev.Event) -> Iterator[wish.Wish]:
    if isinstance(event, ev.UtteranceCaptioned):
        yield _caption(before, event)
    elif isinstance(event, ev.PersonInvited):
        yield wish.InviteByMessage(before.space, event.user, event.by)
    elif isinstance(event, ev.FloorClosing | ev.LevelForfeited):
        yield from _take_level(before, event.user)
    elif isinstance(event, ev.SpaceEnded):
        yield from _send_guests_home(before)
    elif isinstance(event, ev.LevelChanged):
        yield from _level_changed(before, event)
    else:
        yield from _hand_wishes(before, event)


def _hand_wishes(before: LiveSpace, event: ev.Event) -> Iterator[wish.Wish]:
    if isinstance(event, ev.SpeakRequested):
        for moderator in before.moderators:
            yield wish.PromptModerator(before.space, moderator, event.user, event.guest)
    elif isinstance(event, ev.SpeakRequestWithdrawn):
        yield from _redact(before.space, event.reaction)
        yield from _unseat(before, event.user)
    elif isinstance(event, ev.SpeakerDenied):
        yield from _redact(before.space, event.reaction)
        yield from _unseat(before, event.user)
        text = f"Your request to speak in “{before.title}” was declined."
        yield from _tell_account(before, event.user, text)
    elif isinstance(event, ev.SpeakerApproved):
        yield from _grant(before, event)
    elif isinstance(event, ev.GrantRefused):
        yield from _tell_moderators(before, event)
        yield from _unseat(before, event.user)


def _caption(before: LiveSpace, event: ev.UtteranceCaptioned) -> wish.Wish:
    return wish.PostCaption(
        before.space,
        event.utterance,
        event.speaker,
        event.name,
        event.start_ms,
        event.end_ms,
        event.text,
        event.language,
    )


def _send_guests_home(before: LiveSpace) -> Iterator[wish.Wish]:
    coming = {u for u, r in before.requests.items() if r.state is RequestState.ACCEPTED}
    for person in sorted(before.people.values(), key=lambda p: p.user):
        if person.guest and (person.joined or person.user in coming):
            yield from _take_level(before, person.user)


def _redact(space: SpaceId, reaction: EventId | None) -> Iterator[wish.Wish]:
    if reaction is not None:
        yield wish.RedactEvent(space, reaction)


def _grant(before: LiveSpace, event: ev.SpeakerApproved) -> Iterator[wish.Wish]:
    person = before.person(event.user)
    if person.guest:
        yield wish.SeatGuest(before.space, event.user, person.name)
    yield wish.WriteLevel(before.space, event.user, before.levels.speaker)
    yield from _redact(before.space, event.reaction)


def _take_level(before: LiveSpace, user: UserId) -> Iterator[wish.Wish]:
    yield wish.WriteLevel(before.space, user, None)
    if before.person(user).guest:
        yield wish.UnseatGuest(before.space, user)


def _level_changed(before: LiveSpace, event: ev.LevelChanged) -> Iterator[wish.Wish]:
    person = before.person(event.user)
    had = before.role(event.user).may_speak
    rose = event.role.may_speak and not had and event.role is Role.SPEAKER
    if rose and before.phase is Phase.LIVE and person.joined and not person.guest:
        yield wish.OfferFloor(before.space, event.user)
    if had and not event.role.may_speak and event.user not in before.closing:
        yield from _unseat(before, event.user)


def _unseat(before: LiveSpace, user: UserId) -> Iterator[wish.Wish]:
    """A guest's ghost is in the room for the floor only."""
    person = before.person(user)
    if person.guest and person.joined:
        yield wish.UnseatGuest(before.space, user)


def _tell_account(before: LiveSpace, user: UserId, text: str) -> Iterator[wish.Wish]:
    if not before.person(user).guest:
        yield wish.TellUser(user, text)


def _tell_moderators(before: LiveSpace, event: ev.GrantRefused) -> Iterator[wish.Wish]:
    text = (
        f"The homeserver refused to give {event.user} the floor in “{before.title}”"
        f" ({event.reason}). Their hand is up again; approve once more to retry."
    )
    for moderator in before.moderators:
        yield wish.TellUser(moderator, text)


def tell(world: World, before: LiveSpace, event: ev.Event) -> None:
    """Tell sound and captions what ``event`` asks of them."""
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
        case _:
            return


def shut(world: World, space: SpaceId, event: ev.MicrophoneClosed) -> None:
    """Silence first; a lost floor ends the connection too."""
    world.stage.close_microphone(space, event.user)
    if event.why is ev.MicrophoneEnd.LOST_FLOOR:
        world.stage.end_microphone_session(space, event.user)
