"""Shared posts and what is pinned, on a real Synapse."""

from collections.abc import Sequence

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, SystemClock, eventually, room_of

pytestmark = pytest.mark.e2e


async def pinned(user: MatrixUser, room: str) -> Sequence[str]:
    found: Sequence[str] = (await user.state(room, "m.room.pinned_events"))["pinned"]
    return found


async def share(
    bridge: Bridge, space: SpaceId, host: MatrixUser, url: str, event: str | None = None
) -> None:
    at_ms = SystemClock().now_ms()
    about = EventId(event) if event is not None else None
    await bridge.spaces.ask(space, cmd.SharePost(UserId(host.id), url, at_ms, about))


async def pinned_bodies(user: MatrixUser, room: str) -> list[str]:
    """What the pinned messages say, in their order."""
    said = {e["event_id"]: e["content"].get("body", "") for e in await user.timeline(room)}
    return [said.get(event, "") for event in await pinned(user, room)]


async def test_the_newest_five_are_pinned_behind_the_card_and_others_pins(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    space = await bridge.live(ada, "Links")
    room, card = room_of(space), await bridge.card(space.space)
    own = await ada.send_text(room, "House rules: be kind")
    await ada.put_state(room, "m.room.pinned_events", {"pinned": [own, card]})
    for number in range(1, 8):
        await share(bridge, space.space, ada, f"https://example.org/{number}")
    await bridge.drained()
    assert (await pinned(ada, room))[:2] == [card, own]
    name = space.person(UserId(ada.id)).name
    expected = [f"{name} shares: https://example.org/{number}" for number in range(3, 8)]
    assert (await pinned_bodies(ada, room))[2:] == expected


async def test_a_link_in_html_is_a_link_and_nothing_else(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    space = await bridge.live(ada, "Markup")
    room = room_of(space)
    shown = ada.next_message(room, "shares:", BOT)
    await share(bridge, space.space, ada, 'https://example.org/?a="><b>1</b>&c')
    html = (await shown)["content"]["formatted_body"]
    link = "https://example.org/?a=&quot;&gt;&lt;b&gt;1&lt;/b&gt;&amp;c"
    assert html.endswith(f'<a href="{link}">{link}</a>')


async def test_a_message_of_the_room_is_pinned_itself(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Quotes", [ben])
    room, card = room_of(space), await bridge.card(space.space)
    event = await ben.send_text(room, "This is worth reading")
    link = f"https://matrix.to/#/{room}/{event}"
    await share(bridge, space.space, ada, link, event)
    await bridge.drained()
    assert await pinned(ada, room) == [card, event]
    assert not [m for m in await ada.messages(room, BOT) if "shares" in m["content"]["body"]]


async def test_a_message_that_is_not_there_is_shown_as_a_link(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    space = await bridge.live(ada, "Elsewhere")
    room = room_of(space)
    shown = ada.next_message(room, "shares: https://matrix.to", BOT)
    await share(bridge, space.space, ada, "https://matrix.to/#/!other/$nothing", "$nothing")
    assert (await shown)["event_id"] in await _once_pinned(ada, room, 2)


async def test_what_a_host_unpins_stays_unpinned(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    space = await bridge.live(ada, "Second thoughts")
    room, card = room_of(space), await bridge.card(space.space)
    await share(bridge, space.space, ada, "https://example.org/1")
    await bridge.drained()
    await ada.put_state(room, "m.room.pinned_events", {"pinned": [card]})
    await share(bridge, space.space, ada, "https://example.org/2")
    await bridge.drained()
    bodies = await pinned_bodies(ada, room)
    assert len(bodies) == 2
    assert bodies[1].endswith("https://example.org/2")


async def _once_pinned(user: MatrixUser, room: str, number: int) -> Sequence[str]:
    async def enough() -> bool:
        return len(await pinned(user, room)) >= number

    await eventually(enough, f"not {number} pins")
    return await pinned(user, room)
