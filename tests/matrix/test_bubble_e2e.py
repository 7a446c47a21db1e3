"""The card in a community's room, and its taps, on a real Synapse."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from spaces_bridge.app.notes.rooms import BubbleGivenUp, Shown, ShownComplete, ShownMessage
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, SystemClock, eventually, room_of

pytestmark = pytest.mark.e2e

DAY_MS = 86_400_000


@dataclass
class Square:
    """A community's room with the bot in it, and a live space that was made there."""

    bridge: Bridge
    host: MatrixUser
    room: str
    space: LiveSpace

    @property
    def id(self) -> SpaceId:
        return self.space.space

    async def bubble(self) -> EventId:
        """The bubble's event, once it is dressed."""

        async def dressed() -> bool:
            return (
                await self.bridge.notes.get(ShownComplete.key(Shown.BUBBLE, self.id)) is not None
            )

        await eventually(dressed, "no bubble")
        found = await self.bridge.notes.get(ShownMessage.key(Shown.BUBBLE, self.id))
        assert found is not None
        return found.event

    async def given_up(self) -> str | None:
        """Why there is no bubble any more."""
        found = await self.bridge.notes.get(BubbleGivenUp.key(self.id))
        return found.reason if found is not None else None

    async def follows(self, user: MatrixUser, *, wanted: bool) -> None:
        followers = self.bridge.storage.followers

        async def so() -> bool:
            found = await followers.follows(UserId(self.host.id), UserId(user.id))
            return found is wanted

        await eventually(so, f"{user.id} follows: not {wanted}")

    async def start(self) -> None:
        at_ms = SystemClock().now_ms()
        await self.bridge.spaces.ask(self.id, cmd.StartSpace(UserId(self.host.id), at_ms))

    async def end(self) -> None:
        at_ms = SystemClock().now_ms()
        await self.bridge.spaces.ask(self.id, cmd.EndSpace(UserId(self.host.id), at_ms))


async def square(
    bridge: Bridge,
    host: MatrixUser,
    *,
    private: bool = False,
    scheduled: bool = False,
    level: int | None = None,
    events_default: int = 0,
) -> Square:
    """`level`: the bot's, there."""
    levels: dict[str, Any] = {"events_default": events_default}
    room = await host.create_room(
        preset="public_chat", power_level_content_override=levels, room_version="11"
    )
    joined = host.next_in(
        room,
        "m.room.member",
        lambda e: e["state_key"] == BOT and e["content"]["membership"] == "join",
    )
    await host.request("POST", f"rooms/{room}/invite", {"user_id": BOT})
    await joined
    if level is not None:
        await host.set_level(room, BOT, level)
    identity, slug = bridge.spaces.new_identity("Bread", room)
    now_ms = SystemClock().now_ms()
    space = await bridge.spaces.create(
        cmd.CreateSpace(
            identity,
            slug,
            "Bread",
            UserId(host.id),
            "Ada",
            now_ms,
            private=private,
            scheduled_at_ms=now_ms + DAY_MS if scheduled else None,
            community=RoomId(room),
        )
    )
    space = await bridge.until(identity, lambda s: s.room is not None, "no room was made")
    await host.join(room_of(space))
    await bridge.joined(identity, host)
    return Square(bridge, host, room, space)


def says(part: str) -> Any:  # noqa: ANN401 - a test of an event
    """Whether an event is an edit that says it."""

    def fits(event: Mapping[str, Any]) -> bool:
        return part in event["content"].get("m.new_content", {}).get("body", "")

    return fits


async def taps_on(user: MatrixUser, room: str, event: str) -> list[str]:
    """The bot's own reactions to an event."""
    return [
        e["content"]["m.relates_to"]["key"]
        for e in await user.timeline(room)
        if e["type"] == "m.reaction"
        and e["sender"] == BOT
        and e["content"].get("m.relates_to", {}).get("event_id") == event
    ]


async def test_from_scheduled_to_live_to_ended(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    place = await square(bridge, ada, scheduled=True, level=50)
    rules = await ada.send_text(place.room, "Rules")
    bubble = await place.bubble()
    await ada.put_state(place.room, "m.room.pinned_events", {"pinned": [rules, bubble]})
    assert await taps_on(ada, place.room, bubble) == ["🔔", "✅"]
    first = next(m for m in await ada.messages(place.room, BOT) if m["event_id"] == bubble)
    body = first["content"]["body"]
    assert body.startswith("Soon: Bread\nWhen: ")
    assert f"https://matrix.to/#/#spaces_{place.space.slug}:localhost" in body
    assert first["content"]["io.spacesbridge.bubble"] == {"space_id": place.id}
    assert first["content"]["m.mentions"] == {}

    async def only_the_bell() -> bool:
        return await taps_on(ada, place.room, bubble) == ["🔔"]

    live = ada.next_in(place.room, "m.room.message", says("🔴 Live now: Bread"))
    await place.start()
    await live
    await eventually(only_the_bell, "there is a ✅ to tap, though it has begun")
    ended = ada.next_in(place.room, "m.room.message", says("Ended: Bread"))
    await place.end()
    await ended
    await bridge.drained()
    assert (await ada.state(place.room, "m.room.pinned_events"))["pinned"] == [rules]


async def test_it_is_pinned_beside_what_others_pinned(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    place = await square(bridge, ada, level=50)
    bubble = await place.bubble()
    assert (await ada.state(place.room, "m.room.pinned_events"))["pinned"] == [bubble]


async def test_where_it_may_not_pin_it_goes_without(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    place = await square(bridge, ada)
    bubble = await place.bubble()
    assert not [e for e in await ada.all_state(place.room) if e["type"] == "m.room.pinned_events"]
    assert await taps_on(ada, place.room, bubble) == ["🔔", "✅"]


async def test_a_crowd_that_comes_and_goes_costs_no_edits(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    place = await square(bridge, ada)
    await place.bubble()
    people = [await settle("guest") for _ in range(3)]
    for person in people:
        await person.join(room_of(place.space))
        await bridge.joined(place.id, person)
    await eventually(lambda: bridge.outbox.pending(0, 1), "nothing waits, though people came in")
    edits = [
        e
        for e in await ada.timeline(place.room)
        if e["type"] == "m.room.message" and "m.new_content" in e["content"]
    ]
    assert edits == []


async def test_private_ones_have_none(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    place = await square(bridge, ada, private=True)
    await place.start()
    await bridge.drained()
    assert not [m for m in await ada.messages(place.room, BOT) if "Bread" in m["content"]["body"]]


async def test_a_bell_follows_and_taking_it_back_unfollows(bridge: Bridge, settle: Settle) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    place = await square(bridge, ada)
    bubble = await place.bubble()
    await ben.join(place.room)
    bell = await ben.react(place.room, bubble, "🔔")
    await place.follows(ben, wanted=True)
    await ben.redact(place.room, bell)
    await place.follows(ben, wanted=False)
    # a moderator cleans up: Eve goes on following
    await eve.join(place.room)
    bell = await eve.react(place.room, bubble, "🔔\ufe0f")
    await place.follows(eve, wanted=True)
    await ada.redact(place.room, bell)
    # what comes later in the same room is handled later
    bell = await ben.react(place.room, bubble, "🔔")
    await place.follows(ben, wanted=True)
    await place.follows(eve, wanted=True)


async def test_a_bell_on_the_live_card_follows_and_is_no_reaction(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Bells", [ben])
    room, card = room_of(space), await bridge.card(space.space)
    await ben.react(room, card, "🔔")

    async def followed() -> bool:
        return await bridge.storage.followers.follows(UserId(ada.id), UserId(ben.id))

    await eventually(followed, "a bell did not follow")
    await ben.react(room, card, "✅")
    counted = await bridge.until(space.space, lambda s: bool(s.reactions), "no reaction")
    assert counted.reactions == {"✅": 1}


async def test_a_tick_asks_to_be_reminded_until_it_is_taken_back(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    place = await square(bridge, ada, scheduled=True)
    bubble = await place.bubble()
    await ben.join(place.room)
    tick = await ben.react(place.room, bubble, "✅")
    await bridge.until(place.id, lambda s: ben.id in s.reminded, "no reminder")
    await ben.redact(place.room, tick)
    await bridge.until(place.id, lambda s: ben.id not in s.reminded, "still reminded")
    await ben.join(room_of(place.space))
    await bridge.joined(place.id, ben)
    await ben.react(room_of(place.space), await bridge.card(place.id), "✅")
    await bridge.until(place.id, lambda s: ben.id in s.reminded, "no reminder by the card")


async def test_kicked_out_it_gives_up_and_tells_the_host_once(
    bridge: Bridge, settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await settle("ada")
    place = await square(bridge, ada)
    await place.bubble()
    await ada.kick(place.room, BOT)
    invited = ada.next_invite()
    with caplog.at_level(logging.WARNING, "spaces_bridge.matrix.cards.bubbles"):
        await place.start()
        dm = await ada.join((await invited)["room_id"])
        await place.end()
        await bridge.drained()
    told = [
        m for m in await ada.messages(dm, BOT) if "cannot show “Bread”" in m["content"]["body"]
    ]
    assert len(told) == 1
    said = [r for r in caplog.records if r.name == "spaces_bridge.matrix.cards.bubbles"]
    assert len(said) == 1


async def test_where_it_may_not_write_it_gives_up(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    invited = ada.next_invite()
    place = await square(bridge, ada, events_default=50)
    await bridge.until(place.id, lambda s: s.room is not None, "no room")

    async def gave_up() -> bool:
        return await place.given_up() == "M_FORBIDDEN"

    await eventually(gave_up, "the bubble was not given up")
    assert (await invited)["room_id"]


async def test_a_removed_bubble_is_not_edited_any_more(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    place = await square(bridge, ada)
    bubble = await place.bubble()
    await ada.redact(place.room, bubble)

    async def noticed() -> bool:
        return await place.given_up() == "redacted"

    await eventually(noticed, "the redaction was not noticed")
    await place.start()
    await bridge.drained()
    edits = [
        e
        for e in await ada.timeline(place.room)
        if e["type"] == "m.room.message" and "m.new_content" in e["content"]
    ]
    assert edits == []
