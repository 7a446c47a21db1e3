"""Who gets a token for a live space's call, and who does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.app.records import Block
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.audio import no_floor
from spaces_bridge.livekit import authoriser as authoriser_module
from spaces_bridge.livekit.authoriser import USER_BURST, WRONG_BURST, ShownOnce
from spaces_bridge.livekit.names import device_identity, member_identity, room_name
from tests.livekit.authorised import SECRET, SFU, Authorised, answer_of, authorised
from tests.support.edge import Clock
from tests.web.world import ALICE, BOB, BOT, HOST

pytestmark = pytest.mark.peers

EVE = UserId("@eve:evil.example")
ELSEWHERE = {"Origin": "https://call.element.example"}


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Authorised]:
    async with authorised(tmp_path) as running:
        yield running


@pytest.fixture
async def space(calls: Authorised) -> LiveSpace:
    """Live; Alice listens."""
    made = await calls.world.create()
    await calls.world.joined(made.space, ALICE, "Alice")
    return calls.world.view(made.space)


# --- tokens -------------------------------------------------------------------------------------


async def test_a_listener_gets_a_token_to_listen(calls: Authorised, space: LiveSpace) -> None:
    grant = await calls.grant("/sfu/get", calls.older(space, ALICE))
    assert space.room is not None
    assert grant.room == room_name(space.room)
    assert grant.identity == device_identity(ALICE, "PHONE")
    assert (grant.user, grant.space, grant.name) == (ALICE, space.space, "Alice")
    assert (grant.join, grant.can_subscribe, grant.can_publish) == (True, True, False)
    assert not any((grant.admin, grant.room_list, grant.room_create))


async def test_a_speaker_gets_a_token_that_says_so(calls: Authorised, space: LiveSpace) -> None:
    await calls.world.seat(space.space, ALICE, "Alice")
    assert (await calls.grant("/sfu/get", calls.older(space, ALICE))).can_publish
    assert (await calls.grant("/get_token", calls.newer(space, HOST))).can_publish


async def test_the_newer_form_names_the_participant_by_its_member_id(
    calls: Authorised, space: LiveSpace
) -> None:
    grant = await calls.grant("/get_token", calls.newer(space, ALICE))
    assert grant.identity == member_identity(ALICE, "PHONE", "uuid-1")
    assert (await calls.grant("/sfu/get", calls.older(space, ALICE))).room == grant.room


async def test_one_join_asks_thrice_and_gets_the_same_each_time(
    calls: Authorised, space: LiveSpace
) -> None:
    """Two at once, and one that delegates; clients show the same OpenID token again."""
    body = calls.older(space, ALICE)
    delegates = body | {"delay_id": "syd_1", "delay_timeout": 3_600_000}
    grants = await asyncio.gather(
        calls.grant("/sfu/get", body),
        calls.grant("/sfu/get", body),
        calls.grant("/sfu/get", delegates),
    )
    assert len({(grant.room, grant.identity) for grant in grants}) == 1


async def test_fields_that_nobody_knows_are_passed_over(
    calls: Authorised, space: LiveSpace
) -> None:
    await calls.grant("/get_token", calls.newer(space, ALICE) | {"new": {"in": 2030}})


async def test_an_answer_is_in_no_cache(calls: Authorised, space: LiveSpace) -> None:
    address = f"{calls.world.base}/livekit/sfu/get"
    async with calls.world.http.post(address, json=calls.older(space, ALICE)) as response:
        assert response.headers["Cache-Control"] == "no-store"


# --- who may not --------------------------------------------------------------------------------


async def test_who_is_not_in_the_room_gets_nothing(calls: Authorised, space: LiveSpace) -> None:
    for path, body in (
        ("/sfu/get", calls.older(space, BOB)),
        ("/get_token", calls.newer(space, BOB)),
    ):
        assert await calls.refused(path, body) == (403, "M_FORBIDDEN")
    await calls.world.left(space.space, ALICE)
    assert (await calls.refused("/sfu/get", calls.older(space, ALICE)))[0] == 403


async def test_who_was_removed_gets_nothing(calls: Authorised, space: LiveSpace) -> None:
    body = calls.older(space, ALICE)
    await calls.grant("/sfu/get", body)
    await calls.world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
    assert await calls.refused("/sfu/get", body) == (403, "M_FORBIDDEN")


async def test_who_is_on_the_hosts_list_gets_nothing(calls: Authorised, space: LiveSpace) -> None:
    lists = calls.world.ban_lists
    await calls.world.storage.blocks.put(Block(HOST, ALICE, HOST, "", 0))
    await lists.load()
    assert (await calls.refused("/sfu/get", calls.older(space, ALICE)))[0] == 403


async def test_neither_the_bot_nor_a_ghost_joins_a_call(
    calls: Authorised, space: LiveSpace
) -> None:
    for user in (BOT, UserId("@spaces_guest:example.org")):
        await calls.world.joined(space.space, user, "nobody")
        assert (await calls.refused("/sfu/get", calls.older(space, user)))[0] == 403


async def test_there_is_no_call_before_and_after(calls: Authorised) -> None:
    space = await calls.world.create(live=False)
    assert (await calls.refused("/sfu/get", calls.older(space, HOST)))[0] == 403
    await calls.world.spaces.ask(space.space, cmd.StartSpace(HOST, 1))
    await calls.grant("/sfu/get", calls.older(space, HOST))
    await calls.world.spaces.ask(space.space, cmd.EndSpace(HOST, 2))
    assert (await calls.refused("/sfu/get", calls.older(space, HOST)))[0] == 403


async def test_other_rooms_have_no_call_here(calls: Authorised, space: LiveSpace) -> None:
    body = calls.older(space, ALICE) | {"room": "!another"}
    assert await calls.refused("/sfu/get", body) == (403, "M_FORBIDDEN")


async def test_a_private_live_space_is_to_strangers_as_if_there_was_none(
    calls: Authorised,
) -> None:
    space = await calls.world.create(private=True)
    for path, body, room in (
        ("/sfu/get", calls.older(space, BOB), "room"),
        ("/get_token", calls.newer(space, BOB), "room_id"),
    ):
        status, answer = await calls.post(path, body)
        assert status == 403
        elsewhere = body | {room: "!none", "openid_token": calls.vouched(BOB, f"for {path}")}
        assert await calls.post(path, elsewhere) == (status, answer)


async def test_on_a_strict_stage_only_speakers_get_a_token(tmp_path: Path) -> None:
    async with authorised(tmp_path, strict=True) as calls:
        space = await calls.world.create()
        await calls.world.joined(space.space, ALICE, "Alice")
        status, answer = await calls.post("/sfu/get", calls.older(space, ALICE))
        assert (status, answer["error"]) == (403, no_floor().text)
        await calls.world.seat(space.space, ALICE, "Alice")
        assert (await calls.grant("/sfu/get", calls.older(space, ALICE))).can_publish


async def test_an_encrypted_room_is_refused_with_a_sentence(
    calls: Authorised, space: LiveSpace
) -> None:
    assert space.room is not None
    calls.secrecy.rooms.add(space.room)
    status, answer = await calls.post("/sfu/get", calls.older(space, ALICE))
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
    assert "encrypted" in str(answer["error"])
    calls.secrecy.away = True
    assert (await calls.refused("/sfu/get", calls.older(space, ALICE)))[0] == 503


# --- who somebody is ----------------------------------------------------------------------------


async def test_a_forged_openid_token_is_refused(calls: Authorised, space: LiveSpace) -> None:
    body = calls.older(space, ALICE)
    body["openid_token"] = {"access_token": "forged", "matrix_server_name": "example.org"}
    assert await calls.refused("/sfu/get", body) == (401, "M_UNAUTHORIZED")


async def test_a_server_speaks_for_none_of_anothers_users(
    calls: Authorised, space: LiveSpace
) -> None:
    """Though the check of OpenID tokens would have let it pass."""
    calls.world.identities.holders["evil.example", "mine"] = ALICE
    body = calls.older(space, ALICE)
    body["openid_token"] = {"access_token": "mine", "matrix_server_name": "evil.example"}
    assert await calls.refused("/sfu/get", body) == (401, "M_UNAUTHORIZED")


async def test_nobody_claims_to_be_another(calls: Authorised, space: LiveSpace) -> None:
    await calls.world.joined(space.space, EVE, "Eve")
    body = calls.newer(space, ALICE) | {"openid_token": calls.vouched(EVE)}
    assert await calls.refused("/get_token", body) == (403, "M_FORBIDDEN")
    assert await calls.refused("/delegate_delayed_leave", delegating(body)) == (
        403,
        "M_FORBIDDEN",
    )


async def test_an_openid_token_shown_elsewhere_opens_nothing(
    calls: Authorised, space: LiveSpace
) -> None:
    """Whoever a client showed it to, such as another room's service, gets nothing for it here."""
    body = calls.older(space, ALICE)
    await calls.grant("/sfu/get", body)
    other = await calls.world.create("Another", host=BOB, host_name="Bob")
    await calls.world.joined(other.space, ALICE, "Alice")
    elsewhere = body | {"room": other.room}
    assert await calls.refused("/sfu/get", elsewhere) == (401, "M_UNAUTHORIZED")
    assert (await calls.refused("/sfu/get", body | {"device_id": "ANOTHER"}))[0] == 401
    await calls.grant("/sfu/get", body)


async def test_an_openid_token_shown_twice_at_once_counts_for_one_device(
    calls: Authorised, space: LiveSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    monkeypatch.setattr(calls.world.identities, "before_answering", meet)
    body = calls.older(space, ALICE)
    answers = await asyncio.gather(
        calls.post("/sfu/get", body), calls.post("/sfu/get", body | {"device_id": "ANOTHER"})
    )
    assert sorted(status for status, _ in answers) == [200, 401]


def test_a_shown_token_is_remembered_as_long_as_it_is_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authoriser_module, "SHOWN_KEPT", 2)
    clock = Clock()
    shown = ShownOnce(clock)
    assert shown.note(b"1", "!room", "PHONE")
    assert shown.note(b"1", "!room", "PHONE")
    assert not shown.fits(b"1", "!room", "ANOTHER")
    clock.now += authoriser_module.SHOWN_KEPT_S
    assert not shown.fits(b"1", "!other", "PHONE")
    clock.now += 1
    assert shown.fits(b"1", "!other", "PHONE")
    for number in range(3):
        shown.note(bytes([number]), "!room", "PHONE")
    assert shown.fits(bytes([0]), "!other", "PHONE")
    assert not shown.fits(bytes([2]), "!other", "PHONE")


async def test_a_homeserver_that_is_away_is_told_apart_from_a_wrong_token(
    calls: Authorised, space: LiveSpace
) -> None:
    calls.world.identities.away = True
    address = f"{calls.world.base}/livekit/sfu/get"
    async with calls.world.http.post(address, json=calls.older(space, ALICE)) as response:
        assert response.status == 503
        assert response.headers["Retry-After"]
        assert (await response.json())["errcode"] == "M_UNKNOWN"


async def test_a_crowd_of_one_server_waits_in_line(
    calls: Authorised, space: LiveSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than so many questions go to a homeserver at once, and nobody is turned away."""
    asked, most = 0, 0

    async def count() -> None:
        nonlocal asked, most
        asked += 1
        most = max(most, asked)
        for _ in range(5):
            await asyncio.sleep(0)
        asked -= 1

    monkeypatch.setattr(calls.world.identities, "before_answering", count)
    people = [UserId(f"@p{number}:example.org") for number in range(20)]
    for user in people:
        await calls.world.joined(space.space, user, "P")
    await asyncio.gather(*(calls.grant("/sfu/get", calls.older(space, u)) for u in people))
    assert most == authoriser_module.AT_ONCE


# --- floods -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_grows_back")
async def test_one_persons_flood_ends_and_keeps_nobody_else_out(
    calls: Authorised, space: LiveSpace
) -> None:
    for _ in range(USER_BURST):
        await calls.grant("/sfu/get", calls.older(space, ALICE))
    address = f"{calls.world.base}/livekit/sfu/get"
    async with calls.world.http.post(address, json=calls.older(space, ALICE)) as response:
        assert response.status == 429
        body = await response.json()
        assert body["errcode"] == "M_LIMIT_EXCEEDED"
        assert body["retry_after_ms"] == 1000 * int(response.headers["Retry-After"])
    await calls.grant("/sfu/get", calls.older(space, HOST))


@pytest.mark.usefixtures("nothing_grows_back")
async def test_who_guesses_tokens_is_held_off_before_a_server_is_asked(
    calls: Authorised, space: LiveSpace
) -> None:
    body = calls.older(space, ALICE)
    statuses = []
    for number in range(WRONG_BURST + 3):
        body["openid_token"] = {
            "access_token": f"guess-{number}",
            "matrix_server_name": "example.org",
        }
        statuses.append((await calls.refused("/sfu/get", body))[0])
    assert statuses == [401] * WRONG_BURST + [429] * 3
    assert len(calls.world.identities.asked) == WRONG_BURST


@pytest.mark.usefixtures("nothing_grows_back")
async def test_guesses_that_come_at_once_are_no_more_questions(
    calls: Authorised, space: LiveSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server answers before all are there."""
    bodies = [calls.older(space, ALICE) for _ in range(WRONG_BURST + 10)]
    arrived, everybody, fits = 0, asyncio.Event(), ShownOnce.fits

    def arrive(self: ShownOnce, *shown: object) -> bool:
        nonlocal arrived
        arrived += 1
        if arrived == len(bodies):
            everybody.set()
        return fits(self, *shown)  # type: ignore[arg-type]  # what it was called with

    async def wait() -> None:
        await everybody.wait()

    monkeypatch.setattr(ShownOnce, "fits", arrive)
    monkeypatch.setattr(calls.world.identities, "before_answering", wait)
    for number, body in enumerate(bodies):
        server = ("example.org", "evil.example")[number % 2]
        body["openid_token"] = {"access_token": f"{number}", "matrix_server_name": server}
    answers = await asyncio.gather(*(calls.refused("/sfu/get", body) for body in bodies))
    statuses = sorted(status for status, _ in answers)
    assert statuses == [401] * WRONG_BURST + [429] * 10
    assert len(calls.world.identities.asked) == WRONG_BURST


@pytest.mark.usefixtures("nothing_grows_back")
async def test_a_network_asks_servers_only_so_often(
    calls: Authorised, space: LiveSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the address that our own proxy names: whoever sends another with it stays the same."""
    calls.world.identities.away = True
    statuses = []
    for number in range(authoriser_module.ADDRESS_BURST + 2):
        headers = {"X-Forwarded-For": f"192.0.2.{number % 200}, 203.0.113.9"}
        statuses.append((await calls.post("/sfu/get", calls.older(space, ALICE), headers))[0])
    assert statuses[-3:] == [503, 429, 429]
    calls.world.identities.away = False
    headers = {"X-Forwarded-For": "198.51.100.1"}
    assert (await calls.post("/sfu/get", calls.older(space, ALICE), headers))[0] == 200


# --- delegated leaves ---------------------------------------------------------------------------


async def test_a_leave_is_delegated_by_its_own_address_and_with_a_token(
    calls: Authorised, space: LiveSpace
) -> None:
    body = delegating(calls.newer(space, ALICE))
    assert await calls.post("/delegate_delayed_leave", body) == (200, {})
    await calls.grant("/get_token", body | {"delay_id": "syd_2"})
    await calls.grant("/sfu/get", delegating(calls.older(space, ALICE), delay_id="syd_3"))
    restarted = [of for asked, _user, of in calls.events.asked if asked == "restart"]
    assert restarted == ["syd_1", "syd_2", "syd_3"]
    assert {user for _asked, user, _of in calls.events.asked} == {ALICE}


async def test_a_leave_that_cannot_be_kept_is_told_and_costs_no_token(
    calls: Authorised, space: LiveSpace
) -> None:
    body = delegating(calls.newer(space, ALICE))
    calls.events.gone.add("syd_1")
    assert await calls.refused("/delegate_delayed_leave", body) == (404, "M_NOT_FOUND")
    await calls.grant("/get_token", body)
    calls.events.away = True
    assert await calls.refused("/delegate_delayed_leave", body) == (503, "M_UNKNOWN")
    await calls.grant("/get_token", body)


async def test_strangers_delegate_nothing(calls: Authorised, space: LiveSpace) -> None:
    body = delegating(calls.newer(space, BOB))
    assert await calls.refused("/delegate_delayed_leave", body) == (403, "M_FORBIDDEN")
    assert not calls.events.asked


# --- the form of requests -----------------------------------------------------------------------


def delegating(body: dict[str, object], **more: object) -> dict[str, object]:
    return body | {"delay_id": "syd_1", "delay_timeout": 3_600_000} | more


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 9000, '"x"', "\xff"])
async def test_what_is_no_json_object_is_said_to_be_none(calls: Authorised, text: str) -> None:
    for path in ("/sfu/get", "/get_token", "/delegate_delayed_leave"):
        address = f"{calls.world.base}/livekit{path}"
        async with calls.world.http.post(address, data=text.encode("latin-1")) as response:
            assert response.status == 400
            assert (await response.json())["errcode"] == "M_NOT_JSON"


async def test_a_probe_learns_that_leaves_may_be_delegated(calls: Authorised) -> None:
    """Element Call asks without a body, and takes anything but 404 for a yes."""
    async with calls.world.http.post(
        f"{calls.world.base}/livekit/delegate_delayed_leave", headers=ELSEWHERE
    ) as response:
        assert response.status == 400
        assert answer_of(response) == "*"


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"room_id": None}, "M_BAD_JSON"),
        ({"room_id": 7}, "M_BAD_JSON"),
        ({"room_id": ""}, "M_INVALID_PARAM"),
        ({"room_id": "!r" * 200}, "M_INVALID_PARAM"),
        ({"room_id": "!r\n"}, "M_INVALID_PARAM"),
        ({"room_id": "!\ud800"}, "M_INVALID_PARAM"),
        ({"slot_id": "m.call#OTHER"}, "M_INVALID_PARAM"),
        ({"slot_id": None}, "M_BAD_JSON"),
        ({"openid_token": "x"}, "M_BAD_JSON"),
        ({"openid_token": {"access_token": "x"}}, "M_BAD_JSON"),
        ({"member": ["x"]}, "M_BAD_JSON"),
        ({"member": {"id": "x"}}, "M_BAD_JSON"),
        ({"delay_id": 7}, "M_BAD_JSON"),
        ({"delay_timeout": None}, "M_BAD_JSON"),
        ({"delay_timeout": True}, "M_BAD_JSON"),
        ({"delay_timeout": 3.6e6}, "M_BAD_JSON"),
        ({"delay_timeout": 14_999}, "M_INVALID_PARAM"),
        ({"delay_timeout": 10**12}, "M_INVALID_PARAM"),
        ({"delay_timeout": -1}, "M_INVALID_PARAM"),
    ],
)
async def test_what_is_wrong_in_a_request_is_named(
    calls: Authorised, space: LiveSpace, changes: dict[str, object], errcode: str
) -> None:
    body = delegating(calls.newer(space, ALICE)) | changes
    for path in ("/get_token", "/delegate_delayed_leave"):
        status, answer = await calls.post(path, body)
        assert (status, answer["errcode"]) == (400, errcode)
        (name,) = changes
        assert name in str(answer["error"]) or name in ("openid_token", "member")
    assert not calls.world.identities.asked


async def test_a_delegation_without_an_event_is_none(calls: Authorised, space: LiveSpace) -> None:
    body = calls.newer(space, ALICE)
    assert await calls.refused("/delegate_delayed_leave", body) == (400, "M_BAD_JSON")


async def test_an_oversized_or_compressed_request_is_refused(calls: Authorised) -> None:
    assert (await calls.refused("/sfu/get", {"x": "x" * 70_000}))[0] == 413
    address = f"{calls.world.base}/livekit/sfu/get"
    headers = {"Content-Encoding": "gzip"}
    async with calls.world.http.post(address, data=b"\x1f\x8b", headers=headers) as response:
        assert response.status == 415


# --- where it is --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/sfu/get", "/get_token", "/delegate_delayed_leave"])
async def test_pages_of_other_origins_may_ask(
    calls: Authorised, space: LiveSpace, path: str
) -> None:
    address = f"{calls.world.base}/livekit{path}"
    asks = ELSEWHERE | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    async with calls.world.http.options(address, headers=asks) as response:
        assert response.status == 204
        assert answer_of(response) == "*"
        assert response.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
        assert "content-type" in response.headers["Access-Control-Allow-Headers"].lower()
    async with calls.world.http.post(address, json={}, headers=ELSEWHERE) as response:
        assert answer_of(response) == "*"


async def test_the_authoriser_is_well(calls: Authorised) -> None:
    async with calls.world.http.get(f"{calls.world.base}/livekit/healthz") as response:
        assert response.status == 200
    async with calls.world.http.get(f"{calls.world.base}/livekit/nothing") as response:
        assert response.status == 404


async def test_it_is_below_the_prefix_whether_or_not_a_proxy_strips_it(tmp_path: Path) -> None:
    async with authorised(tmp_path, "/spaces") as calls:
        assert calls.world.base.endswith("/spaces")
        for base in (calls.world.base, calls.world.base.removesuffix("/spaces")):
            async with calls.world.http.get(f"{base}/livekit/healthz") as response:
                assert response.status == 200


async def test_no_log_holds_a_token_or_a_secret(
    calls: Authorised, space: LiveSpace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    body = calls.older(space, ALICE)
    _, answer = await calls.post("/sfu/get", body)
    calls.world.identities.away = True
    await calls.post("/sfu/get", body)
    openid = body["openid_token"]
    assert isinstance(openid, dict)
    for secret in (str(answer["jwt"]), str(openid["access_token"]), SECRET):
        assert secret not in caplog.text
    assert str(answer["url"]) == SFU


async def test_an_outage_is_one_line_in_the_log_however_many_ask(
    calls: Authorised, space: LiveSpace, caplog: pytest.LogCaptureFixture
) -> None:
    calls.secrecy.away = True
    for _ in range(5):
        assert (await calls.refused("/sfu/get", calls.older(space, ALICE)))[0] == 503
    lines = [r for r in caplog.records if r.name.startswith("spaces_bridge.livekit")]
    assert len(lines) == 1
