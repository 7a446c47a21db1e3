"""The listener for the homeserver, asked by it and by strangers."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from spaces_bridge.app.records import InboxEvent
from spaces_bridge.matrix.appservice import server as appservice
from spaces_bridge.matrix.appservice.consumer import InboxConsumer
from spaces_bridge.matrix.appservice.server import BODY_MAX_BYTES, AppserviceServer
from spaces_bridge.storage.storage import Storage, open_storage
from tests.matrix.support import SystemClock, eventually
from tests.support.logged import json_lines

pytestmark = pytest.mark.peers

TOKEN = "hs-token-0123456789"


@dataclass
class ServerSetup:
    """A server with its inbox, and what arrived and was handled."""

    storage: Storage
    base: str = ""
    arrived: list[str] = field(default_factory=list)
    handled: list[str] = field(default_factory=list)

    def note(self, events: Sequence[InboxEvent]) -> None:
        self.arrived += [event.event_id for event in events]

    async def handle(self, event: object) -> None:
        assert isinstance(event, dict)
        if event.get("type") == "bug":
            raise ZeroDivisionError("a bug")
        self.handled.append(event["event_id"])

    async def put(
        self, txn: str, body: bytes | object, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, object]]:
        sent = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        given = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
        async with (
            aiohttp.ClientSession() as http,
            http.put(
                f"{self.base}/_matrix/app/v1/transactions/{txn}", data=sent, headers=given
            ) as response,
        ):
            return response.status, await response.json()

    async def rows(self) -> list[str]:
        return [row.event_id for row in await self.storage.inbox.pending(0, 10_000)]


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncIterator[ServerSetup]:
    made = ServerSetup(await open_storage(f"sqlite:{tmp_path}/db", SystemClock()))

    async def ready() -> bool:
        return True

    server = AppserviceServer(
        TOKEN,
        made.storage.inbox,
        made.note,
        lambda: made.arrived.append("stored"),
        lambda user: user == "@spacesbot:x",
        ready,
    )
    await server.start("127.0.0.1", 0)
    made.base = f"http://127.0.0.1:{server.port}"
    yield made
    await server.stop()
    await made.storage.close()


def event(number: int, **more: object) -> dict[str, object]:
    head = {"event_id": f"$e{number}", "room_id": "!room", "type": "m.test"}
    return {**head, "sender": "@a:x", "content": {}, **more}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 403),
        ({"Authorization": f"Bearer {TOKEN[:-1]}"}, 403),
        ({"Authorization": f"Bearer {TOKEN.upper()}"}, 403),
        ({"Authorization": "Bearer "}, 403),
        ({"Authorization": TOKEN}, 403),
        ({"Authorization": f"Basic {TOKEN}"}, 403),
    ],
)
async def test_forged_transactions_are_refused_and_leave_nothing(
    setup: ServerSetup, headers: dict[str, str], status: int
) -> None:
    answer = await setup.put("t", {"events": [event(1)]}, headers)
    assert answer[0] == status
    assert str(answer[1]["errcode"]).startswith("M_")
    assert await setup.rows() == []


async def test_what_is_logged_of_a_transaction_bears_its_number(setup: ServerSetup) -> None:
    with json_lines(appservice.__name__) as lines:
        status, _ = await setup.put("8127", b"no JSON")
    assert status == 400
    assert [line["request_id"] for line in lines()] == ["8127"]


async def test_a_compressed_transaction_is_refused_and_never_inflated(setup: ServerSetup) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": "gzip"}
    status, _ = await setup.put("t", gzip.compress(b'{"events": []}'), headers)
    assert status == 415
    assert await setup.rows() == []


async def test_a_transaction_that_does_not_come_is_not_waited_for(
    setup: ServerSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appservice, "BODY_WITHIN_S", 0.2)
    url = URL(f"{setup.base}/_matrix/app/v1/transactions/t")
    assert url.host is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"PUT {url.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    writer.write(f"{head}Content-Length: 9\r\n\r\n{{".encode())
    async with asyncio.timeout(60):
        assert (await reader.readline()).split()[1] == b"408"
    writer.close()


async def test_memory_is_given_back_after_a_large_transaction_alone(
    setup: ServerSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = asyncio.Event()
    monkeypatch.setattr(appservice, "GIVE_BACK_AFTER_S", 0)
    monkeypatch.setattr(appservice, "give_back_memory", given_back.set)
    assert (await setup.put("small", {"events": [event(1)]}))[0] == 200
    assert not given_back.is_set()
    large = event(2, padding="x" * appservice.LARGE_BYTES)
    assert (await setup.put("large", {"events": [large]}))[0] == 200
    async with asyncio.timeout(60):
        await given_back.wait()


async def test_a_token_in_the_query_is_no_token(setup: ServerSetup) -> None:
    status, _ = await setup.put(f"t?access_token={TOKEN}", {"events": [event(1)]}, {})
    assert status == 401
    assert await setup.rows() == []


async def test_a_transaction_counts_once_however_often_it_comes(setup: ServerSetup) -> None:
    body = {"events": [event(n) for n in range(5)]}
    answers = await asyncio.gather(*(setup.put("t1", body) for _ in range(10)))
    again = await setup.put("t2", body)
    assert {status for status, _ in [*answers, again]} == {200}
    assert await setup.rows() == [f"$e{n}" for n in range(5)]


async def test_a_homeserver_that_counts_transactions_anew_loses_nothing(
    setup: ServerSetup,
) -> None:
    for number in (1, 2):
        status, _ = await setup.put("1", {"events": [event(number)]})
        assert status == 200
    assert await setup.rows() == ["$e1", "$e2"]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"[]", "M_BAD_JSON"),
        (b'{"events": "x"}', "M_BAD_JSON"),
        (b"nonsense", "M_NOT_JSON"),
        (b"[" * 100_000, "M_BAD_JSON"),
    ],
)
async def test_malformed_transactions_are_refused_clearly(
    setup: ServerSetup, body: bytes, errcode: str
) -> None:
    status, answer = await setup.put("t", body)
    assert (status, answer["errcode"]) == (400, errcode)
    assert (await setup.put("next", {"events": [event(1)]}))[0] == 200


async def test_an_oversized_transaction_is_refused_and_the_next_is_not(setup: ServerSetup) -> None:
    status, answer = await setup.put("big", b" " * (BODY_MAX_BYTES + 1))
    assert (status, answer["errcode"]) == (413, "M_TOO_LARGE")
    assert (await setup.put("next", {"events": [event(1)]}))[0] == 200


async def test_a_hundred_big_events_pass(setup: ServerSetup) -> None:
    events = [event(n, content={"body": "x" * 65_000}) for n in range(100)]
    assert (await setup.put("big", {"events": events}))[0] == 200
    assert len(await setup.rows()) == 100


async def test_a_poisonous_event_is_buried_and_the_next_is_handled(setup: ServerSetup) -> None:
    deep = '{"event_id":"$deep","room_id":"!room","content":' + "[" * 50_000 + "]" * 50_000 + "}"
    odd = ["text", 5, None, [], {"event_id": 7}, event(1, type="bug")]
    listed = ",".join([*map(json.dumps, odd), deep, json.dumps(event(2))])
    status, _ = await setup.put("t", f'{{"events":[{listed}]}}'.encode())
    assert status == 200
    consumer = InboxConsumer(setup.storage.inbox, setup.handle)
    running = asyncio.create_task(consumer.run())
    await eventually(lambda: "$e2" in setup.handled, "the last event was not handled")

    async def empty() -> bool:
        return await setup.rows() == []

    await eventually(empty, "the inbox did not get empty")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_each_rooms_events_are_handled_in_order(setup: ServerSetup) -> None:
    events = [event(n, room_id=f"!room{n % 3}") for n in range(300)]
    for start in range(0, 300, 50):
        await setup.put(f"t{start}", {"events": events[start : start + 50]})
    consumer = InboxConsumer(setup.storage.inbox, setup.handle)
    running = asyncio.create_task(consumer.run())
    await eventually(lambda: len(setup.handled) == 300, "not everything was handled")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for room in range(3):
        mine = [int(e[2:]) for e in setup.handled if int(e[2:]) % 3 == room]
        assert mine == sorted(mine)


async def test_ping_queries_and_health_answer(setup: ServerSetup) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=bearer) as http:
        api = f"{setup.base}/_matrix/app/v1"
        async with http.post(f"{api}/ping", json={"transaction_id": "x"}) as pong:
            assert pong.status == 200
        async with http.get(f"{api}/users/@spacesbot:x") as known:
            assert known.status == 200
        async with http.get(f"{api}/users/@spaces_none:x") as unknown:
            assert unknown.status == 404
        async with http.get(f"{api}/rooms/%23spaces_none:x") as room:
            assert (room.status, (await room.json())["errcode"]) == (404, "M_NOT_FOUND")
        async with http.get(f"{api}/nothing") as nothing:
            assert (await nothing.json())["errcode"] == "M_UNRECOGNIZED"
        async with http.get(f"{setup.base}/_matrix/mau/live") as live:
            assert live.status == 200


async def test_hints_are_heard_even_while_the_database_is_away(setup: ServerSetup) -> None:
    body = {"events": [event(1)]}
    assert (await setup.put("1", body))[0] == 200
    assert (await setup.put("2", body))[0] == 200
    assert setup.arrived == ["$e1", "stored", "$e1"], "known events are hints, and nothing to do"
    await setup.storage.close()
    assert (await setup.put("3", {"events": [event(2)]}))[0] == 503
    assert setup.arrived[-1] == "$e2"
