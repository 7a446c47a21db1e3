"""Making live spaces over HTTP: who may, what is taken, and what hostile requests get."""

import asyncio
from collections.abc import Mapping

import pytest

from spaces_bridge.app.registry import OPEN_PER_HOST
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web.http import host_api
from tests.web.world import ALICE, BOT, HOST, WallClock, WebWorld, guest_of

pytestmark = pytest.mark.peers

Answer = tuple[int, dict[str, object]]


async def ask(world: WebWorld, secret: str, body: object = None, **more: object) -> Answer:
    """POST it; `more` is added to a sensible body."""
    wanted = {"title": "Late songs", **more} if body is None else body
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    address = world.base + "/api/v1/spaces"
    async with world.http.post(address, json=wanted, headers=headers) as response:
        answer: dict[str, object] = await response.json()
        return response.status, answer


async def who(world: WebWorld, secret: str) -> Answer:
    headers = {"Authorization": f"Bearer {secret}"}
    async with world.http.get(world.base + "/api/v1/you", headers=headers) as response:
        answer: dict[str, object] = await response.json()
        return response.status, answer


def made(world: WebWorld, answer: Mapping[str, object]) -> LiveSpace:
    space = world.spaces.by_slug(str(answer["slug"]))
    assert space is not None
    return space


@pytest.fixture
async def secret(world: WebWorld, space: LiveSpace) -> str:
    """Of a host's personal link."""
    return await world.link(space.space, HOST)


async def test_a_host_makes_a_live_space_and_is_its_host_on_its_page(
    world: WebWorld, secret: str
) -> None:
    assert await who(world, secret) == (200, {"id": HOST, "may_host": True, "why": None})
    at_ms = WallClock().now_ms() + 86_400_000
    status, answer = await ask(
        world, secret, title=" Late  songs ", at=at_ms, private=True, speak_policy="followed"
    )
    assert status == 201, answer
    space = made(world, answer)
    assert (space.title, space.host, space.person(HOST).name) == ("Late songs", HOST, "Hanna")
    assert (space.scheduled_at_ms, space.private) == (at_ms, True)
    assert space.speak_policy is SpeakPolicy.FOLLOWED
    assert answer["page"] == world.page(space)
    async with world.feed(space, token=str(answer["session"])) as feed:
        you = (await feed.next("hello"))["you"]
        assert isinstance(you, dict)
        assert (you["id"], you["may_host"]) == (HOST, True)


async def test_without_a_time_it_waits_to_be_started_by_its_host(
    world: WebWorld, secret: str
) -> None:
    _, answer = await ask(world, secret)
    space = made(world, answer)
    assert (space.scheduled_at_ms, space.private, space.phase.value) == (None, False, "scheduled")
    effects = [row.effect for row in await world.storage.outbox.pending(0, 1000)]
    assert {"space": space.space} in [e.body for e in effects if e.kind == "room.make"]


async def test_the_same_request_again_makes_no_second_one(world: WebWorld, secret: str) -> None:
    answers = await asyncio.gather(*(ask(world, secret, nonce="n-1") for _ in range(4)))
    assert [status for status, _ in answers] == [201] * 4
    assert len({answer["slug"] for _, answer in answers}) == 1
    other = await world.link(made(world, answers[0][1]).space, ALICE)
    _, hers = await ask(world, other, nonce="n-1")
    assert made(world, hers).host == ALICE


async def test_a_widget_says_who_asks_by_its_token_once(world: WebWorld) -> None:
    openid = world.identities.confirm(ALICE)
    status, answer = await ask(world, "", openid=openid)
    assert status == 201
    assert made(world, answer).host == ALICE
    assert made(world, answer).person(ALICE).name == "alice"
    status, answer = await ask(world, "", openid=openid)
    assert (status, answer["code"]) == (401, "openid_refused")


async def test_who_may_not_host_is_told_why(world: WebWorld, space: LiveSpace) -> None:
    world.listeners_only.add(ALICE)
    secret = await world.link(space.space, ALICE)
    status, answer = await who(world, secret)
    assert (status, answer["may_host"]) == (200, False)
    why = answer["why"]
    assert isinstance(why, dict)
    assert why["code"] == "may_not_host"
    status, answer = await ask(world, secret)
    assert (status, answer["code"]) == (409, "may_not_host")
    async with world.feed(space, name="Maria") as guest:
        _, session = await guest_of(guest)
    assert (await ask(world, session))[1]["code"] == "account_needed"
    bots = await world.link(space.space, BOT)
    assert (await ask(world, bots))[1]["code"] == "ours"
    assert world.spaces.open() == [world.view(space.space)]


async def test_a_revoked_link_names_nobody(world: WebWorld, space: LiveSpace, secret: str) -> None:
    alices = await world.link(space.space, ALICE)
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
    await world.sessions.revoke(space.space, HOST)
    for revoked in (alices, secret, "", "x" * 300):
        assert (await who(world, revoked))[0] == 401
        status, answer = await ask(world, revoked)
        assert (status, answer["code"]) == (401, "who_are_you")
    assert len(world.spaces.open()) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([], 400, "bad_frame"),
        ({}, 409, "no_title"),
        ({"title": " \u202e "}, 409, "no_title"),
        ({"title": 7}, 400, "bad_frame"),
        ({"title": "x" * 201}, 409, "title_too_long"),
        ({"title": "x" * 5000}, 400, "too_long"),
        ({"title": "x", "at": "tomorrow"}, 400, "bad_frame"),
        ({"title": "x", "at": True}, 400, "bad_frame"),
        ({"title": "x", "at": 1}, 409, "in_the_past"),
        ({"title": "x", "at": 10**30}, 409, "too_far"),
        ({"title": "x", "at": -(10**30)}, 409, "in_the_past"),
        ({"title": "x", "private": "yes"}, 400, "bad_frame"),
        ({"title": "x", "speak_policy": "mine"}, 400, "bad_frame"),
        ({"title": "x", "speak_policy": None}, 400, "bad_frame"),
        ({"title": "x", "nonce": "../../x"}, 400, "bad_frame"),
        ({"title": "x", "nonce": 7}, 400, "bad_frame"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_a_sentence(
    world: WebWorld, secret: str, body: object, status: int, code: str
) -> None:
    before = len(world.spaces.open())
    found, answer = await ask(world, secret, body)
    assert (found, answer["code"]) == (status, code)
    assert str(answer["detail"]).endswith(".")
    assert len(world.spaces.open()) == before


async def test_bytes_that_are_no_json_and_too_many_of_them(world: WebWorld, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    address = world.base + "/api/v1/spaces"
    for data, status in ((b"\xff{", 400), (b"[" * 20_000, 400), (b"x" * 70_000, 413)):
        async with world.http.post(address, data=data, headers=headers) as response:
            assert response.status == status
            assert response.content_type == "application/problem+json"


async def test_one_person_has_so_many_open_as_by_command(world: WebWorld, secret: str) -> None:
    for number in range(OPEN_PER_HOST - len(world.spaces.open())):
        await world.create(f"Talk {number}", live=False)
    assert (await ask(world, secret))[1]["code"] == "too_many_spaces"


@pytest.mark.usefixtures("nothing_grows_back")
async def test_a_flood_is_held_back_for_each_person_alone(
    world: WebWorld, space: LiveSpace, secret: str
) -> None:
    answers = [await ask(world, secret, nonce="n") for _ in range(host_api.TRIES + 1)]
    assert [status for status, _ in answers] == [201] * host_api.TRIES + [429]
    assert answers[-1][1]["code"] == "created_often"
    other = await world.link(space.space, UserId("@zoe:example.org"))
    assert (await ask(world, other))[0] == 201
