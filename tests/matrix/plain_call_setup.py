"""Plain calls without a homeserver: real live spaces and calls, sound on paper.

`PaperPlainStage` does what the port says; `test_plain_calls_e2e.py` runs the real one.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from spaces_bridge.app.audiences import Audiences
from spaces_bridge.app.context import AppSettings
from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.plain_call_ports import (
    PlainCallAnswer,
    PlainCallListener,
    PlainCallOffer,
)
from spaces_bridge.app.ports import MediaSession
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.events.translate import Message, Reaction, meaning_of
from spaces_bridge.matrix.plain_calls.service import PlainCalls
from spaces_bridge.matrix.plain_calls.tasks import PlainCallTasks
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, HOST, ROOM

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")
BOT = SETTINGS.bot
DM = RoomId("!dm")
SPACE = CREATE.space
PATIENCE_S = 60.0


class PaperPlainStage:
    """Implements `PlainCallStage`: each call gets a number, and nothing sounds."""

    def __init__(self) -> None:
        self.listener: PlainCallListener | None = None
        self.acts: list[tuple[str, ...]] = []
        self.on: dict[str, UserId] = {}
        self.connected: set[str] = set()
        self.microphones: set[str] = set()
        self.failure: AdapterError | None = None
        self.held = False
        self.gate: asyncio.Event | None = None

    def attend_plain_calls(self, listener: PlainCallListener) -> None:
        self.listener = listener

    def _made(self, user: UserId) -> str:
        if self.failure is not None:
            raise self.failure
        session = f"session{len(self.acts)}"
        self.on[session] = user
        return session

    def send_away(self, user: UserId) -> None:
        """End the calls of one person, who may not listen any more, and tell of it."""
        for session in [session for session, whose in self.on.items() if whose == user]:
            del self.on[session]
            if self.listener is not None:
                self.listener.plain_call_ended(session, "it was sent away")

    async def answer(self, space: SpaceId, user: UserId, sdp: str) -> MediaSession:
        if self.gate is not None:
            await self.gate.wait()
        session = self._made(user)
        self.acts.append(("answer", session, sdp))
        return MediaSession(session, f"answer to {sdp}")

    async def renegotiate(self, session: str, sdp: str) -> PlainCallAnswer:
        if self.failure is not None:
            raise self.failure
        self.acts.append(("renegotiate", session, sdp))
        return PlainCallAnswer(f"answer to {sdp}", is_held="sendonly" in sdp)

    async def dial(self, space: SpaceId, user: UserId) -> PlainCallOffer:
        session = self._made(user)
        self.acts.append(("dial", session))
        return PlainCallOffer(session, "our offer")

    async def accept(self, session: str, sdp: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.acts.append(("accept", session, sdp))

    def take_up(self, session: str) -> bool:
        return session in self.on

    def is_connected(self, session: str) -> bool:
        return session in self.connected

    def is_microphone(self, session: str) -> bool:
        return session in self.microphones

    def use_microphone(self, session: str) -> None:
        self.acts.append(("use_microphone", session))
        self.microphones.add(session)

    def play(self, session: str, prompt: str, language: str) -> None:
        self.acts.append(("play", prompt, language))

    def did(self, what: str) -> list[tuple[str, ...]]:
        return [act[1:] for act in self.acts if act[0] == what]


class Timers:
    """Timers that run out when a test says so."""

    def __init__(self) -> None:
        self.set: list[_Timer] = []

    def call_later(self, seconds: float, act: Callable[[], None]) -> Any:  # noqa: ANN401 - a handle
        timer = _Timer(seconds, act)
        self.set.append(timer)
        return timer

    def run_out(self) -> None:
        for timer in self.set:
            if not timer.cancelled:
                timer.cancelled = True
                timer.act()


@dataclass(slots=True)
class _Timer:
    seconds: float
    act: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Bot:
    """The bot's client, as far as calls need it."""

    user = BOT

    def __init__(self) -> None:
        self.members: dict[RoomId, set[UserId]] = {DM: {BOT, BEN}}
        self.sent: list[tuple[RoomId, str, Mapping[str, Any]]] = []
        self.failure: Exception | None = None

    async def joined(self, room: RoomId) -> dict[UserId, str | None]:
        return dict.fromkeys(self.members.get(room, set()))

    async def send(
        self, room: RoomId, type_: str, content: Mapping[str, Any], key: str
    ) -> EventId:
        if self.failure is not None:
            raise self.failure
        self.sent.append((room, type_, content))
        return EventId(f"${key}")

    async def room_for(self, user: UserId, title: str = "", word: str = "") -> RoomId:
        return DM


class PlainCallSetup:
    """A live space with Ada as host and Ben in its room; Ben and the bot alone in a chat."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.recorder = recorder or Recorder()
        self.recorder.now = 1_000_000
        self.bot, self.stage, self.timers = Bot(), PaperPlainStage(), Timers()
        self.barred: set[UserId] = set()
        self._events = 0
        audiences = Audiences()
        context = self.recorder.context(AppSettings(domain="example.org", bot=BOT))
        self.spaces = Spaces(replace(context, audience=audiences))
        self.calling = Calling(self.spaces, lambda _, user: user in self.barred)
        every: Any = self.bot
        self.store = DmStore(self.recorder.notes)
        self.calls = PlainCalls(
            every,
            self.spaces,
            self.calling,
            self.store,
            SETTINGS,
            self.stage,
            self.timers.call_later,
        )
        self.tasks = PlainCallTasks(every, every, self.spaces, self.calling, self.calls)
        self.stage.attend_plain_calls(self.calls)
        self.recorder.on_sent_away = self.stage.send_away
        audiences.add(self.calls)

    async def __aenter__(self) -> Self:
        await self.calls.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.calls.stop()
        await self.spaces.stop()

    async def go_live(self, command: cmd.CreateSpace = CREATE, room: RoomId = ROOM) -> None:
        """Make a live space and let it go live."""
        space, host = command.space, command.by
        await self.spaces.create(command)
        await self.spaces.ask(space, cmd.AttachRoom(room))
        await self.spaces.ask(space, cmd.ObserveRoom({host: 90}, {host: "Ada", BEN: "Ben"}))
        await self.spaces.ask(space, cmd.StartSpace(host, 2_000))

    # --- what Ben's client sends

    def event(self, type_: str, content: Mapping[str, Any], **changes: object) -> dict[str, Any]:
        self._events += 1
        return {
            "type": type_,
            "room_id": DM,
            "event_id": f"$event{self._events}",
            "sender": BEN,
            "origin_server_ts": self.recorder.now,
            "content": content,
            **changes,
        }

    async def signal(self, type_: str, content: Mapping[str, Any], **changes: object) -> None:
        """Send an event of a call, and let it be handled."""
        said = meaning_of(self.event(type_, content, **changes), SETTINGS)
        assert said is not None, "an odd event"
        await self.calls.signalled(said)  # type: ignore[arg-type]  # a signal, or the test fails

    async def call(self, call: str = "call1", **changes: object) -> None:
        """Ben calls. `changes` of the content, but for those of the envelope."""
        envelope = {k: changes.pop(k) for k in ("room_id", "sender") if k in changes}
        at_ms = changes.pop("at_ms", self.recorder.now)
        content = {
            "call_id": call,
            "party_id": "BENDEV",
            "version": "1",
            "lifetime": 60_000,
            "offer": {"type": "offer", "sdp": f"offer of {call}"},
            **changes,
        }
        await self.signal("m.call.invite", content, origin_server_ts=at_ms, **envelope)

    async def answered(self, call: str = "call1") -> str:
        """Ben calls, is answered, and hears; return the session."""
        await self.call(call)
        session = self.stage.did("answer")[-1][0]
        await self.connects(session)
        return session

    async def connects(self, session: str) -> None:
        """The client's transport is up."""
        self.stage.connected.add(session)
        self.listener.plain_call_connected(session)
        await self.done()

    async def write(self, text: str) -> bool:
        """Ben writes in the chat; return whether calls took it."""
        self._events += 1
        return await self.calls.heard(Message(DM, EventId(f"$event{self._events}"), BEN, text))

    def tap(self, key: str) -> bool:
        """Ben reacts in the chat; return whether calls took it."""
        return self.calls.tapped(Reaction(DM, EventId("$tap"), BEN, EventId("$some"), key))

    # --- what happens

    @property
    def listener(self) -> PlainCallListener:
        assert self.stage.listener is not None
        return self.stage.listener

    @property
    def view(self) -> LiveSpace:
        view = self.spaces.view(SPACE)
        assert view is not None
        return view

    async def ask(self, command: cmd.Command) -> None:
        """Ask the live space, and let what follows be done."""
        await self.spaces.ask(SPACE, command)
        await self.done()

    async def floor(self, level: int | None) -> None:
        """The homeserver holds this level of Ben's."""
        levels = {HOST: 90} | ({BEN: level} if level is not None else {})
        await self.ask(cmd.ObserveLevels(levels))

    async def moves_to_the_page(self, session: str) -> None:
        """Ben opens the page's microphone, as the page and the stage do."""
        self.recorder.microphones.add(BEN)
        if session in self.stage.microphones:
            self.stage.microphones.discard(session)
            self.listener.plain_call_silenced(session)
        await self.ask(cmd.CloseMicrophone(BEN))
        await self.ask(cmd.OpenMicrophone(BEN))

    async def prompt_ends(self, prompt: str, session: str) -> None:
        """The prompt was heard to its end."""
        self.listener.prompt_ended(session, prompt)
        await self.done()

    async def press(self, session: str, key: str = "1") -> None:
        """Ben presses a key."""
        self.listener.key_pressed(session, key)
        await self.done()

    async def done(self) -> None:
        """Until what was told and spawned so far is done."""
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(3):
                for space in self.spaces.open():
                    reached = asyncio.Event()
                    self.spaces.then(space.space, reached.set)
                    await reached.wait()
                await self.calls.settled()

    # --- what came of it

    @property
    def prompts(self) -> list[str]:
        return [prompt for prompt, _ in self.stage.did("play")]

    @property
    def written(self) -> list[str]:
        return [str(body["text"]) for body in self.recorder.enqueued("caller.tell")]

    def sent(self, type_: str) -> list[dict[str, Any]]:
        """The contents of our events of this type."""
        bodies = self.recorder.enqueued("call_signal.send")
        return [json.loads(str(body["body"])) for body in bodies if body["type"] == type_]


REFUSED = OfferRefused("no_audio", "There is no audio.")
