"""People whose own Matrix server says who they are: the page as a widget."""

import aiohttp
import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.sentences import say
from spaces_bridge.web.access.openid import BURST
from tests.web.test_shown_out import offer
from tests.web.world import (
    ALICE,
    BOB,
    BOT,
    HOST,
    Feed,
    WebWorld,
    refused,
    sent_away,
    until_role,
)

pytestmark = pytest.mark.peers

STRANGER = UserId("@eve:elsewhere.example")


def who(hello: dict[str, object]) -> tuple[str, str, bool]:
    you = hello["you"]
    assert isinstance(you, dict)
    return you["id"], you["name"], you["guest"]


async def test_an_account_is_known_by_its_server_and_comes_back_by_its_session(
    world: WebWorld,
) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    async with world.feed(space, name="Somebody", openid=world.identities.confirm(ALICE)) as feed:
        hello = await feed.next("hello")
        assert who(hello) == (ALICE, "Alice", False)
        await feed.send(type="hand", raised=True)
        await until_role(feed, hand="pending")
    assert world.identities.asked == [("example.org", "token-1")]
    async with world.feed(space, token=str(hello["session"])) as feed:
        assert who(await feed.next("hello")) == (ALICE, "Alice", False)
    assert await offer(world, space, "whep", str(hello["session"])) == (201, "")


@pytest.mark.parametrize("follows", [True, False])
async def test_who_follows_the_host_is_told_so_in_a_widget_too(
    world: WebWorld, follows: bool
) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    if follows:
        await world.storage.followers.follow(HOST, ALICE, 1)
    async with world.feed(space, openid=world.identities.confirm(ALICE)) as feed:
        you = (await feed.next("hello"))["you"]
        assert isinstance(you, dict)
        assert you["follows_host"] is follows


async def test_the_host_hosts_from_a_widget(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, openid=world.identities.confirm(HOST)) as feed:
        you = (await feed.next("hello"))["you"]
        assert isinstance(you, dict)
        assert (you["role"], you["may_end"]) == ("host", True)


async def test_an_account_of_another_server_listens_and_joins_before_it_asks(
    world: WebWorld,
) -> None:
    space = await world.create()
    async with world.feed(space, openid=world.identities.confirm(STRANGER)) as feed:
        hello = await feed.next("hello")
        assert who(hello) == (STRANGER, STRANGER, False)
        roster = hello["roster"]
        assert isinstance(roster, dict)
        assert roster["guests"] == 1  # as long as they are not in the room
        await feed.send(type="hand", raised=True)
        await refused(feed, "not_joined")


async def test_a_session_goes_before_a_widgets_word(world: WebWorld) -> None:
    space = await world.create()
    link = await world.member(space.space, ALICE)
    async with world.feed(space, token=link, openid=world.identities.confirm(BOB)) as feed:
        assert who(await feed.next("hello"))[0] == ALICE
    assert not world.identities.asked


# --- refused ------------------------------------------------------------------------------------


async def test_each_token_counts_once(world: WebWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    space = await world.create()
    openid = world.identities.confirm(ALICE)

    async def meanwhile() -> None:
        async with world.feed(space, openid=openid) as other:
            await sent_away(other, "openid_refused", 4401)

    monkeypatch.setattr(world.identities, "before_answering", meanwhile)
    async with world.feed(space, openid=openid) as feed:
        await feed.next("hello")
    async with world.feed(space, openid=openid) as feed:
        await sent_away(feed, "openid_refused", 4401)
    assert len(world.identities.asked) == 1


@pytest.mark.parametrize(
    "openid",
    [
        {"access_token": "unknown", "matrix_server_name": "example.org"},
        {"access_token": "token-1", "matrix_server_name": "other.example"},
        {"access_token": "", "matrix_server_name": "example.org"},
        {"access_token": "token-1"},
        {"access_token": 7, "matrix_server_name": ["example.org"]},
        {"access_token": "token-1", "matrix_server_name": "example.org\n"},
        {"access_token": "token\ud800", "matrix_server_name": "example.org"},
        {"access_token": "t" * 1001, "matrix_server_name": "example.org"},
        {"access_token": "token-1", "matrix_server_name": "e" * 256},
        "token-1",
        [],
        True,
    ],
)
async def test_what_no_server_vouches_for_is_refused(world: WebWorld, openid: object) -> None:
    space = await world.create()
    world.identities.confirm(ALICE)
    async with world.feed(space, openid=openid) as feed:
        await sent_away(feed, "openid_refused", 4401)


@pytest.mark.parametrize("user", [BOT, UserId("@spaces_0123456789abcdef:example.org")])
async def test_nobody_is_the_bot_or_a_ghost(world: WebWorld, user: UserId) -> None:
    space = await world.create()
    async with world.feed(space, openid=world.identities.confirm(user)) as feed:
        await sent_away(feed, "openid_refused", 4401)


async def test_a_server_that_is_away_can_be_asked_again_with_the_same_token(
    world: WebWorld,
) -> None:
    space = await world.create()
    openid = world.identities.confirm(STRANGER)
    world.identities.away = True
    async with world.feed(space, openid=openid) as feed:
        await sent_away(feed, "openid_unavailable", 1013)
    world.identities.away = False
    async with world.feed(space, openid=openid) as feed:
        await feed.next("hello")


@pytest.mark.usefixtures("nothing_grows_back")
async def test_one_network_shows_only_so_many_tokens(world: WebWorld) -> None:
    space = await world.create()
    for number in range(BURST):
        openid = {"access_token": f"guess-{number}", "matrix_server_name": "example.org"}
        async with world.feed(space, openid=openid) as feed:
            await refused(feed, "openid_refused")
    async with world.feed(space, openid=world.identities.confirm(ALICE)) as feed:
        await sent_away(feed, "too_many_requests", 4429)
    assert len(world.identities.asked) == BURST


# --- who comes in -------------------------------------------------------------------------------


async def test_a_private_space_is_for_those_in_its_room(world: WebWorld) -> None:
    space = await world.create(private=True)
    await world.joined(space.space, ALICE, "Alice")
    async with world.feed(space, openid=world.identities.confirm(ALICE)) as feed:
        await feed.next("hello")
        openid = world.identities.confirm(BOB, "token-2")
        async with world.feed(space, openid=openid) as other:
            await sent_away(other, "not_found", 4404)
        await world.left(space.space, ALICE)
        await sent_away(feed, "not_a_member")
    openid = world.identities.confirm(ALICE, "token-3")
    async with world.feed(space, openid=openid) as feed:
        await sent_away(feed, "not_found", 4404)


async def test_what_does_not_exist_is_answered_like_what_is_private(world: WebWorld) -> None:
    openid = world.identities.confirm(ALICE)
    async with world.http.ws_connect(f"{world.base}/s/nothing/feed") as socket:
        await socket.send_json({"type": "auth", "openid": openid})
        await sent_away(Feed(socket), "not_found", 4404)
    assert len(world.identities.asked) == 1


async def test_whoever_was_removed_or_is_blocked_stays_out(world: WebWorld) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
    await world.ban_lists.block(HOST, STRANGER, HOST, "")
    for number, user in enumerate((ALICE, STRANGER)):
        openid = world.identities.confirm(user, f"token-{number}")
        async with world.feed(space, openid=openid) as feed:
            await sent_away(feed, "removed")


async def test_a_locked_space_admits_members_and_nobody_new(world: WebWorld) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    await world.spaces.ask(space.space, cmd.LockSpace(HOST))
    async with world.feed(space, openid=world.identities.confirm(ALICE)) as feed:
        await feed.next("hello")
    async with world.feed(space, openid=world.identities.confirm(BOB, "token-2")) as feed:
        await sent_away(feed, "locked", 4423)


async def test_guests_off_is_for_accounts_outside_of_the_room_too(world: WebWorld) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    openids = [world.identities.confirm(u, f"token-{u}") for u in (ALICE, BOB)]
    async with (
        world.feed(space, openid=openids[0]) as member,
        world.feed(space, openid=openids[1]) as outsider,
    ):
        sessions = [str((await page.next("hello"))["session"]) for page in (member, outsider)]
        for session in sessions:
            assert await offer(world, space, "whep", session) == (201, "")
        await world.spaces.ask(space.space, cmd.SetGuests(HOST, GuestPolicy.OFF))
        await sent_away(outsider, "guests_off")
        assert [what[1] for what in world.stage.sessions.values()] == [ALICE]
        world.hub.notice(space.space, say("still_here", "Still here."))
        assert (await member.next("notice"))["text"] == "Still here."
    assert await offer(world, space, "whep", sessions[1]) == (403, "guests_off")
    async with world.feed(space, openid=world.identities.confirm(BOB, "again")) as feed:
        await sent_away(feed, "guests_off")


async def test_removed_while_the_server_is_asked(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")

    async def removal() -> None:
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))

    monkeypatch.setattr(world.identities, "before_answering", removal)
    async with world.feed(space, openid=world.identities.confirm(ALICE)) as feed:
        await sent_away(feed, "removed")


async def test_a_token_in_an_address_means_nothing(world: WebWorld) -> None:
    space = await world.create(private=True)
    await world.joined(space.space, ALICE, "Alice")
    query = world.identities.confirm(ALICE)
    async with world.http.get(world.page(space, "/transcript.txt"), params=query) as response:
        assert response.status == 404
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await world.http.ws_connect(world.page(space, "/feed"), origin="https://evil.example")
    assert not world.identities.asked
