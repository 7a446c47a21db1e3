"""WHEP, WHIP, the Ogg stream, transcripts, calendar entries, the API, and the admin's listener."""

import json
from collections.abc import AsyncIterator

import pytest

from spaces_bridge.app import codec, registry
from spaces_bridge.app.ports import Direction
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import replay
from spaces_bridge.web.http.whip import WhipEndpoints
from tests.web.world import ALICE, HOST, WallClock, WebWorld, until

pytestmark = pytest.mark.peers

OFFER = {"Content-Type": "application/sdp"}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_anybody_may_listen_and_leave_again(world: WebWorld) -> None:
    address = world.page(await world.create(), "/whep")
    async with world.http.post(address, data="v=0", headers=OFFER) as response:
        assert response.status == 201
        assert response.content_type == "application/sdp"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in response.headers["Access-Control-Expose-Headers"]
        assert (await response.text()).startswith("v=0")
        place = world.settings.public_url + response.headers["Location"]
    [(_, user, direction)] = world.stage.sessions.values()
    assert direction is Direction.LISTEN
    assert user.startswith("@spaces_")
    async with world.http.patch(place, data="a=candidate") as response:
        assert response.status == 405
    async with world.http.delete(place) as response:
        assert response.status == 200
    assert not world.stage.sessions
    async with world.http.delete(place) as response:
        assert response.status == 404


async def test_a_sender_that_was_cut_reads_so_when_it_leaves(world: WebWorld) -> None:
    address = world.page(await world.create(), "/whep")
    async with world.http.post(address, data="v=0", headers=OFFER) as response:
        place = world.settings.public_url + response.headers["Location"]
    world.stage.cut.update(world.stage.sessions)
    async with world.http.delete(place) as response:
        assert response.status == 200
        assert "64 kbit/s" in await response.text()


async def test_other_origins_may_ask_first(world: WebWorld) -> None:
    space = await world.create()
    for path in ("/whep", "/whip", "/whep/session-1"):
        async with world.http.options(world.page(space, path)) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
            assert "DELETE" in response.headers["Access-Control-Allow-Methods"]


async def test_only_who_has_the_floor_may_open_a_microphone(world: WebWorld) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    secret = await world.link(space.space, ALICE)
    address = world.page(space, "/whip")
    for headers in ({}, bearer("unknown"), bearer(secret)):
        async with world.http.post(address, data="v=0", headers=OFFER | headers) as response:
            assert response.status == 403
            assert response.content_type == "application/problem+json"
            assert (await response.json())["code"] == "no_floor"
    assert not world.stage.sessions
    await world.seat(space.space, ALICE, "Alice")
    async with world.http.post(address, data="v=0", headers=OFFER | bearer(secret)) as response:
        assert response.status == 201
        place = world.settings.public_url + response.headers["Location"]
    assert world.view(space.space).on_air == {ALICE}
    assert world.stage.open_microphones == {ALICE}
    async with world.http.delete(place) as response:
        assert response.status == 200
    assert not world.stage.open_microphones
    assert not world.stage.sessions


async def test_a_second_microphone_takes_the_place_of_the_first(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    headers = OFFER | bearer(await world.link(space.space, ALICE))
    places = []
    for _ in range(2):
        async with world.http.post(
            world.page(space, "/whip"), data="v=0", headers=headers
        ) as response:
            assert response.status == 201
            places.append(world.settings.public_url + response.headers["Location"])
    assert len(world.stage.sessions) == 1
    async with world.http.delete(places[0]) as response:
        assert response.status == 404
    assert world.view(space.space).on_air == {ALICE}


async def test_microphones_are_forgotten_with_their_live_space(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "LAST_WORDS_MS", -1)
    [media] = [each for each in world.hub._watchers if isinstance(each, WhipEndpoints)]
    for _ in range(3):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        headers = OFFER | bearer(await world.link(space.space, ALICE))
        address = world.page(space, "/whip")
        async with world.http.post(address, data="v=0", headers=headers) as response:
            assert response.status == 201
        assert list(media._microphones) == [(space.space, ALICE)]
        await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))


async def test_whoever_may_not_speak_is_told_why(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    headers = OFFER | bearer(await world.link(space.space, ALICE))

    async def code() -> object:
        address = world.page(space, "/whip")
        async with world.http.post(address, data="v=0", headers=headers) as response:
            assert response.status == 403
            problem = await response.json()
            assert problem["with"] == {}
            return problem["code"]

    await world.spaces.ask(space.space, cmd.MuteSpeaker(HOST, ALICE))
    assert await code() == "muted"
    await world.spaces.ask(space.space, cmd.UnmuteSpeaker(HOST, ALICE))
    world.spaces.tell(space.space, cmd.SuspectLoss(ALICE))
    await until(lambda: world.view(space.space).is_doubted(ALICE))
    assert await code() == "checking"
    await world.levels(space.space, {ALICE: None})
    assert await code() == "no_floor"
    assert not world.stage.sessions


async def test_offers_are_refused_in_words(world: WebWorld) -> None:
    address = world.page(await world.create(), "/whep")
    refusals = [
        ({"Content-Type": "text/plain"}, b"v=0", 415, "not_sdp"),
        (OFFER, b"v" * 17_000, 413, "offer_too_long"),
        (OFFER, b"\xff\xfe", 400, "bad_offer"),
    ]
    for headers, body, status, code in refusals:
        async with world.http.post(address, data=body, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (status, code)
    world.stage.refusal = "Offer one audio track and no data channel."
    async with world.http.post(address, data="v=0", headers=OFFER) as response:
        problem = await response.json()
    assert (response.status, problem["code"]) == (400, "bad_offer")
    assert problem["detail"] == "Offer one audio track and no data channel."
    assert not world.stage.sessions


async def test_an_endless_body_is_cut_off(world: WebWorld) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"v" * 1024

    address = world.page(await world.create(), "/whep")
    async with world.http.post(address, data=endless(), headers=OFFER) as response:
        assert response.status == 413


async def test_there_is_no_sound_before_the_start_and_after_the_end(world: WebWorld) -> None:
    space = await world.create(live=False)
    for status, code in ((409, "not_live"), (410, "ended")):
        async with world.http.post(
            world.page(space, "/whep"), data="v=0", headers=OFFER
        ) as response:
            assert (response.status, (await response.json())["code"]) == (status, code)
        for ask in (world.http.get, world.http.post):
            async with ask(world.page(space, "/live.ogg")) as response:
                assert (response.status, (await response.json())["code"]) == (status, code)
        if status == 409:
            await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))


async def test_the_mix_streams_over_plain_http(world: WebWorld) -> None:
    async with world.http.get(world.page(await world.create(), "/live.ogg")) as response:
        assert response.status == 200
        assert response.content_type == "audio/ogg"
        assert await response.read() == b"OggS-1OggS-2"


PRIVATE_PATHS = (
    "",
    "/feed",
    "/live.ogg",
    "/transcript.vtt",
    "/transcript.srt",
    "/transcript.txt",
    "/transcript.json",
    "/event.ics",
)


async def test_a_private_space_answers_404_without_a_members_token(world: WebWorld) -> None:
    in_a_minute = WallClock().now_ms() + 60_000
    space = await world.create(private=True, scheduled_at_ms=in_a_minute)
    await world.joined(space.space, ALICE, "Alice")
    secret = await world.link(space.space, ALICE)
    api = f"{world.base}/api/v1/spaces/{space.slug}"
    readable = [world.page(space, path) for path in PRIVATE_PATHS] + [api]
    for headers in ({}, bearer("unknown")):
        for address in readable:
            async with world.http.get(address, headers=headers) as response:
                assert response.status == 404, address
        for path in ("/whep", "/whip"):
            async with world.http.post(
                world.page(space, path), data="v=0", headers=OFFER | headers
            ) as response:
                assert response.status == 404, path
    for address in readable:
        async with world.http.get(address, headers=bearer(secret)) as response:
            assert response.status == (426 if address.endswith("/feed") else 200), address
    async with world.http.post(
        world.page(space, "/whep"), data="v=0", headers=OFFER | bearer(secret)
    ) as response:
        assert response.status == 201
    await world.left(space.space, ALICE)
    assert not world.stage.sessions
    async with world.http.get(api, headers=bearer(secret)) as response:
        assert response.status == 404


async def test_what_was_said_can_be_taken_away_in_four_formats(world: WebWorld) -> None:
    space = await world.create()
    await world.caption(space.space, HOST, "Roses & <thorns> --> ouch\n\nnew", start_ms=3_723_004)
    told = {}
    for kind in ("vtt", "srt", "txt", "json"):
        async with world.http.get(world.page(space, f"/transcript.{kind}")) as response:
            assert response.status == 200
            told[kind] = await response.text()
    assert told["vtt"] == (
        "WEBVTT\n\n01:02:03.004 --> 01:02:03.904\n"
        "<v Hanna>Roses &amp; &lt;thorns&gt; → ouch new</v>\n"
    )
    assert told["srt"] == (
        "1\n01:02:03,004 --> 01:02:03,904\nHanna: Roses & <thorns> → ouch new\n"
    )
    assert told["txt"] == "[01:02:03] Hanna: Roses & <thorns> → ouch new\n"
    [utterance] = json.loads(told["json"])["utterances"]
    assert (utterance["speaker"], utterance["start_ms"]) == (HOST, 3_723_004)


async def test_a_scheduled_space_can_be_put_into_a_calendar(world: WebWorld) -> None:
    at_ms = WallClock().now_ms() + 3_600_000
    space = await world.create("Rosés & thorns", live=False, scheduled_at_ms=at_ms)
    async with world.http.get(world.page(space, "/event.ics")) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
        assert f'filename="{space.slug}.ics"' in response.headers["Content-Disposition"]
        lines = (await response.read()).decode().replace("\r\n ", "").split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert "SUMMARY:Rosés & thorns" in lines
    assert f"UID:{space.space}@example.org" in lines
    assert f"URL:{world.page(space)}" in lines
    assert "STATUS:CONFIRMED" in lines
    await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    async with world.http.get(world.page(space, "/event.ics")) as response:
        cancelled = (await response.text()).splitlines()
    assert {"STATUS:CANCELLED", "SEQUENCE:1", "METHOD:PUBLISH"} <= set(cancelled)


async def test_a_calendar_that_asks_again_is_sent_only_what_is_new(world: WebWorld) -> None:
    now_ms = WallClock().now_ms()
    space = await world.create("Roses", live=False, scheduled_at_ms=now_ms + 3_600_000)
    address = world.page(space, "/event.ics")
    async with world.http.get(address) as response:
        known = {"If-None-Match": f'"other", {response.headers["ETag"]}'}
    async with world.http.get(address, headers=known) as response:
        assert (response.status, await response.read()) == (304, b"")
    await world.spaces.ask(space.space, cmd.Reschedule(HOST, now_ms + 7_200_000, now_ms))
    async with world.http.get(address, headers=known) as response:
        assert response.status == 200
        assert "SEQUENCE:1" in (await response.text()).splitlines()


async def test_the_revision_of_a_calendars_entry_survives_a_restart(world: WebWorld) -> None:
    now_ms = WallClock().now_ms()
    space = await world.create("Roses", live=False, scheduled_at_ms=now_ms + 3_600_000)
    for hours in (2, 3):
        moved = cmd.Reschedule(HOST, now_ms + hours * 3_600_000, now_ms)
        await world.spaces.ask(space.space, moved)
    rows = await world.storage.journal.replay(space.space)
    created, *events = [codec.event_from(row) for row in rows]
    assert isinstance(created, ev.SpaceCreated)
    read_back = replay(created, [e for e in events if not isinstance(e, ev.SpaceCreated)])
    assert read_back.plan_revision == 2


async def test_without_a_time_there_is_nothing_for_a_calendar(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    async with world.http.get(world.page(space, "/event.ics")) as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        problem = await response.json()
    assert problem["code"] == "not_scheduled"
    assert problem["detail"].endswith(".")
    secret = await world.create("Family matters", private=True, live=False)
    async with world.http.get(world.page(secret, "/event.ics")) as response:
        assert (await response.json())["code"] == "not_found"


async def test_the_api_tells_of_live_spaces(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    async with world.http.get(world.base + "/api/v1/spaces") as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        [listed] = (await response.json())["spaces"]
    async with world.http.get(f"{world.base}/api/v1/spaces/{space.slug}") as response:
        assert await response.json() == listed
    assert (listed["title"], listed["state"], listed["listeners"]) == ("Garden hour", "live", 0)
    assert listed["page"] == world.page(space)
    assert [person["name"] for person in listed["stage"]] == ["Hanna"]
    async with world.http.get(world.base + "/api/v1/spaces/none") as response:
        assert response.status == 404
        assert (await response.json())["code"] == "not_found"


async def test_the_admin_sees_health_and_numbers(world: WebWorld) -> None:
    await world.create()
    ops = f"http://127.0.0.1:{world.service.ops_port}"
    async with world.http.get(f"{ops}/live") as response:
        assert response.status == 200
    async with world.http.get(f"{ops}/ready") as response:
        assert await response.json() == {"ready": True, "parts": {"database": "ok"}}
    async with world.http.get(f"{ops}/metrics") as response:
        assert "spaces_live 1.0" in await response.text()
    await world.storage.close()
    async with world.http.get(f"{ops}/ready") as response:
        assert response.status == 503
        assert (await response.json())["ready"] is False
    for path in ("/live", "/metrics"):
        async with world.http.get(world.settings.public_url + path) as response:
            assert response.status == 404


async def test_a_page_that_was_ousted_does_not_oust_in_return(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    secret = await world.link(space.space, ALICE)

    async def speak(query: str = "") -> tuple[int, str]:
        address = world.page(space, f"/whip{query}")
        headers = OFFER | bearer(secret)
        async with world.http.post(address, data="v=0", headers=headers) as response:
            location = response.headers.get("Location", "")
            code = "" if response.status == 201 else (await response.json())["code"]
            return response.status, code or location.rpartition("/")[2]

    await speak("?page=first")
    assert (await speak("?page=first&again"))[0] == 201
    await speak("?page=second")
    assert await speak("?page=first&again") == (409, "elsewhere")
    status, session = await speak("?page=second&again")
    assert status == 201
    world.stage.hang_up(session)
    assert (await speak("?page=first&again"))[0] == 201, "nothing is there to be ousted"
    assert (await speak("?page=second"))[0] == 201, "a person's own wish wins"
