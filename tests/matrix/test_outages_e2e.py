"""A homeserver that is killed, or hangs: what was missed is read back, and the hang is said."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from spaces_bridge.app.ports import Inbox
from spaces_bridge.app.records import InboxEvent
from spaces_bridge.core.ids import UserId
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.front import TcpFront
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
async def own_setup(tmp_path: Path) -> AsyncIterator[LiveSetup]:
    """A homeserver of its own: it is killed."""
    setup = LiveSetup(tmp_path / "own")
    async with setup.homeserver:
        yield setup


async def arrive(setup: LiveSetup, people: AsyncExitStack, name: str) -> MatrixUser:
    account = await setup.homeserver.register(name)
    return await people.enter_async_context(MatrixUser(setup.homeserver.url, account))


async def unready(bridge: Bridge) -> None:
    """The bridge has noticed, though nobody asked for anything."""

    async def says_so() -> bool:
        return not await bridge.matrix_ready()

    await eventually(says_so, "the outage is not noticed")


class LeakyInbox:
    """Takes events and says they are stored; some are lost.

    To the bridge it is as if the homeserver had died before it sent them: it never sends again.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.lost: set[str] = set()

    async def store(self, events: Sequence[InboxEvent]) -> bool:
        self.lost |= {event.event_id for event in events}
        return True


async def test_what_never_came_before_a_homeserver_died_takes_effect_once(
    own_setup: LiveSetup,
) -> None:
    async with AsyncExitStack() as people:
        ada, ben = await arrive(own_setup, people, "ada"), await arrive(own_setup, people, "ben")
        cyd = await arrive(own_setup, people, "cyd")
        async with Bridge(own_setup.settings(), own_setup.directory / "db") as bridge:
            space = await bridge.live(ada, "Missed", [ben, cyd])
            room, card = room_of(space), await bridge.card(space.space)
            asked = ada.next_event(
                lambda e: "asks to speak" in str(e.get("content", {}).get("body", "")),
                "the prompt",
            )
            invited = ada.next_invite()
            await ben.react(room, card, "✋")
            await ada.join((await invited)["room_id"])
            prompt = await asked
            await bridge.drained()
            server = bridge.matrix._server
            server._inbox, whole = LeakyInbox(server._inbox), server._inbox  # type: ignore[assignment]  # loses them
            lost = {
                await ada.react(prompt["room_id"], prompt["event_id"], "✅"),
                await cyd.react(room, card, "👏"),
                await cyd.send_text(room, "!space live"),
            }
            await eventually(lambda: lost <= server._inbox.lost, "they were not lost")  # type: ignore[attr-defined]  # see above
            await own_setup.homeserver.kill9()
            await unready(bridge)
            server._inbox = whole
            answered = cyd.next_message(room, "Missed", BOT)
            granted = ada.next_in(
                room, "m.room.power_levels", lambda e: e["content"]["users"].get(ben.id) == 10
            )
            await own_setup.homeserver.start()
            await granted
            await answered
            await bridge.until(
                space.space, lambda s: s.may_speak(UserId(ben.id)), "the floor is not seen"
            )
            await bridge.drained()
            seen = bridge.view(space.space)
            assert seen.reactions == {"👏": 1}
            # and not again, by the next reading back
            await bridge.matrix._look_back.look()
            await bridge.drained()
            assert bridge.view(space.space).reactions == {"👏": 1}
            events = await ada.timeline(room)
            levels = Counter(
                e["content"]["users"].get(ben.id) for e in events if e["type"].endswith("_levels")
            )
            answers = [
                e
                for e in events
                if e["sender"] == BOT
                and e["content"].get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id")
                in lost
            ]
            assert levels[10] == 1
            assert len(answers) == 1


async def test_a_homeserver_that_hangs_is_noticed_and_what_it_swallowed_is_sent_again(
    own_setup: LiveSetup,
) -> None:
    port = int(own_setup.homeserver.url.rpartition(":")[2])
    async with AsyncExitStack() as people:
        front = await people.enter_async_context(TcpFront(port))
        ada = await arrive(own_setup, people, "ada")
        settings = own_setup.settings(homeserver=front.url)
        async with Bridge(settings, own_setup.directory / "db") as bridge:
            space = await bridge.live(ada, "Hangs")
            await bridge.drained()
            front.hang()
            await unready(bridge)
            answered = ada.next_message(room_of(space), "Hangs", BOT)
            await ada.send_text(room_of(space), "!space live")
            await eventually(lambda: front.swallowing > 1, "no answer was tried")
            front.heal()
            await answered
            await bridge.connected()
            await bridge.drained()
            replies = await ada.messages(room_of(space), BOT)
    bodies = [m["content"]["body"] for m in replies if "m.in_reply_to" in str(m["content"])]
    assert len(bodies) == 1
