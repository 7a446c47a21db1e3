"""The admin API, and what pages report."""

import json
from pathlib import Path

import pytest

from spaces_bridge.app.records import Report
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.web.http.admin import GUESSES
from tests.web.world import (
    ADMIN_TOKEN,
    ALICE,
    BOB,
    BOT,
    HOST,
    WebWorld,
    guest_of,
    refused,
    sent_away,
    web_world,
)

pytestmark = pytest.mark.peers

ME = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
FOLLOWED = "You follow Hanna"


def ops(world: WebWorld) -> str:
    return f"http://127.0.0.1:{world.service.ops_port}/admin/v1"


async def ask(
    world: WebWorld, path: str, body: object = None, *, method: str = "GET"
) -> tuple[int, dict[str, object]]:
    """Status and JSON of the admin API."""
    data = json.dumps(body) if body is not None else None
    address = ops(world) + path
    async with world.http.request(method, address, headers=ME, data=data) as response:
        return response.status, await response.json(content_type=None)


async def post(world: WebWorld, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    return await ask(world, path, body, method="POST")


# --- who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {ADMIN_TOKEN}"},
        {"Authorization": f"Bearer {ADMIN_TOKEN}x"},
        {"Authorization": "Bearer ümlaut"},
    ],
)
async def test_nobody_gets_in_without_the_token(world: WebWorld, headers: dict[str, str]) -> None:
    space = await world.create()
    for method, path in (
        ("GET", "/spaces"),
        ("GET", "/reports"),
        ("GET", "/nothing"),
        ("POST", f"/spaces/{space.slug}/end"),
    ):
        async with world.http.request(method, ops(world) + path, headers=headers) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert response.content_type == "application/problem+json"
            assert (await response.json())["code"] == "bad_token"
    assert world.view(space.space).phase is Phase.LIVE


@pytest.mark.usefixtures("nothing_grows_back")
async def test_guessing_the_token_is_stopped(world: WebWorld) -> None:
    statuses = []
    for number in range(GUESSES + 2):
        headers = {"Authorization": f"Bearer guess{number}"}
        async with world.http.get(f"{ops(world)}/spaces", headers=headers) as response:
            statuses.append(response.status)
    assert statuses.count(401) >= GUESSES
    assert statuses[-1] == 429


async def test_without_a_token_in_the_config_there_is_no_admin_api(tmp_path: Path) -> None:
    async with web_world(tmp_path, admin_token="") as world:
        for headers in ({}, ME, {"Authorization": "Bearer "}):
            async with world.http.get(f"{ops(world)}/spaces", headers=headers) as response:
                assert response.status == 403
                assert (await response.json())["code"] == "admin_off"


async def test_the_admin_api_is_not_on_the_public_listener(world: WebWorld) -> None:
    for path in ("/admin/v1/spaces", "/admin/v1/reports"):
        address = world.settings.public_url + path
        async with world.http.get(address, headers=ME) as response:
            assert response.status == 404
    assert ADMIN_TOKEN not in repr(world.settings)


# --- looking ------------------------------------------------------------------------------------


async def test_the_admin_sees_all_spaces_and_who_is_in_them(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    private = await world.create("Family", private=True, live=False)
    await world.member(space.space, ALICE, 10)
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, BOB, "rude"))
    async with world.feed(space, name="Maria") as guest, world.feed(space) as nameless:
        ghost, _ = await guest_of(guest)
        await nameless.next("hello")
        status, body = await ask(world, "/spaces")
        assert status == 200
        spaces = body["spaces"]
        assert isinstance(spaces, list)
        assert {s["slug"] for s in spaces} == {space.slug, private.slug}
        [garden] = [s for s in spaces if s["slug"] == space.slug]
        assert (garden["state"], garden["pages"], garden["room"]) == ("live", 2, "!room1")
        status, body = await ask(world, f"/spaces/{space.slug}/participants")
    assert status == 200
    people = body["people"]
    assert isinstance(people, list)
    assert {p["id"]: p["role"] for p in people} == {HOST: "host", ALICE: "speaker"}
    assert body["guests"] == [{"id": ghost, "name": "Maria"}]
    assert body["nameless"] == 1
    gone = {"id": BOB, "by": HOST, "reason": "rude", "blocked": False}
    assert body["removed"] == [gone]
    assert (await ask(world, "/spaces/nothing/participants"))[0] == 404


async def test_reports_are_listed_newest_first(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    for number in range(3):
        report = Report(0, space.space, BOB, ALICE, f"reason {number}", "words", number)
        await world.storage.reports.file(report, f"source {number}")
    status, body = await ask(world, "/reports?limit=2")
    assert status == 200
    reports = body["reports"]
    assert isinstance(reports, list)
    assert [r["reason"] for r in reports] == ["reason 2", "reason 1"]
    assert reports[0] == {
        "id": reports[0]["id"],
        "space": space.space,
        "slug": space.slug,
        "title": "Garden hour",
        "reporter": BOB,
        "reported": ALICE,
        "reason": "reason 2",
        "context": "words",
        "at": 2,
    }
    for limit in ("0", "1001", "-1", "all", "", "9" * 400, "٣"):
        status, body = await ask(world, f"/reports?limit={limit}")
        assert (status, body["code"]) == (400, "bad_limit")


# --- doing --------------------------------------------------------------------------------------


async def test_the_admin_ends_a_space(world: WebWorld) -> None:
    space = await world.create()
    assert await post(world, f"/spaces/{space.slug}/end", {"reason": "spam"}) == (
        200,
        {"ended": True},
    )
    assert world.view(space.space).phase is Phase.ENDED
    status, body = await post(world, f"/spaces/{space.slug}/end")
    assert (status, body["code"]) == (409, "ended")


async def test_the_admin_removes_somebody(world: WebWorld) -> None:
    space = await world.create()
    secret = await world.member(space.space, ALICE, 60)
    address = f"/spaces/{space.slug}/remove"
    async with world.feed(space, token=secret) as page:
        await page.next("hello")
        assert (await post(world, address, {"user": ALICE, "reason": "spam"}))[0] == 200
        await sent_away(page, "removed")
    removal = world.view(space.space).removed[ALICE]
    assert (removal.by, removal.reason) == (None, "spam")
    status, body = await post(world, address, {"user": HOST})
    assert (status, body["code"]) == (409, "is_host")
    for wrong, code in (
        ({}, "bad_frame"),
        ([], "bad_body"),
        ({"user": "Alice"}, "bad_user"),
        ({"user": BOB, "reason": 7}, "bad_frame"),
    ):
        status, body = await post(world, address, wrong)
        assert (status, body["code"]) == (400, code)
    async with world.http.post(ops(world) + address, headers=ME, data=b"\xff{") as response:
        assert response.status == 400
    async with world.http.post(ops(world) + address, headers=ME, data=b"x" * 20_000) as response:
        assert response.status == 413


# --- what pages report --------------------------------------------------------------------------


async def test_a_guest_reports_somebody_and_the_moderators_will_hear_of_it(
    world: WebWorld,
) -> None:
    space = await world.create()
    await world.member(space.space, ALICE, 10)
    for number in range(7):
        await world.caption(space.space, ALICE, f"Slur {number}.", start_ms=1000 * number)
    async with world.feed(space, name="Maria") as guest, world.feed(space) as nameless:
        ghost, _ = await guest_of(guest)
        await guest.send(type="report", user=ALICE, reason=" They\n insult  people \udc00")
        assert "Thank you" in str((await guest.next("notice"))["text"])
        await nameless.send(type="report", user=ALICE, reason="me too")
        await refused(nameless, "name_needed")
    [report] = await world.storage.reports.listing(10)
    assert (report.reporter, report.reported) == (ghost, ALICE)
    assert report.reason == "They insult people ?"
    said = "\n".join(f"“Slur {number}.”" for number in range(2, 7))
    assert report.context == f"Alice · speaker in “Garden hour”\n{said}"
    effects = [row.effect for row in await world.storage.outbox.pending(0, 1000)]
    forwarded = [e.body for e in effects if e.kind == "report.forward"]
    assert forwarded == [{"report": report.id}]
    status, body = await ask(world, "/reports")
    assert status == 200
    assert len(body["reports"]) == 1  # type: ignore[arg-type]


async def test_a_flood_of_reports_is_stopped(world: WebWorld) -> None:
    space = await world.create()
    await world.member(space.space, ALICE)
    async with world.feed(space, name="Maria") as guest:
        await guest.next("hello")
        for _ in range(5):
            await guest.send(type="report", user=ALICE, reason="spam")
            await guest.next("notice")
        await guest.send(type="report", user=ALICE, reason="spam")
        await refused(guest, "many_reports")
    assert len(await world.storage.reports.listing(100)) == 5


async def test_nobody_shows_out_the_bot(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, token=await world.link(space.space, HOST)) as host:
        await host.next("hello")
        for kind in ("remove", "block", "report", "invite"):
            await host.send(type=kind, user=BOT, reason="x")
            await refused(host, "ours")
    status, body = await post(world, f"/spaces/{space.slug}/remove", {"user": BOT})
    assert (status, body["code"]) == (409, "ours")
    assert not world.view(space.space).removed


async def test_the_host_tells_followers_once(world: WebWorld) -> None:
    space = await world.create()
    async with (
        world.feed(space, token=await world.link(space.space, HOST)) as host,
        world.feed(space, token=await world.member(space.space, ALICE)) as alice,
    ):
        await alice.send(type="invite", followers=True)
        await refused(alice, "not_moderator")
        await host.send(type="invite", followers=True)
        await refused(host, "no_followers")
        await world.storage.followers.follow(HOST, ALICE, 1)
        await host.send(type="invite", followers=True)
        assert "little by little" in str((await host.next("notice"))["text"])
        await host.send(type="invite", followers=True)
        await refused(host, "again")
    effects = [row.effect for row in await world.storage.outbox.pending(0, 1000)]
    assert [e.body["by"] for e in effects if e.kind == "followers.invite"] == [HOST]


async def test_guests_follow_and_invite_nobody(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="Maria") as guest:
        await guest.next("hello")
        for frame in (
            {"type": "follow"},
            {"type": "unfollow"},
            {"type": "invite", "user": BOB},
            {"type": "invite", "followers": True},
        ):
            await guest.send(**frame)
            await refused(guest, "account_needed")
    assert await world.storage.followers.count(HOST) == 0
    effects = [row.effect.kind for row in await world.storage.outbox.pending(0, 1000)]
    assert "invitation.send" not in effects


async def test_members_follow_the_host_and_invite(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, token=await world.member(space.space, ALICE)) as page:
        await page.next("hello")
        await page.send(type="follow")
        assert str((await page.next("notice"))["text"]).startswith(FOLLOWED)
        assert await world.storage.followers.follows(HOST, ALICE)
        await page.send(type="follow", user=HOST)
        assert "already" in str((await page.next("notice"))["text"])
        await page.send(type="unfollow")
        assert "any more" in str((await page.next("notice"))["text"])
        assert not await world.storage.followers.follows(HOST, ALICE)
        await page.send(type="invite", user=UserId("@new:elsewhere.net"))
        assert "invites" in str((await page.next("notice"))["text"])
        await page.send(type="follow", user="nobody")
        await refused(page, "bad_user")
    effects = [row.effect for row in await world.storage.outbox.pending(0, 1000)]
    [invited] = [e.body for e in effects if e.kind == "invitation.send"]
    assert (invited["user"], invited["by"]) == ("@new:elsewhere.net", ALICE)
