"""Call notifications, and the page's reactions in a call, on a Synapse with MSC4075."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.moderating import greeted, id_of, refused, said, settled
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of
from tests.matrix.test_calls_e2e import REACTION, join_call, react_in_call

pytestmark = pytest.mark.e2e

NOTIFICATION = "org.matrix.msc4075.rtc.notification"
MEMBER = "org.matrix.msc3401.call.member"


class RingingHomeserver(Homeserver):
    """A Synapse that knows call notifications."""

    def config(self) -> dict[str, Any]:
        features = {"msc4075_enabled": True}
        return {**super().config(), "experimental_features": features}


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSetup]:
    directory = tmp_path_factory.mktemp("ringing")
    made = LiveSetup(directory, RingingHomeserver(directory / "synapse"))
    asyncio.run(made.homeserver.start())
    yield made
    made.homeserver.kill_now()


@pytest.fixture
async def bridge(setup: LiveSetup, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A bridge with calls in which everybody may be."""
    async with Bridge(setup.settings(call_stage="open"), tmp_path / "spaces.db") as running:
        await running.connected()
        yield running


async def follow(person: MatrixUser, host: MatrixUser, how: str) -> None:
    room = await greeted(person)
    answer = person.next_event(said("You follow"), "an answer")
    await person.send_text(room, f"follow {host.id} {how}".rstrip())
    words = (await answer)["content"]["body"]
    assert ("rings" in words) is (how == "ring")
    assert ("shows that they do" in words) is (how == "notify")


async def alerts_in(person: MatrixUser, room: str) -> list[tuple[str, bool]]:
    """The ids of the events in a room that alert the person, and whether they are highlighted."""
    answer = await person.request("GET", "notifications?limit=100")
    return [
        (each["event"]["event_id"], {"set_tweak": "highlight"} in each["actions"])
        for each in answer["notifications"]
        if each["room_id"] == room and each["event"]["type"] == NOTIFICATION
    ]


async def notifications_in(reader: MatrixUser, room: str) -> list[dict[str, Any]]:
    return [dict(e) for e in await reader.timeline(room) if e["type"] == NOTIFICATION]


async def start(bridge: Bridge, space: Any, host: MatrixUser) -> None:  # noqa: ANN401
    await bridge.spaces.ask(space, cmd.StartSpace(id_of(host), time.time_ns() // 10**6))


async def test_going_live_rings_exactly_those_in_the_room_who_chose_it_and_once(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben, cat, dan, eve = [await settle(name) for name in ("ada", "ben", "cat", "dan", "eve")]
    settings = setup.settings(call_stage="open")
    async with Bridge(settings, tmp_path / "db") as bridge:
        await bridge.connected()
        for person, how in ((ben, "ring"), (cat, ""), (dan, "ring"), (eve, "notify")):
            await follow(person, ada, how)
        space = await bridge.create(ada, "Rings")
        room = room_of(space)
        for person in (ben, cat, eve):
            await person.join(room)
            await bridge.joined(space.space, person)
        rung = ben.next_in(
            room, NOTIFICATION, lambda e: e["content"]["notification_type"] == "ring"
        )
        started_ms = time.time_ns() // 10**6
        await start(bridge, space.space, ada)
        event = await rung
        own = [e for e in await ben.all_state(room) if e["type"] == MEMBER]
        content = event["content"]
        assert event["sender"] == BOT
        assert content["m.mentions"] == {"user_ids": [ben.id], "room": False}
        assert content["m.relates_to"] == {
            "rel_type": "m.reference",
            "event_id": own[0]["event_id"],
        }
        assert 0 < content["lifetime"] <= 90_000
        assert started_ms <= content["sender_ts"] <= time.time_ns() // 10**6

        async def has_both() -> bool:
            return len(await notifications_in(ben, room)) == 2

        await eventually(has_both, "the quiet notification was not sent")
        [quiet] = [
            e for e in await notifications_in(ben, room) if e["event_id"] != event["event_id"]
        ]
        assert quiet["content"]["notification_type"] == "notification"
        assert quiet["content"]["m.mentions"]["user_ids"] == [eve.id]

        async def is_alerted() -> bool:
            return bool(await alerts_in(ben, room)) and bool(await alerts_in(eve, room))

        await eventually(is_alerted, "the homeserver alerts nobody")
        assert [id_ for id_, _ in await alerts_in(ben, room)] == [event["event_id"]]
        assert [id_ for id_, _ in await alerts_in(eve, room)] == [quiet["event_id"]]
        assert not await alerts_in(cat, room) + await alerts_in(ada, room)
        await settled(bridge, space.space)
    async with Bridge(settings, tmp_path / "db") as again:
        await again.connected()
        await settled(again, space.space)
        assert len(await notifications_in(ben, room)) == 2, "nobody is rung twice"


async def test_the_pages_reactions_are_a_few_events_in_the_call_and_its_own_never_come_back(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Applause", [ben])
    room, identity = room_of(space), space.space
    member = await join_call(ben, room)
    bridge.matrix.call_members.connected(identity, id_of(ben), "DEV")
    shown = ben.next_in(room, REACTION, lambda e: e["sender"] == BOT)
    await bridge.spaces.ask(identity, cmd.CountReactions({"👏": 990, "🦄": 10}))
    first = await shown
    own = [e for e in await ben.all_state(room) if e["state_key"] == BOT and e["type"] == MEMBER]
    relation = {"rel_type": "m.reference", "event_id": own[0]["event_id"]}
    assert first["content"] == {"m.relates_to": relation, "emoji": "👏", "name": "generic"}
    await react_in_call(ben, room, member, "🎉")
    await bridge.until(identity, lambda s: "🎉" in s.reactions, "the reaction was not counted")
    shown = ben.next_in(room, REACTION, lambda e: e["content"]["emoji"] == "🎈")
    await bridge.spaces.ask(identity, cmd.React(id_of(ada), "🎈"))
    await shown
    by_bot = [
        e["content"]["emoji"]
        for e in await ben.timeline(room)
        if e["type"] == REACTION and e["sender"] == BOT
    ]
    assert by_bot == ["👏", "🎈"]


async def test_at_the_end_the_calls_slot_is_closed(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    space = await bridge.live(ada, "Slot")
    await settled(bridge, space.space)
    closed = ada.next_in(room_of(space), "org.matrix.msc4143.rtc.slot")
    await bridge.spaces.ask(space.space, cmd.EndSpace(id_of(ada), time.time_ns() // 10**6))
    event = await closed
    assert (event["state_key"], event["content"]) == ("m.call#ROOM", {"status": "closed"})


async def test_nobody_but_host_and_cohosts_rings(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    room = room_of(await bridge.live(ada, "Prank", [ben]))
    prank = {"notification_type": "ring", "m.mentions": {"room": True}}
    assert await refused(ben.send(room, NOTIFICATION, prank)) == "M_FORBIDDEN"
