"""Answers of whoever stands at the homeserver's address while it is away: never "done"."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach

pytestmark = pytest.mark.peers

ROOM, EVENT, BOT = RoomId("!room"), EventId("$event"), UserId("@bot:x.org")
EVE = UserId("@eve:x.org")

Call = Callable[[MatrixClient], Awaitable[object]]
CALLS: dict[str, Call] = {
    "register": lambda c: c.register(),
    "call": lambda c: c.call("POST", ["rooms", ROOM, "invite"], {"user_id": EVE}),
    "send": lambda c: c.send(ROOM, "m.room.message", {}, "key"),
    "redact": lambda c: c.redact(ROOM, EVENT, "key"),
    "state": lambda c: c.state(ROOM, "m.room.tombstone"),
    "state_event": lambda c: c.state_event(ROOM, "m.room.power_levels"),
    "event": lambda c: c.event(ROOM, EVENT),
    "all_state": lambda c: c.all_state(ROOM),
    "write_state": lambda c: c.write_state(ROOM, "m.room.name", {"name": "a"}),
    "ensure_state": lambda c: c.ensure_state(ROOM, "m.room.name", {}),
    "joined": lambda c: c.joined(ROOM),
    "banned": lambda c: c.banned(ROOM),
    "invited": lambda c: c.invited(ROOM),
    "last_messages": lambda c: c.last_messages(ROOM, 10),
    "joined_rooms": lambda c: c.joined_rooms(),
    "page_back": lambda c: c.page_back(ROOM, ["m.reaction"], None),
    "join": lambda c: c.join(ROOM),
    "leave": lambda c: c.leave(ROOM),
    "display_name": lambda c: c.display_name(EVE),
    "time_zone": lambda c: c.time_zone(EVE),
    "avatar": lambda c: c.avatar(EVE),
    "show_myself": lambda c: c.show_myself("mxc://x.org/a"),
    "upload": lambda c: c.upload(b"a", "image/png", "a.png"),
    "call_myself": lambda c: c.call_myself("Bot"),
}
PICTURES = {"thumbnail"}
"""Their bytes are anybody's; what is no picture is shown to nobody."""
PAGE = b"<!doctype html><title>Soon</title>"
DEEP = b"[" * 100_000
OBJECTS = [
    b"{}",
    b'{"status": "ok"}',
    b'{"errcode": 7}',
    b'{"errcode": "M_UNKNOWN", "error": "but 200"}',
    b'{"event_id": 7, "room_id": [], "joined": null, "chunk": {}, "content_uri": "x"}',
    b'{"event_id": "", "room_id": "", "joined": [], "chunk": [1], "content": {}, "user_id": ""}',
]
NO_OBJECTS = [b"[]", b"[1]", b"[{}]", b"null", b'"ok"', b"1", b"", PAGE, b'{"event_id": "$', DEEP]
SUCCESSES = [(status, body) for status in (200, 202) for body in (*OBJECTS, *NO_OBJECTS)]
FAILURES = [
    (status, body)
    for status in (204, 301, 302, 307, 400, 401, 403, 404, 405, 410, 500, 502, 503, 504)
    for body in (PAGE, b"{}", b"[]", b"", b'{"error": "no route"}', b'{"errcode": 404}')
]


class Impostor:
    """Answers whatever is asked with one answer."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, b"")
        self.cut_off = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        status, body = self.answer
        promised = len(body) + 100 * self.cut_off
        where = "location: https://elsewhere.invalid/\r\n" if 300 <= status < 400 else ""
        size = "" if status == 204 else f"content-length: {promised}\r\n"
        head_out = f"HTTP/1.1 {status} Odd\r\n{where}{size}connection: close\r\n\r\n"
        writer.write(head_out.encode() + (b"" if status == 204 else body))
        writer.close()


class ImpostorSetup:
    """A client whose homeserver is an impostor."""

    def __init__(self, impostor: Impostor, client: MatrixClient, reach: Reach) -> None:
        self.impostor = impostor
        self.client = client
        self.reach = reach

    async def outcome(self, name: str) -> str:
        """How the call ends, in a word."""
        self.reach.note_found()
        try:
            answer = await CALLS[name](self.client)
        except Away as away:
            noticed = away.unreached and self.reach.lost
            return "away" if noticed or (name == "upload" and away.broken) else f"{away!r}"
        except RequestRefused as refused:
            return f"refused: {refused}"
        return f"done: {answer!r}"


@pytest.fixture
async def setup() -> AsyncIterator[ImpostorSetup]:
    impostor, reach = Impostor(), Reach()
    server = await asyncio.start_server(impostor.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    api = HomeserverApi(f"http://127.0.0.1:{port}", "token", reach, lambda _: None)
    await api.start()
    yield ImpostorSetup(impostor, MatrixClient(api, BOT), reach)
    await api.stop()
    server.close()
    await server.wait_closed()


def test_every_call_of_the_client_is_in_the_table() -> None:
    calls = {
        name
        for name, method in inspect.getmembers(MatrixClient, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert calls == CALLS.keys() | PICTURES


@pytest.mark.parametrize("name", CALLS)
async def test_whatever_is_no_answer_is_an_outage(setup: ImpostorSetup, name: str) -> None:
    wrong = {}
    for answer in (*SUCCESSES, *FAILURES):
        setup.impostor.answer = answer
        outcome = await setup.outcome(name)
        if outcome != "away":
            wrong[answer[0], answer[1][:80]] = outcome
    assert wrong == {}


@pytest.mark.parametrize("name", CALLS)
async def test_an_answer_that_is_cut_off_is_an_outage(setup: ImpostorSetup, name: str) -> None:
    setup.impostor.cut_off = True
    setup.impostor.answer = (200, b'{"event_id": "$event", "room_id": "!room"')
    assert await setup.outcome(name) == "away"


async def test_the_watch_takes_no_page_for_a_homeserver(setup: ImpostorSetup) -> None:
    for answer in (*SUCCESSES, *FAILURES):
        setup.impostor.answer = answer
        with pytest.raises(Away):
            await setup.client._api.is_there(10.0)
        assert setup.reach.lost


@pytest.mark.parametrize("name", ["send", "leave", "joined", "state"])
async def test_a_service_that_lacks_what_every_homeserver_has_is_no_refusal(
    setup: ImpostorSetup, name: str
) -> None:
    """A worker got what is not for it: M_UNRECOGNIZED would be a no for good otherwise."""
    setup.impostor.answer = (404, b'{"errcode": "M_UNRECOGNIZED", "error": "Unrecognized"}')
    with pytest.raises(Away) as away:
        await CALLS[name](setup.client)
    assert away.value.broken
    assert not setup.reach.lost


@pytest.mark.parametrize(
    ("status", "errcode"), [(403, "M_FORBIDDEN"), (404, "M_NOT_FOUND"), (400, "M_UNKNOWN")]
)
async def test_a_homeservers_no_is_a_no(setup: ImpostorSetup, status: int, errcode: str) -> None:
    setup.impostor.answer = (status, b'{"errcode": "%s", "error": "No."}' % errcode.encode())
    with pytest.raises(RequestRefused, match=errcode):
        await CALLS["send"](setup.client)
    assert not setup.reach.lost


async def test_what_hangs_is_given_up_once_the_homeserver_is_back() -> None:
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    now = asyncio.get_running_loop().time
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reach = Reach()
    api = HomeserverApi(f"http://127.0.0.1:{port}", "token", reach, lambda _: None)
    await api.start()
    sending = asyncio.create_task(MatrixClient(api, BOT).send(ROOM, "m.reaction", {}, "key"))
    await asked.wait()
    reach.give_up_waiting(now())
    with pytest.raises(Away) as away:
        await sending
    assert away.value.unreached
    await api.stop()
    server.close()
    await server.wait_closed()
