"""The live feed: coming in, what it tells, what it lets whom do."""

import aiohttp
import pytest

from spaces_bridge.app.ports import Direction
from spaces_bridge.core import commands as cmd
from spaces_bridge.web.feed import line
from tests.web.world import (
    ALICE,
    HOST,
    Feed,
    WallClock,
    WebWorld,
    refused,
    sent_away,
    until_role,
)

pytestmark = pytest.mark.peers


# --- coming in --------------------------------------------------------------------------------


async def test_a_listener_without_a_name_is_told_everything_there_is_to_read(
    world: WebWorld,
) -> None:
    space = await world.create("Garden hour")
    await world.caption(space.space, HOST, "Welcome.")
    async with world.feed(space) as feed:
        hello = await feed.next("hello")
    assert hello["session"] is None
    assert hello["you"] == {
        "id": None,
        "name": "",
        "guest": True,
        "follows_host": False,
        "role": "listener",
        "may_speak": False,
        "on_air": False,
        "hand": None,
        "queue_place": None,
        "muted": False,
        "invited": False,
        "may_moderate": False,
        "may_end": False,
        "may_host": False,
        "may_share": False,
        "may_invite": False,
        "may_chat": False,
    }
    about = hello["space"]
    assert isinstance(about, dict)
    assert (about["title"], about["state"]) == ("Garden hour", "live")
    assert about["room_alias"] == f"#spaces_{space.slug}:example.org"
    captions = hello["captions"]
    assert isinstance(captions, list)
    assert [line["text"] for line in captions] == ["Welcome."]


async def test_a_guest_comes_back_as_the_same_person_by_its_session(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="  Ma\u202eria  ") as feed:
        first = await feed.next("hello")
    assert isinstance(first["you"], dict)
    assert first["you"]["name"] == "Maria"
    assert first["you"]["id"].startswith("@spaces_")
    async with world.feed(space, token=str(first["session"])) as feed:
        again = await feed.next("hello")
    assert again["you"] == first["you"]


async def test_a_personal_link_is_for_its_person_in_its_space(world: WebWorld) -> None:
    space = await world.create()
    link = await world.link(space.space, HOST)
    async with world.feed(space, token=link) as feed:
        hello = await feed.next("hello")
    assert isinstance(hello["you"], dict)
    assert (hello["you"]["id"], hello["you"]["role"]) == (HOST, "host")
    await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    other = await world.create("Another one")
    async with world.feed(other, token=link) as feed:
        await refused(feed, "token_unknown")
        assert await feed.close_code() == 4401


@pytest.mark.parametrize("secret", [None, "guessed"])
async def test_a_private_feed_looks_like_one_that_does_not_exist(
    world: WebWorld, secret: str | None
) -> None:
    space = await world.create(private=True)
    answers = []
    for address in (world.page(space, "/feed"), f"{world.base}/s/nothing/feed"):
        async with world.http.ws_connect(address) as socket:
            await socket.send_json({"type": "auth", "token": secret, "name": "Maria"})
            answers.append(await socket.receive_json())
            assert await Feed(socket).close_code() == 4404
        async with world.http.get(address) as response:
            assert response.status == 404
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "not_found"


async def test_a_member_follows_a_private_space_until_they_leave_it(world: WebWorld) -> None:
    space = await world.create(private=True)
    await world.joined(space.space, ALICE, "Alice")
    link = await world.link(space.space, ALICE)
    async with world.feed(space, token=link) as feed:
        await feed.next("hello")
        await world.left(space.space, ALICE)
        await sent_away(feed, "not_a_member")
    async with world.feed(space, token=link) as feed:
        await refused(feed, "not_found")


async def test_only_pages_of_this_server_may_open_the_feed_in_a_browser(world: WebWorld) -> None:
    address = world.page(await world.create(), "/feed")
    for origin in ("https://evil.example", "null", world.settings.public_url + ".evil.example"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await world.http.ws_connect(address, origin=origin)
        assert refusal.value.status == 403
    async with world.http.ws_connect(address, origin=world.settings.public_url) as socket:
        assert not socket.closed


@pytest.mark.parametrize(
    "first", ['{"type":"hand","raised":true}', "no json", "[]", '{"type":"auth","name":"\\u202e"}']
)
async def test_a_bad_first_frame_is_refused_in_words(world: WebWorld, first: str) -> None:
    space = await world.create()
    async with world.http.ws_connect(world.page(space, "/feed")) as socket:
        await socket.send_str(first)
        error = await socket.receive_json()
        assert error["type"] == "error"
        assert await Feed(socket).close_code() == 4400


async def test_an_oversized_frame_ends_the_connection(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space) as feed:
        await feed.next("hello")
        await feed.send(type="react", emoji="x" * 17_000)
        assert await feed.close_code() == 1009


@pytest.mark.usefixtures("nothing_grows_back")
async def test_guessing_tokens_is_stopped(world: WebWorld) -> None:
    space = await world.create()
    statuses = set()
    for number in range(30):
        headers = {"Authorization": f"Bearer guess{number}"}
        async with world.http.get(world.page(space), headers=headers) as response:
            statuses.add(response.status)
    assert statuses == {200, 429}


# --- asking to speak --------------------------------------------------------------------------


async def test_a_guest_is_heard_of_by_name_only_where_a_host_looks(world: WebWorld) -> None:
    space = await world.create()
    link = await world.link(space.space, HOST)
    async with (
        world.feed(space, token=link) as host,
        world.feed(space) as listener,
        world.feed(space, name="Maria") as guest,
    ):
        hello = await guest.next("hello")
        await guest.send(type="hand", raised=True)
        await until_role(guest, hand="pending")
        seen = await until_queue(host)
        assert (seen["name"], seen["guest"]) == ("Maria (guest)", True)
        seen = await until_queue(listener)
        assert (seen["name"], seen["guest"]) == (None, True)
        assert isinstance(hello["you"], dict)
        assert seen["id"] == hello["you"]["id"]


async def until_queue(feed: Feed) -> dict[str, object]:
    """The first hand in the queue."""
    while True:
        queue = (await feed.next("roster"))["queue"]
        assert isinstance(queue, list)
        if queue:
            first: dict[str, object] = queue[0]
            return first


async def test_the_host_approves_on_the_page_and_the_floor_is_offered(world: WebWorld) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    async with (
        world.feed(space, token=await world.link(space.space, HOST)) as host,
        world.feed(space, token=await world.link(space.space, ALICE)) as alice,
    ):
        await alice.send(type="hand", raised=True)
        await until_queue(host)
        await host.send(type="approve", user=ALICE)
        await until_role(alice, hand="accepted", may_speak=False)
        await world.seat(space.space, ALICE, "Alice")
        await until_role(alice, role="speaker", may_speak=True, hand=None, on_air=False)
        await host.send(type="demote", user=ALICE)
        await until_role(alice, may_speak=False)


async def test_a_denied_hand_is_down_and_its_owner_is_told(world: WebWorld) -> None:
    space = await world.create()
    async with (
        world.feed(space, token=await world.link(space.space, HOST)) as host,
        world.feed(space, name="Maria") as guest,
    ):
        await guest.send(type="hand", raised=True)
        hand = await until_queue(host)
        await host.send(type="deny", user=hand["id"])
        assert "not now" in str((await guest.next("notice"))["text"])
        await until_role(guest, hand=None)


async def test_a_hand_can_be_lowered_again(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="Maria") as guest:
        await guest.send(type="hand", raised=True)
        await until_role(guest, hand="pending")
        await guest.send(type="hand", raised=False)
        await until_role(guest, hand=None)
        await guest.send(type="hand", raised=False)
        await refused(guest, "no_hand")


async def test_muting_and_unmuting_is_the_speakers_own_act(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    async with world.feed(space, token=await world.link(space.space, ALICE)) as alice:
        await alice.send(type="mute", muted=False)
        await refused(alice, "no_microphone")
        await world.stage.offer(space.space, ALICE, Direction.SPEAK, "")
        await alice.send(type="mute", muted=False)
        await until_role(alice, on_air=True)
        await alice.send(type="mute", muted=True)
        await until_role(alice, on_air=False)
        await alice.send(type="leave-stage")
        await until_role(alice, may_speak=False)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "approve", "user": "@alice:example.org"}, "not_moderator"),
        ({"type": "deny", "user": "@alice:example.org"}, "not_moderator"),
        ({"type": "demote", "user": "@host:example.org"}, "not_moderator"),
        ({"type": "end"}, "not_host"),
        ({"type": "start"}, "not_host"),
        ({"type": "mute", "muted": False}, "no_microphone"),
        ({"type": "leave-stage"}, "not_on_stage"),
        ({"type": "dance"}, "unknown"),
        ({"no": "type"}, "unknown"),
        ({"type": "hand"}, "bad_frame"),
        ({"type": "hand", "raised": "yes"}, "bad_frame"),
        ({"type": "approve", "user": 7}, "bad_frame"),
        ({"type": "react", "emoji": "<b>"}, "bad_emoji"),
        ({"type": "react", "emoji": "👏👏"}, "bad_emoji"),
    ],
)
async def test_what_a_guest_may_not_do_is_refused_and_the_connection_stays(
    world: WebWorld, frame: dict[str, object], code: str
) -> None:
    space = await world.create()
    async with world.feed(space, name="Maria") as guest:
        await guest.next("hello")
        await guest.send(**frame)
        await refused(guest, code)
        await guest.send(type="hand", raised=True)
        await until_role(guest, hand="pending")


async def test_the_nameless_are_asked_for_a_name_before_they_act(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space) as listener:
        await listener.next("hello")
        await listener.send(type="hand", raised=True)
        await refused(listener, "name_needed")


async def test_the_host_starts_and_ends_on_the_page(world: WebWorld) -> None:
    space = await world.create(live=False)
    async with (
        world.feed(space, token=await world.link(space.space, HOST)) as host,
        world.feed(space) as listener,
    ):
        await host.send(type="start")
        assert state_of(await listener.next("space")) == "live"
        await host.send(type="end")
        assert state_of(await listener.next("space")) == "ended"
    async with world.feed(space, name="Late") as late:
        hello = await late.next("hello")
        assert state_of(hello) == "ended"
        assert hello["session"] is None


def state_of(frame: dict[str, object]) -> object:
    about = frame["space"]
    assert isinstance(about, dict)
    return about["state"]


async def test_a_page_that_is_told_nothing_gets_a_beat(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "BEAT_S", 0.05)
    space = await world.create()
    async with world.feed(space) as feed:
        await feed.next("hello")
        assert await feed.next("beat") == {"type": "beat"}
        assert await feed.next("beat") == {"type": "beat"}
