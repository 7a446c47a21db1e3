"""What a test of federation has: people of two homeservers, a bridge, and a wire to cut."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TypeVar

from spaces_bridge.app.records import OutboxRow
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge_demo.deployment import Person
from spaces_bridge_demo.matrix_user import MatrixError
from tests.federation.remote_person import RemotePerson
from tests.federation.room_state import state_of
from tests.federation.twins import Twins
from tests.matrix.support import Bridge, eventually, room_of

_P = TypeVar("_P", bound=Person)
_NAMES = itertools.count(1)
_ANIMALS = 0x1F400


class FederatedSetup:
    """One test's world: `home` people, `away` people, evil ones, and the bridge between them.

    People are `Person`s: plain clients that only do and see what any client can. The bridge has
    real storage and a real Matrix side; its sound is a `Recorder`, see `heard`.
    """

    def __init__(self, twins: Twins, bridge: Bridge, people: AsyncExitStack) -> None:
        """`people`: signs everybody out when it closes."""
        self.twins = twins
        self.bridge = bridge
        self.bot = str(bridge.settings.bot)
        self._bridge_is_there = True
        self._people = people

    # --- people ---------------------------------------------------------------------------------

    async def person(self, name: str, *, met: bool = False) -> Person:
        """Somebody new on the bridge's own homeserver. `met`: in a DM with the bot already."""
        server = self.twins.home.homeserver
        account = await server.register(f"{name}{next(_NAMES)}")
        return await self._settle(Person(server.url, account, self.bot), met=met)

    async def remote(self, name: str, *, met: bool = False) -> RemotePerson:
        """Somebody new on the other homeserver."""
        server = self.twins.away
        account = await server.register(f"{name}{next(_NAMES)}")
        return await self._settle(RemotePerson(server.url, account, self.bot), met=met)

    async def evil(self, *, met: bool = False) -> RemotePerson:
        """The other homeserver's admin, who may send there what he likes: nothing is checked."""
        return await self.remote("evil", met=met)

    async def _settle(self, person: _P, *, met: bool) -> _P:
        await self._people.enter_async_context(person)
        if met:
            await person.meet_bot()
        return person

    async def say(self, person: Person, room: str, text: str) -> str:
        """Say something to the bot in a DM or a room; returns its answer to just that."""
        said = await person.send_text(room, text)
        relation = {"m.in_reply_to": {"event_id": said}}

        def answers() -> list[str]:
            return [
                str(event["content"]["body"])
                for event in person.seen
                if event.get("sender") == self.bot
                and event.get("content", {}).get("m.relates_to", {}) == relation
            ]

        await eventually(answers, f"no answer to {text}")
        return answers()[0]

    # --- live spaces ----------------------------------------------------------------------------

    async def live(self, host: Person, title: str, *others: Person) -> LiveSpace:
        """A live space that has started, with its card, and everybody in its room."""
        space = await self.bridge.live(host, title, others)
        for person in (host, *others):
            await self._arrived(space, person)
        await self.settled()
        return self.bridge.view(space.space)

    def alias(self, space: LiveSpace) -> str:
        """By which anybody may join a public live space, from any server."""
        return self.bridge.settings.alias(space.slug)

    async def join(self, space: LiveSpace, *people: Person) -> LiveSpace:
        """Everybody joins by alias, and the live space has seen it."""
        for person in people:
            await person.join(self.alias(space))
            await self.bridge.joined(space.space, person)
            await self._arrived(space, person)
        return self.bridge.view(space.space)

    async def _arrived(self, space: LiveSpace, person: Person) -> None:
        """Their homeserver holds the room's whole state, which it need not when it lets people
        in, and the card, which it fetches when somebody looks back.
        """
        room, card = room_of(space), await self.bridge.card(space.space)

        async def whole() -> bool:
            with suppress(MatrixError):
                state = await state_of(person, room)
                known = {event["event_id"] for event in await person.timeline(room)}
                return ("m.room.member", person.id) in state and card in known
            return False

        await eventually(whole, f"the homeserver of {person.id} does not know the room")

    async def give_level(
        self, space: LiveSpace, by: Person, user: Person, level: int | None
    ) -> LiveSpace:
        """Somebody writes a level with a plain client, and the live space has seen it."""
        await by.set_level(room_of(space), user.id, level)
        return await self.bridge.until(
            space.space,
            lambda s: s.person(id_of(user)).level == level,
            f"the level of {user.id} was not seen",
        )

    async def grant(self, space: LiveSpace, host: Person, asker: Person) -> LiveSpace:
        """Asked and approved: the homeserver holds the speaker's level, the bridge has seen it."""
        ask = self.bridge.spaces.ask
        await ask(space.space, cmd.RequestToSpeak(id_of(asker), 1))
        await ask(space.space, cmd.ApproveSpeaker(id_of(host), id_of(asker)))
        return await self.offered(space, asker)

    async def offered(self, space: LiveSpace, person: Person) -> LiveSpace:
        """The floor is theirs."""
        return await self.bridge.until(
            space.space, lambda s: s.may_speak(id_of(person)), f"no floor for {person.id}"
        )

    async def on_air(self, space: LiveSpace, host: Person, speaker: Person) -> LiveSpace:
        """Granted, and the microphone open: they are heard."""
        await self.grant(space, host, speaker)
        await self.settled()
        await self.open_microphone(space.space, speaker)
        assert id_of(speaker) in self.heard(space.space)
        return self.bridge.view(space.space)

    async def open_microphone(self, space: SpaceId, person: Person) -> None:
        """What the page does when they switch it on. Raises Rejected."""
        await self.bridge.spaces.ask(space, cmd.OpenMicrophone(id_of(person)))

    async def refused_at_microphone(self, space: SpaceId, person: Person) -> str:
        """They try to be heard in vain; returns the refusal's code. AssertionError: they are.

        Where the homeserver is just being asked, they try again until that is known.
        """
        code = "checking"
        while code == "checking":
            try:
                await self.open_microphone(space, person)
            except Rejected as refusal:
                code = refusal.code
                await asyncio.sleep(0.02)
            else:
                raise AssertionError(f"the microphone of {person.id} opened")
        return code

    def heard(self, space: SpaceId) -> frozenset[UserId]:
        """Whose gate is open, by all that the sound side was told so far."""
        open_: frozenset[UserId] = frozenset()
        for name, *arguments in self.bridge.sound.calls:
            if not arguments or arguments[0] != space:
                continue
            match name, *arguments[1:]:
                case "open_microphone", user:
                    open_ |= {UserId(str(user))}
                case (("close_microphone" | "end_microphone_session"), user):
                    open_ -= {UserId(str(user))}
                case "set_gates", frozenset() as users:
                    open_ = users
                case ("close_space",):
                    open_ = frozenset()
                case _:
                    continue
        return open_

    async def silenced(self, space: SpaceId, person: Person) -> None:
        """Their gate is shut, and stays so when all is done that the bridge knows of."""

        def shut() -> bool:
            return id_of(person) not in self.heard(space)

        await eventually(shut, f"{person.id} is heard still")
        await self.settled()
        assert shut(), f"the gate of {person.id} opened again"

    async def without_level(self, viewer: Person, room: RoomId, person: Person) -> None:
        """The room gives the person no level of their own any more, as the viewer's server has it.

        A gate shuts as soon as an event comes, before anything of it is stored or done.
        """

        async def gone() -> bool:
            return person.id not in await viewer.levels(room)

        await eventually(gone, f"{person.id} keeps a level")

    async def settled(self) -> None:
        """The bridge has nothing left to do that is due; its card may wait for its time."""

        async def done() -> bool:
            now_ms = self.bridge.spaces.context.clock.now_ms()
            rows = [r for r in await self.bridge.outbox.pending(0, 1000) if not _waits(r, now_ms)]
            return not rows and not await self.bridge.storage.inbox.pending(0, 1)

        await eventually(done, "the outbox or the inbox did not get empty")

    # --- between the servers --------------------------------------------------------------------

    @asynccontextmanager
    async def bridge_away(self) -> AsyncIterator[None]:
        """The bridge is stopped; at the end it comes back to the same database, to hear what it
        has missed. Sound and all it was told so far remain.
        """
        await self.bridge.__aexit__(None, None, None)
        self._bridge_is_there = False
        try:
            yield
        finally:
            await self.bridge.__aenter__()
            self._bridge_is_there = True
            await self.bridge.connected()

    async def cut(self, space: LiveSpace, near: Person, far: Person) -> None:
        """Nothing passes between the servers any more; what was said before has arrived."""
        await self.fence(space, near, far)
        self.twins.cut()

    async def heal(self, space: LiveSpace, near: Person, far: Person) -> None:
        """They are joined again, and what was held back has arrived: see `fence`."""
        await self.twins.heal()
        await self.fence(space, near, far)

    async def fence(self, space: LiveSpace, near: Person, far: Person) -> None:
        """Each server has judged all that the other one sent into the room before, and the bridge,
        if it is there, has handled it. `near` and `far` are honest members on either side.

        What was rejected is never seen: but an answer to a message of ours comes after it, and
        stands on what both servers agree to hold, or we would not see the answer either.
        """
        room, word = room_of(space), f"fence {next(_NAMES)}"
        heard = far.next_message(room, word)
        await near.send_text(room, word)
        await heard
        await self.fence_from(space, far, near)

    async def fence_from(self, space: LiveSpace, far: Person, near: Person) -> None:
        """The same for all that is accepted of what `far`'s server sent before.

        One way only: enough while what `far` says stands on nothing that will be rejected.
        """
        room, word = room_of(space), f"over {next(_NAMES)}"
        heard = near.next_message(room, word)
        await far.send_text(room, word)
        await heard
        if self._bridge_is_there:
            await self._mark(space, near)

    async def _mark(self, space: LiveSpace, near: Person) -> None:
        """What happens in a room is handled in order: the mark is counted after all before it."""
        mark = chr(_ANIMALS + next(_NAMES) % 40)
        before = self.bridge.view(space.space).reactions.get(mark, 0)
        await near.react(room_of(space), await self.bridge.card(space.space), mark)
        await self.bridge.until(
            space.space, lambda s: s.reactions.get(mark, 0) > before, "the mark was not counted"
        )

    async def follows_state(self, space: LiveSpace) -> LiveSpace:
        """The bridge's levels and members are those its homeserver holds now; returns the view.

        Waits for hints that are on their way, and says what differs if it never is so.
        """
        room = room_of(space)
        differs = ""

        async def same() -> bool:
            nonlocal differs
            snapshot = await self.bridge.matrix.read_room(room)
            view = self.bridge.view(space.space)
            levels = {p.user: p.level for p in view.people.values() if p.level is not None}
            joined = {p.user for p in view.people.values() if p.joined}
            differs = f"{levels} {joined} is not {snapshot}"
            return levels == snapshot.levels and joined == snapshot.joined.keys()

        try:
            await eventually(same, "the bridge does not follow the state")
        except AssertionError as error:
            raise AssertionError(f"{error}: {differs}") from None
        view = self.bridge.view(space.space)
        assert self.heard(space.space) == view.on_air
        return view


def _waits(row: OutboxRow, now_ms: int) -> bool:
    """Whether a task is left for later as it should be: cards, and reactions that are to fade.
    What failed once is overdue.
    """
    return row.effect.kind == "card.refresh" or (
        not row.attempts and row.effect.due_at_ms > now_ms
    )


def id_of(person: Person) -> UserId:
    """As the core calls them."""
    return UserId(person.id)
