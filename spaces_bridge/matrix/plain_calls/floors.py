"""The floor in calls: keys and prompts, what callers ask of the live space, what it answers."""

import itertools
import logging
from collections.abc import Callable, Coroutine, Hashable, Iterator, Sequence

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.opening import Opening, asked_to_open
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.plain_calls import floor as floors
from spaces_bridge.matrix.plain_calls import words
from spaces_bridge.matrix.plain_calls.book import Ongoing
from spaces_bridge.matrix.plain_calls.floor import Do, Say
from spaces_bridge.matrix.plain_calls.telling import CallTelling
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.prompts import Prompt

log = logging.getLogger(__name__)

NOT_NOW = Rejected("not_now", "That did not work just now. Try again in a moment.")

Spawn = Callable[[Hashable, Coroutine[None, None, None]], None]
"""Runs a coroutine later, one after the other for each key."""


class CallFloors:
    """The floor of each call, brought to what the live space is and what the person wants."""

    def __init__(
        self,
        spaces: Spaces,
        stage: PlainCallStage,
        telling: CallTelling,
        settings: MatrixSettings,
        spawn: Spawn,
    ) -> None:
        self._spaces = spaces
        self._stage = stage
        self._telling = telling
        self._settings = settings
        self._spawn = spawn
        self._numbers = itertools.count(spaces.context.clock.now_ms())

    def begin(self, ongoing: Ongoing) -> None:
        """Say where the person is: sound flows now."""
        view = self._view(ongoing)
        if view is None:
            return
        standing = floors.standing_of(view, ongoing.call.user)
        has_floor = standing is floors.FloorStanding.FLOOR
        ongoing.floor = floors.Floor(standing, is_muted=ongoing.floor.is_muted)
        self.say(ongoing, Prompt.FLOOR_OFFERED if has_floor else Prompt.WELCOME)

    def resume(self, ongoing: Ongoing) -> None:
        """Go on with a call of before a restart: who was on air by it still wants to be."""
        view = self._view(ongoing)
        if view is not None:
            user = ongoing.call.user
            by_this_call = self._stage.is_microphone(ongoing.call.session)
            is_open = by_this_call and user in view.on_air
            standing = floors.standing_of(view, user)
            ongoing.floor = floors.Floor(standing, wanted=is_open, is_open=is_open)

    def pressed(self, ongoing: Ongoing) -> None:
        """Act on the key, or on ✋ in the chat."""
        view, user = self._view(ongoing), ongoing.call.user
        if view is not None:
            hand, offered = user in view.requests, user in view.offers
            self.feel(ongoing, floors.Pressed(hand, offered, on_air=user in view.on_air))

    def changed(self, ongoing: Ongoing, view: LiveSpace, events: Sequence[ev.Event]) -> None:
        """Bring the call to what the live space is now."""
        user = ongoing.call.user
        for said in _about(user, events):
            self.feel(ongoing, said)
        standing = floors.standing_of(view, user)
        self.feel(ongoing, floors.Seen(standing, is_doubted=view.is_doubted(user)))

    def feel(self, ongoing: Ongoing, said: floors.Input) -> None:
        """Take a step of the floor's machine, and have done what follows."""
        ongoing.floor, acts = floors.step(ongoing.floor, said)
        for act in acts:
            if isinstance(act, Say):
                self.say(ongoing, act.prompt)
            elif act is Do.CLOSE:
                self._tell(ongoing, cmd.CloseMicrophone(ongoing.call.user))
            else:
                self._spawn(("floor", ongoing.call.session), self._do(ongoing, act))

    def say(self, ongoing: Ongoing, prompt: Prompt) -> None:
        """Play a prompt, and write it in the chat."""
        call = ongoing.call
        self._stage.play(call.session, prompt, ongoing.language)
        text = words.written(Say(prompt), ongoing.language, self._view(ongoing))
        source = f"{call.room}:{call.call}:{prompt}:{next(self._numbers)}"
        self._spawn(("words", call.room), self._telling.write(call.room, text, source))

    # --- the live space ------------------------------------------------------------------------

    async def _do(self, ongoing: Ongoing, act: Do) -> None:
        if not ongoing.is_on or ongoing.call.space is None:
            return
        if act is Do.OPEN:
            await self._open(ongoing, ongoing.call.space)
            return
        try:
            await self._ask(ongoing, ongoing.call.space, act)
        except Rejected as refusal:
            if act is not Do.LOWER:  # then it is down
                await self._refused(ongoing, refusal)
        except AdapterError as error:
            log.info("a caller's request did not get through: %s", error)
            await self._refused(ongoing, NOT_NOW)

    async def _ask(self, ongoing: Ongoing, space: SpaceId, act: Do) -> None:
        user = ongoing.call.user
        command: cmd.Command = cmd.CancelRequest(user)
        if act is Do.ASK:
            command = cmd.RequestToSpeak(user, self._spaces.context.clock.now_ms())
        elif act is Do.ACCEPT:
            command = cmd.AcceptInvitation(user)
        await self._spaces.ask(space, command)
        view = self._spaces.view(space)
        request = view.requests.get(user) if view is not None else None
        if act is Do.ASK and request is not None and request.state is RequestState.PENDING:
            self.feel(ongoing, floors.HandTaken())

    async def _refused(self, ongoing: Ongoing, refusal: Rejected) -> None:
        view = self._view(ongoing)
        way = f"https://matrix.to/#/{self._settings.alias(view.slug)}" if view is not None else ""
        self.feel(ongoing, floors.Refused())
        source = f"{ongoing.call.room}:{ongoing.call.call}:{next(self._numbers)}"
        await self._telling.write(ongoing.call.room, words.refused(refusal, way), source)

    async def _open(self, ongoing: Ongoing, space: SpaceId) -> None:
        user = ongoing.call.user

        def is_wanted() -> bool:
            return ongoing.is_on and ongoing.floor.is_open

        if not is_wanted():
            return
        self._stage.use_microphone(ongoing.call.session)
        came = await asked_to_open(self._spaces, space, user, is_wanted)
        if came is Opening.GONE:
            has_another = self._spaces.context.stage.has_microphone(space, user)
            if self._stage.is_microphone(ongoing.call.session) or not has_another:
                self._spaces.tell(space, cmd.CloseMicrophone(user))
        elif came is not Opening.OPEN:
            view = self._spaces.view(space)
            doubted = view is not None and view.is_doubted(user)
            shut = floors.Closed(ev.MicrophoneEnd.SUSPECTED) if doubted else floors.NotOpened()
            self.feel(ongoing, shut)

    def _tell(self, ongoing: Ongoing, command: cmd.Command) -> None:
        if ongoing.call.space is not None:
            self._spaces.tell(ongoing.call.space, command)

    def _view(self, ongoing: Ongoing) -> LiveSpace | None:
        space = ongoing.call.space
        return self._spaces.view(space) if space is not None else None


def _about(user: UserId, events: Sequence[ev.Event]) -> Iterator[floors.Input]:
    """Yield what events say about a caller's microphone and hand."""
    lifted = any(isinstance(event, ev.SpeakerUnmuted) and event.user == user for event in events)
    for event in events:
        match event:
            case ev.MicrophoneClosed(user=whose, why=why) if whose == user:
                if why is not ev.MicrophoneEnd.OWN:  # our own doing, or another device's
                    yield floors.Closed(why)
            case ev.SpeakerDenied(user=whose) if whose == user:
                yield floors.Declined()
            case ev.QueueCleared() if user in event.users:
                yield floors.Declined()
            case ev.SpeakRequestWithdrawn(user=whose) if whose == user and not lifted:
                yield floors.Declined()
